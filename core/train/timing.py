"""Measure how long training takes: by the wall, as a run counts its seconds, and of the core, as two are compared."""

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

HORIZON_S, HORIZON_UPDATES = 0.2, 3  # of a timing by the wall, at least
ROUND_S, ROUNDS = 0.02, 5  # of a timing of the core
MOST_UPDATES = 10_000  # of a round, where the clock ticks too coarsely to show a single one
LEAST_S = 1e-9


class Stopwatch:
    """Training time: stands while the run is paused or evaluates."""

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
    """Return how many updates a budget of seconds will pay for, from a short timing that leaves no trace."""
    state = trainer.state()
    record = Recorder()
    try:
        trainer.update(0.0, *record.slots())  # the first one is watched and slow
        clock, updates = Stopwatch(trainer.control), 1
        trainer.update(0.0, *record.slots())  # so is the second, which does not show where it takes long anyway
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
    """Return what an update of one training by itself takes of a core: the shortest mean of a few rounds.

    What else the machine does can make it longer and never shorter. No simulated limit ends the timing.
    """
    trainer = Trainer(config.replace(memory_limit_mb=None), data)
    loss, norm = torch.zeros(()), torch.zeros(())

    def took(updates: int) -> float:
        began = thread_time()
        for _ in range(updates):
            trainer.update(0.0, loss, norm)
        return (thread_time() - began) / updates

    took(2)  # watched, and slow
    first = took(1)
    updates = min(MOST_UPDATES, max(1, round(ROUND_S / max(first, LEAST_S))))
    shortest = min(took(updates) for _ in range(ROUNDS))
    return max(LEAST_S, min(first, shortest) if first else shortest)
