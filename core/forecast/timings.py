"""Time an epoch of several configurations in turns, and find the one that is significantly the fastest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.run.config import RunConfig
from core.run.machine import free_memory_bytes
from core.run.plan import plan
from core.science.statistics import LEVEL, holm, interval, sign_flip
from core.train.trainer import Trainer

# With so many pairs, a fastest of eight can be significant after the correction: 2 / 2^10 x 7 = 0.014.
ROUNDS = 10
LEAST_ROUNDS, MOST_S = 2, 3.0  # after MOST_S no round begins, except for the first LEAST_ROUNDS
TIMED_S, TIMED_MICRO_BATCHES = 0.005, 4  # the least time of a timing, and the most micro-batches of its window
WARM_BATCH = 2  # the least for batch normalisation
KEPT_SHARE = 0.5  # share of this machine's free memory that models may take which wait for their turn

Timings = NDArray[np.float64]  # seconds of an epoch, (configurations, rounds); LEAST_ROUNDS to ROUNDS of these


def time_in_turns(configs: Sequence[RunConfig], peaks: Sequence[int], make: Callable[[RunConfig], Trainer]) -> Timings:
    """Return the seconds of an epoch of each configuration in each round, without evaluation.

    Each round times all of them, so that a slow moment of the machine falls on all alike; every other round goes
    backwards. Slow configurations get fewer rounds (see MOST_S). `peaks` are the bytes that each takes: if all do not
    fit the free memory, each turn builds its own.
    """
    keeps = sum(peaks) < KEPT_SHARE * free_memory_bytes()
    kept: dict[int, Trainer] = {}
    seconds = np.zeros((len(configs), ROUNDS))
    began = perf_counter()
    for turn in range(ROUNDS):
        if turn >= LEAST_ROUNDS and perf_counter() - began > MOST_S:
            return seconds[:, :turn]
        places = range(len(configs))
        for place in places if turn % 2 == 0 else reversed(places):
            trainer = kept.get(place) or _warm(make(configs[place]))
            if keeps:
                kept[place] = trainer
            seconds[place, turn] = _seconds_an_update(trainer) * plan(configs[place]).updates_per_epoch
    return seconds


def intervals(seconds: Timings) -> list[tuple[float, float]]:
    """Return the 95% interval of the geometric mean of each configuration's timings.

    Fewer than ROUNDS timings have too few resamples for an interval, so their range is returned.
    """
    found = []
    for row in np.log(seconds):
        low, high = interval(row) if len(row) == ROUNDS else (row.min(), row.max())
        found.append((math.exp(low), math.exp(high)))
    return found


def fastest(seconds: Timings) -> int | None:
    """Return the configuration that is significantly faster than every other one, or None.

    The logarithms are compared pair by pair within the rounds, by all sign flips, corrected by Holm's method.
    """
    logs = np.log(seconds)
    if len(logs) < 2:
        return None
    first = int(logs.mean(axis=1).argmin())
    others = [sign_flip(row - logs[first]) for place, row in enumerate(logs) if place != first]
    return first if max(holm(others)) < LEVEL else None


def _warm(trainer: Trainer) -> Trainer:
    trainer.limit = None  # a whole window may be larger than any of the run
    # The first update creates the optimizer's state. The second has new shapes, so it runs under the ledger.
    _update(trainer, (min(WARM_BATCH, trainer.config.batch_size),))
    _update(trainer, _window(trainer.config))
    return trainer


def _seconds_an_update(trainer: Trainer) -> float:
    """Return the seconds that a whole window takes, timed on a few of its micro-batches."""
    config, window = trainer.config, _window(trainer.config)
    updates, began = 0, perf_counter()
    while not updates or perf_counter() - began < TIMED_S:
        _update(trainer, window)
        updates += 1
    return (perf_counter() - began) / updates * config.accumulate / len(window)


def _window(config: RunConfig) -> tuple[int, ...]:
    """Return the sizes of the micro-batches that are timed."""
    return (config.batch_size,) * min(config.accumulate, TIMED_MICRO_BATCHES)


def _update(trainer: Trainer, sizes: tuple[int, ...]) -> None:
    window: tuple[Any, ...] = tuple(torch.zeros(size, dtype=torch.int64) for size in sizes)
    trainer.update_on(window, torch.zeros(()), torch.zeros(()))
