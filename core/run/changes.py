"""Determine which settings of a run may change while it keeps its weights. No torch, no sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.run import batching
from core.run.choices.optimizers import OPTIMIZERS
from core.run.config import RunConfig
from core.run.fields import FIELD_SPECS

REASON = "changed"  # stop reason of a run that another run continues with changed settings
MOST_BYTES = 256 * 2**20  # a larger state is not kept
WEIGHT_BYTES = 4  # float32, under autocast too

Settings = Mapping[str, tuple[Any, Any]]  # old and new value by name, as plain JSON values


@dataclass(frozen=True)
class Change:
    """Settings that changed after `updates` updates of a run."""

    updates: int
    settings: Settings


def differences(before: RunConfig, after: RunConfig) -> dict[str, tuple[Any, Any]]:
    """Return the settings in which two runs differ."""
    old, new = before.to_dict(), after.to_dict()
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


def lasting(before: RunConfig, after: RunConfig) -> list[str]:
    """Return the settings whose difference prevents one run from continuing the other."""
    return [name for name in differences(before, after) if FIELD_SPECS[name].fixes and before.uses(name)]


def state_bytes(config: RunConfig, parameters: int) -> int:
    """Return the approximate size of a run's state: its weights and its optimizer's state."""
    return parameters * WEIGHT_BYTES * (1 + OPTIMIZERS[config.optimizer].states)


def is_spent(config: RunConfig, *, updates: int, examples: int, epochs: int, seconds: float) -> bool:
    """Return whether a run that has made this progress has used up the budget of a config.

    `epochs` counts complete epochs.
    """
    done = {"updates": updates, "examples": examples, "seconds": seconds, "epochs": epochs}
    return done[config.budget] >= config.budget_value


def position(config: RunConfig, examples: int) -> int:
    """Return how many updates a run with this config needs to see `examples` examples."""
    shape = config.spec.examples, config.batch_size, config.accumulate
    return batching.updates_for_examples(examples, *shape, drop_last=config.drop_last) if examples else 0
