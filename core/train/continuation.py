"""Continue a stopped run with different settings: compute its remaining budget, and pack and unpack its state."""

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
class RemainingBudget:
    """The remaining budget of a continued run, counted in its own updates.

    updates   updates still to make; None if the budget is in seconds
    position  place in the schedule: the updates that the examples seen so far would take at this run's batch size, or
              the updates made so far if the budget is in updates
    """

    updates: int | None
    position: int


def with_remedy(config: RunConfig, changes: dict[str, Any]) -> RunConfig:
    """Return the changed settings of a run, with a budget that still covers the same number of examples.

    A budget in updates is converted to examples; other budgets mean the same at every batch size.
    Raises ConfigError.
    """
    if config.budget == "updates":
        changes = changes | {"budget": "examples", "budget_value": planned_examples(config)}
    try:
        return config.replace(**changes)
    except ConfigError:  # the budget is too large; if another setting is invalid, this raises for it
        return config.replace(**changes | {"budget": "updates", "budget_value": MAX_UPDATES})


def remaining_budget(
    config: RunConfig, *, updates: int, epoch: int, seen_in_epoch: int, examples_seen: int
) -> RemainingBudget:
    """Return the remaining budget after `updates` updates and `epoch` complete epochs.

    The current epoch has already used `seen_in_epoch` examples; the run has used `examples_seen` in total.
    """
    if config.budget == "updates":
        return RemainingBudget(max(0, int(config.budget_value) - updates), updates)
    here = position(config, examples_seen)
    if config.budget == "seconds":
        return RemainingBudget(None, here)
    rest = [sum(window) for window in rest_of_epoch(config, seen_in_epoch)]
    per_epoch = batching.updates_per_epoch(*_shape(config), drop_last=config.drop_last)
    if config.budget == "epochs":
        epochs = int(config.budget_value) - epoch
        return RemainingBudget(len(rest) + (epochs - 1) * per_epoch if epochs > 0 else 0, here)
    missing, left = int(config.budget_value) - examples_seen, 0
    for size in rest:
        if missing <= 0:
            break
        missing, left = missing - size, left + 1
    if missing > 0:
        left += batching.updates_for_examples(missing, *_shape(config), drop_last=config.drop_last)
    return RemainingBudget(left, here)


def rest_of_epoch(config: RunConfig, seen: int) -> list[tuple[int, ...]]:
    """Return the micro-batch sizes of each window left in an epoch of which `seen` examples have been used."""
    examples = left_in_epoch(config, config.spec.examples, seen)
    if examples <= 0:
        return []
    return batching.window_sizes(examples, config.batch_size, config.accumulate, drop_last=config.drop_last)


def pack(state: dict[str, Any]) -> bytes:
    """Serialise the state of a trainer."""
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def unpack(payload: bytes) -> dict[str, Any]:
    """Return the state that `pack` serialised."""
    state: dict[str, Any] = torch.load(io.BytesIO(payload), weights_only=True)
    return state


def _shape(config: RunConfig) -> tuple[int, int, int]:
    return config.spec.examples, config.batch_size, config.accumulate
