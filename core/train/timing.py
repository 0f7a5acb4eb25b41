"""Measure training time: wall time for budgets in seconds, CPU time for comparing two setups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, thread_time

import torch

from core.datasets.tensors import Data
from core.run.config import RunConfig
from core.run.control import Control
from core.train.recorder import Recorder
from core.train.trainer import Trainer

HORIZON_S, HORIZON_UPDATES = 0.2, 3  # lower bounds of the wall-time measurement
ROUND_S, ROUNDS = 0.02, 5  # length and number of rounds of the CPU-time measurement
MOST_UPDATES = 10_000  # most updates per round, in case the clock is too coarse to time one update
LEAST_S = 1e-9


class Stopwatch:
    """Measure training time, excluding pauses and the blocks under `standing`."""

    def __init__(self, control: Control, *, elapsed_s: float = 0.0) -> None:
        self.control = control
        self._began = perf_counter() - control.paused_s - elapsed_s

    def __call__(self) -> float:
        return perf_counter() - self._began - self.control.paused_s

    @contextmanager
    def standing(self) -> Iterator[None]:
        stood, paused = perf_counter(), self.control.paused_s
        try:
            yield
        finally:
            self._began += perf_counter() - stood - (self.control.paused_s - paused)


def timed_horizon(trainer: Trainer) -> int:
    """Return how many updates a budget in seconds allows, from a short timing that leaves the trainer unchanged."""
    state = trainer.state()
    record = Recorder()
    try:
        trainer.update(0.0, *record.slots())  # the first update is slow: it runs under the ledger
        clock, updates = Stopwatch(trainer.control), 1
        trainer.update(0.0, *record.slots())  # the second is watched too; for long updates the difference is negligible
        if clock() < HORIZON_S:
            clock, updates = Stopwatch(trainer.control), 0
            while clock() < HORIZON_S or updates < HORIZON_UPDATES:
                trainer.update(0.0, *record.slots())
                updates += 1
        per_update_s = clock() / updates
    finally:
        trainer.restore(state)
        trainer.forget_losses()
    left_s = trainer.config.budget_value - trainer.elapsed_s
    return trainer.updates + max(1, round(left_s / per_update_s))


def core_seconds(config: RunConfig, data: Data) -> float:
    """Return the CPU time of one update of this training alone: the lowest mean over a few rounds.

    Other load on the machine can only lengthen a round, never shorten it. The memory limit is not applied.
    """
    trainer = Trainer(config.replace(memory_limit_mb=None), data)
    loss, norm = torch.zeros(()), torch.zeros(())

    def took(updates: int) -> float:
        began = thread_time()
        for _ in range(updates):
            trainer.update(0.0, loss, norm)
        return (thread_time() - began) / updates

    took(2)  # the first two updates are slow: they run under the ledger
    first = took(1)
    updates = min(MOST_UPDATES, max(1, round(ROUND_S / max(first, LEAST_S))))
    shortest = min(took(updates) for _ in range(ROUNDS))
    return max(LEAST_S, min(first, shortest) if first else shortest)
