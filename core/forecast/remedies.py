"""Find the remedies of a run that does not fit its memory limit: predict them, then test each by running it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch

from core.forecast.predict import Forecast, chunks_of, heaviest_windows, new_trainer
from core.forecast.records import Remedy
from core.forecast.sizes import with_size
from core.forecast.timings import Timings, fastest, intervals, time_in_turns
from core.forecast.workspace import Reach
from core.memory import SimulatedOutOfMemoryError
from core.run.choices.optimizers import OPTIMIZERS
from core.run.config import RunConfig
from core.run.events import Peak
from core.run.fields import HABITS
from core.run.plan import plan
from core.train.continuation import with_remedy
from core.train.updater import Limit
from core.words.errors import ConfigError


def remedies(config: RunConfig) -> tuple[Remedy, ...]:
    """Return the changes that make a run fit its limit, in the order of REMEDIES.

    Each has run two updates and an evaluation under the limit, and then its epoch was timed in turns with the others.
    Without a limit there are none.
    """
    if config.memory_limit_bytes is None:
        return ()
    before = config
    with suppress(ConfigError):  # a budget of one update would become several with a smaller batch
        config = with_remedy(config, {})
    found: list[Remedy] = []
    plain = _largest(config)
    for kind, changes in _candidates(config):
        remedy = None
        if kind == "smaller_batch":
            remedy = _shown(config, (kind,), {"batch_size": plain}) if 0 < plain < config.batch_size else None
        elif kind == "accumulation":
            remedy = _accumulating(config)
        else:
            remedy = _alone_or_smaller(config, kind, changes, plain)
        if remedy:
            found.append(remedy)
    configs = [config.replace(**remedy.changes) for remedy in found]
    seconds = time_in_turns(configs, [remedy.peak.bytes for remedy in found], new_trainer)
    budget = _differences(before, config)
    return tuple(replace(remedy, changes={**budget, **remedy.changes}) for remedy in with_times(found, seconds))


def with_times(found: Sequence[Remedy], seconds: Timings) -> list[Remedy]:
    """Return the remedies, in the same order, with the time of an epoch and a mark on one that leads significantly."""
    bounds, first = intervals(seconds), fastest(seconds)
    return [
        replace(remedy, seconds_low=low, seconds_high=high, is_fastest=place == first)
        for place, (remedy, (low, high)) in enumerate(zip(found, bounds, strict=True))
    ]


def _candidates(config: RunConfig) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each kind of remedy with its changes, in the order of REMEDIES."""
    yield "smaller_batch", {}
    yield "accumulation", {}
    if not config.checkpointing:
        yield "checkpointing", {"checkpointing": True}
    if config.precision == "float32":
        yield "bfloat16", {"precision": "bfloat16"}
    for optimizer in OPTIMIZERS[config.optimizer].with_less_state:
        yield "less_state", {"optimizer": optimizer}
    if habits := {name: False for name in HABITS if getattr(config, name)}:
        yield "no_habits", habits


def _alone_or_smaller(config: RunConfig, kind: str, changes: dict[str, Any], plain: int) -> Remedy | None:
    """Return a change alone if that suffices, else with the largest batch it allows if that exceeds `plain`."""
    try:
        changed = config.replace(**changes)
    except ConfigError:
        return None
    largest = _largest(changed)
    if largest >= config.batch_size:
        return _shown(config, (kind,), changes)
    if largest > plain:
        return _shown(config, (kind, "smaller_batch"), changes | {"batch_size": largest})
    return None


def _accumulating(config: RunConfig) -> Remedy | None:
    """Return accumulation with the largest micro-batch that fits and keeps the effective batch size."""
    effective = config.effective_batch_size
    try:
        largest = _largest(config.replace(accumulate=2, batch_size=max(2, config.batch_size // 2)))
    except ConfigError:
        return None
    for size in range(min(largest, config.batch_size - 1), 0, -1):
        if effective % size == 0:
            changes: dict[str, Any] = {"batch_size": size, "accumulate": effective // size}
            if config.schedule_batch_size:  # keeps the number of updates the schedule is planned for
                share = config.schedule_batch_size * config.accumulate * size / effective
                changes["schedule_batch_size"] = max(1, round(share))
            if found := _shown(config, ("accumulation",), changes):
                return found
    return None


def _largest(config: RunConfig) -> int:
    return Forecast(config, reach=Reach.NEAR).largest_batch_size()


def _shown(config: RunConfig, kinds: tuple[str, ...], changes: dict[str, Any]) -> Remedy | None:
    """Return a remedy if a real run with it fits the limit."""
    try:
        changed = with_remedy(config, changes)
        changes = _differences(config, changed)
    except ConfigError:
        return None
    peak = Forecast(changed, reach=Reach.NEAR).peak(changed.batch_size)
    return Remedy(kinds, changes, peak, plan(changed).updates_per_epoch) if _fits(changed, peak) else None


def runs_through(config: RunConfig, batch_size: int) -> bool:
    """Return whether two updates and an evaluation with this batch size fit the limit when they are run."""
    run = with_size(config, batch_size)
    if run is None or run.batch_size != batch_size:
        run = config.replace(batch_size=batch_size)  # raises with the reason
    return _fits(run, Forecast(config, reach=Reach.NEAR).peak(batch_size))


def _fits(config: RunConfig, peak: Peak) -> bool:
    """Run two updates and an evaluation for real and return whether they fit the limit."""
    trainer = new_trainer(config)
    if config.memory_limit_bytes:
        trainer.limit = Limit(config.memory_limit_bytes, peak.workspace_bytes)
    try:
        for sizes in heaviest_windows(config):
            window = tuple(torch.zeros(size, dtype=torch.int64) for size in sizes)
            trainer.update_on(window, torch.zeros(()), torch.zeros(()))
        trainer.evaluate_chunk(0, chunks_of(config)[0])
    except SimulatedOutOfMemoryError:
        return False
    return True


def _differences(config: RunConfig, changed: RunConfig) -> dict[str, Any]:
    before, after = config.to_dict(), changed.to_dict()
    return {name: value for name, value in after.items() if before[name] != value}
