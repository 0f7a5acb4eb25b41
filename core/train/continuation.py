"""Go on with other settings from where another run stopped: what is left to do, counted in examples."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import torch

from core.run import batching
from core.run.changes import position
from core.run.config import MAX_UPDATES, RunConfig
from core.run.plan import planned_examples
from core.train.order import left_in_epoch
from core.words.errors import ConfigError


@dataclass(frozen=True)
class Left:
    """What a run that goes on in another's place has left of its budget, in its own updates.

    updates   still to be made; None for a budget of seconds
    position  of the schedule: how many updates of its own size the examples seen so far would have been; under a budget
              of updates, how many were made
    """

    updates: int | None
    position: int


def with_remedy(config: RunConfig, changes: dict[str, Any]) -> RunConfig:
    """Return the settings with which a run goes on: changed, and its budget paying for as many examples as before.

    A budget of updates becomes one of examples; the others mean the same at every batch size. Raises ConfigError.
    """
    if config.budget == "updates":
        changes = changes | {"budget": "examples", "budget_value": planned_examples(config)}
    try:
        return config.replace(**changes)
    except ConfigError:  # more than a run may have, or something else, which is said now
        return config.replace(**changes | {"budget": "updates", "budget_value": MAX_UPDATES})


def left_of(config: RunConfig, *, updates: int, epoch: int, seen_in_epoch: int, examples_seen: int) -> Left:
    """Return what is left for a run that starts after so many updates, complete epochs and examples of the next."""
    if config.budget == "updates":
        return Left(max(0, int(config.budget_value) - updates), updates)
    here = position(config, examples_seen)
    if config.budget == "seconds":
        return Left(None, here)
    rest = [sum(window) for window in rest_of_epoch(config, seen_in_epoch)]
    per_epoch = batching.updates_per_epoch(*_shape(config), drop_last=config.drop_last)
    if config.budget == "epochs":
        epochs = int(config.budget_value) - epoch
        return Left(len(rest) + (epochs - 1) * per_epoch if epochs > 0 else 0, here)
    missing, left = int(config.budget_value) - examples_seen, 0
    for size in rest:
        if missing <= 0:
            break
        missing, left = missing - size, left + 1
    if missing > 0:
        left += batching.updates_for_examples(missing, *_shape(config), drop_last=config.drop_last)
    return Left(left, here)


def rest_of_epoch(config: RunConfig, seen: int) -> list[tuple[int, ...]]:
    """Return the windows in which the examples of an epoch are met that are not among the first `seen`."""
    examples = left_in_epoch(config, config.spec.examples, seen)
    if examples <= 0:
        return []
    return batching.window_sizes(examples, config.batch_size, config.accumulate, drop_last=config.drop_last)


def pack(state: dict[str, Any]) -> bytes:
    """Return the state of a trainer as bytes."""
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def unpack(payload: bytes) -> dict[str, Any]:
    """Return what `pack` was given."""
    state: dict[str, Any] = torch.load(io.BytesIO(payload), weights_only=True)
    return state


def _shape(config: RunConfig) -> tuple[int, int, int]:
    return config.spec.examples, config.batch_size, config.accumulate
