"""Find the remedies of a run that does not fit its memory limit: predict them, then test each by running it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import perf_counter
from typing import Any

import torch

from core.forecast.predict import Forecast, chunks_of, heaviest_windows, new_trainer
from core.forecast.records import Remedy
from core.forecast.sizes import with_size
from core.forecast.workspace import Reach
from core.memory import SimulatedOutOfMemoryError
from core.run.choices.optimizers import OPTIMIZERS
from core.run.config import RunConfig
from core.run.events import Peak
from core.run.fields import HABITS
from core.run.plan import plan
from core.train.continuation import with_remedy
from core.train.trainer import Trainer
from core.train.updater import Limit
from core.words.errors import ConfigError

TIMED_S, TIMED_MICRO_BATCHES = 0.05, 4


def remedies(config: RunConfig) -> tuple[Remedy, ...]:
    """Return the changes that make a run fit its limit, the one with the fastest epochs first.

    Each has run two updates and an evaluation under the limit. Without a limit there are none.
    """
    if config.memory_limit_bytes is None:
        return ()
    try:
        before, config = (
            config,
            with_remedy(config, {}),
        )  # a budget of one update would become several with a smaller batch
    except ConfigError:
        before = config
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
    budget = _differences(before, config)
    found = [replace(remedy, changes={**budget, **remedy.changes}) for remedy in found]
    return tuple(sorted(found, key=lambda remedy: remedy.seconds_per_epoch))


def _candidates(config: RunConfig) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "smaller_batch", {}
    yield "accumulation", {}
    if habits := {name: False for name in HABITS if getattr(config, name)}:
        yield "no_habits", habits
    if not config.checkpointing:
        yield "checkpointing", {"checkpointing": True}
    if config.precision == "float32":
        yield "bfloat16", {"precision": "bfloat16"}
    for optimizer in OPTIMIZERS[config.optimizer].with_less_state:
        yield "less_state", {"optimizer": optimizer}


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
    trainer = _ran(changed, peak)
    if trainer is None:
        return None
    per_epoch = plan(changed).updates_per_epoch
    return Remedy(kinds, changes, peak, per_epoch, _seconds_an_update(trainer) * per_epoch)


def runs_through(config: RunConfig, batch_size: int) -> bool:
    """Return whether two updates and an evaluation with this batch size fit the limit when they are run."""
    run = with_size(config, batch_size)
    if run is None or run.batch_size != batch_size:
        run = config.replace(batch_size=batch_size)  # raises with the reason
    return _ran(run, Forecast(config, reach=Reach.NEAR).peak(batch_size)) is not None


def _ran(config: RunConfig, peak: Peak) -> Trainer | None:
    """Run two updates and an evaluation for real and return the trainer, or None if the limit stopped it."""
    trainer = new_trainer(config)
    if config.memory_limit_bytes:
        trainer.limit = Limit(config.memory_limit_bytes, peak.workspace_bytes)
    try:
        for sizes in heaviest_windows(config):
            _update(trainer, sizes)
        trainer.evaluate_chunk(0, chunks_of(config)[0])
    except SimulatedOutOfMemoryError:
        return None
    return trainer


def _differences(config: RunConfig, changed: RunConfig) -> dict[str, Any]:
    before, after = config.to_dict(), changed.to_dict()
    return {name: value for name, value in after.items() if before[name] != value}


def _seconds_an_update(trainer: Trainer) -> float:
    """Return the seconds a whole window takes, timed on a few of its micro-batches."""
    config, trainer.limit = trainer.config, None  # a whole window may be larger than any of the run
    micro_batches = min(config.accumulate, TIMED_MICRO_BATCHES)
    sizes = (config.batch_size,) * micro_batches
    _update(trainer, sizes)  # warms up: an update with new shapes runs under the ledger
    updates, began = 0, perf_counter()
    while perf_counter() - began < TIMED_S:
        _update(trainer, sizes)
        updates += 1
    return (perf_counter() - began) / updates * config.accumulate / micro_batches


def _update(trainer: Trainer, sizes: tuple[int, ...]) -> None:
    window = tuple(torch.zeros(size, dtype=torch.int64) for size in sizes)
    trainer.update_on(window, torch.zeros(()), torch.zeros(()))
