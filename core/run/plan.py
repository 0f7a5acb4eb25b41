"""Compute the counts of a run before it starts, for the preview, the trainer and the pages."""

from __future__ import annotations

from dataclasses import dataclass

from core.run import batching
from core.run.choices import schedules
from core.run.config import RunConfig, planned_updates


@dataclass(frozen=True)
class Plan:
    """The counts of a run. `total_updates` is None for a budget in seconds, which is timed at the start."""

    examples: int
    batches_per_epoch: int
    last_batch_size: int
    updates_per_epoch: int
    examples_per_epoch: int
    total_updates: int | None


def plan(config: RunConfig) -> Plan:
    """Return the counts of a run."""
    examples, size, accumulate, drop = (
        config.spec.examples,
        config.batch_size,
        config.accumulate,
        config.drop_last,
    )
    return Plan(
        examples=examples,
        batches_per_epoch=batching.batches_per_epoch(examples, size, drop_last=drop),
        last_batch_size=batching.last_batch_size(examples, size, drop_last=drop),
        updates_per_epoch=batching.updates_per_epoch(examples, size, accumulate, drop_last=drop),
        examples_per_epoch=batching.examples_per_epoch(examples, size, accumulate, drop_last=drop),
        total_updates=planned_updates(config),
    )


def planned_examples(config: RunConfig) -> int:
    """Return how many examples a run will see. The budget must not be in seconds."""
    shape = config.spec.examples, config.batch_size, config.accumulate
    windows = batching.window_sizes(*shape, drop_last=config.drop_last)
    epochs, rest = divmod(planned_updates(config) or 0, len(windows))
    return epochs * sum(map(sum, windows)) + sum(map(sum, windows[:rest]))


def schedule_horizon(config: RunConfig, horizon: int) -> int:
    """Return how many updates the schedule is planned for in a run of `horizon` updates.

    The two are equal unless `schedule_batch_size` is set. The schedule is then planned for the updates that the budget
    would give at that batch size, as in a script that changes its batch size but not its schedule. A schedule planned
    for fewer updates ends before the run does; one planned for more is cut off.
    """
    if config.schedule_batch_size is None:
        return horizon
    return planned_updates(config, batch_size=config.schedule_batch_size) or horizon


def is_planned_otherwise(config: RunConfig, horizon: int) -> bool:
    """Return whether the schedule depends on the number of updates and is planned for a different number."""
    return schedules.SCHEDULES[config.schedule].is_decay and schedule_horizon(config, horizon) != horizon


def rate_factor(config: RunConfig, t: int, horizon: int) -> float:
    """Return the share of the peak rate at update t (0 ... U-1) of a run of `horizon` updates, U.

    The preview plots this function and the trainer calls it.
    """
    return schedules.factor(
        config.schedule,
        t,
        schedule_horizon(config, horizon),
        warmup=config.warmup,
        runs_out=config.schedule_batch_size is not None,
    )
