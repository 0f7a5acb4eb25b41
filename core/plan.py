"""Say what a run will do before it does it: the counts that preview, trainer and screen share."""

from __future__ import annotations

from dataclasses import dataclass

from core import batching
from core.config import RunConfig, planned_updates


@dataclass(frozen=True)
class Plan:
    """The counts of a run. `total_updates` is None for a budget of seconds, which is timed at the start."""

    examples: int
    batches_per_epoch: int
    last_batch_size: int
    updates_per_epoch: int
    examples_per_epoch: int
    total_updates: int | None


def plan(config: RunConfig) -> Plan:
    """Return the counts of a run."""
    examples, size, accumulate, drop = (
        config.spec.examples, config.batch_size, config.accumulate, config.drop_last,
    )  # fmt: skip
    return Plan(
        examples=examples,
        batches_per_epoch=batching.batches_per_epoch(examples, size, drop_last=drop),
        last_batch_size=batching.last_batch_size(examples, size, drop_last=drop),
        updates_per_epoch=batching.updates_per_epoch(examples, size, accumulate, drop_last=drop),
        examples_per_epoch=batching.examples_per_epoch(examples, size, accumulate, drop_last=drop),
        total_updates=planned_updates(config),
    )
