"""Say which settings may change in a run that keeps its weights. No torch, no sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.run import batching
from core.run.choices.optimizers import OPTIMIZERS
from core.run.config import RunConfig
from core.run.fields import FIELD_SPECS

REASON = "changed"  # why a run is stopped in whose place another goes on
MOST_BYTES = 256 * 2**20  # of a state that is kept; a larger one is let go
WEIGHT_BYTES = 4  # float32, under autocast too

Settings = Mapping[str, tuple[Any, Any]]  # by their names the old value and the new one, as plain JSON values


@dataclass(frozen=True)
class Change:
    """Settings that changed after so many updates of a run."""

    updates: int
    settings: Settings


def differences(before: RunConfig, after: RunConfig) -> dict[str, tuple[Any, Any]]:
    """Return the settings in which two runs differ."""
    old, new = before.to_dict(), after.to_dict()
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


def lasting(before: RunConfig, after: RunConfig) -> list[str]:
    """Return the settings in which two runs differ, and must not where one goes on with the other's weights."""
    return [name for name in differences(before, after) if FIELD_SPECS[name].fixes and before.uses(name)]


def state_bytes(config: RunConfig, parameters: int) -> int:
    """Return how large the state of a run is, about: its weights and its optimizer's state."""
    return parameters * WEIGHT_BYTES * (1 + OPTIMIZERS[config.optimizer].states)


def is_spent(config: RunConfig, *, updates: int, examples: int, epochs: int, seconds: float) -> bool:
    """Return whether a run that has come so far, with so many complete epochs, has nothing left of such a budget."""
    done = {"updates": updates, "examples": examples, "seconds": seconds, "epochs": epochs}
    return done[config.budget] >= config.budget_value


def position(config: RunConfig, examples: int) -> int:
    """Return how many updates a run of these settings would have made to see so many examples."""
    shape = config.spec.examples, config.batch_size, config.accumulate
    return batching.updates_for_examples(examples, *shape, drop_last=config.drop_last) if examples else 0
