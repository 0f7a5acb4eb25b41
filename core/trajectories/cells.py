"""Cross two batch sizes with two rates, and say which of the two makes a path what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.science.statistics import MARGIN
from core.trajectories.paths import Statistics, statistics, trajectory
from core.trajectories.problems import Array, LossSurface

Factor = Literal["rate", "batch", "both", "none"]
RATIOS = ("mean_length", "spread")  # of which one is so many times the other
LEAST = 1e-3  # of either: what is shorter is not seen, and a full batch at rest has only rounding
CLEAR = 2.0  # times as strong as the other: then one factor makes it


@dataclass(frozen=True)
class Cell:
    """A batch size with a rate, and where it leads."""

    batch_size: int
    rate: float
    path: Array
    statistics: Statistics


@dataclass(frozen=True)
class Effect:
    """How much a statistic changes from the small rate to the large one, and from the small batch to the large one.

    Both as the factor that it is multiplied by, the geometric mean over the other two settings.
    """

    by_rate: float
    by_batch: float

    @property
    def made_by(self) -> Factor:
        """Return which of the two makes it larger: both where they do so alike, on a logarithmic scale.

        What is within 25% is no difference.
        """
        logs = [float(np.log(by)) for by in (self.by_rate, self.by_batch)]
        rate, batch = (log if log > MARGIN else 0.0 for log in logs)
        if rate == batch == 0:
            return "none"
        if rate >= CLEAR * batch:
            return "rate"
        return "batch" if batch >= CLEAR * rate else "both"

    @property
    def lessened_by(self) -> Factor:
        """Return which of the two makes it smaller."""
        rate, batch = (np.log(by) < -MARGIN for by in (self.by_rate, self.by_batch))
        return "both" if rate and batch else "rate" if rate else "batch" if batch else "none"


def two_by_two(
    problem: LossSurface, *, batch_sizes: tuple[int, int], rates: tuple[float, float], updates: int, seed: int
) -> list[Cell]:
    """Return the four cells, row by row: small batch with both rates, then large batch with both.

    All from the same start, over the same data in the same order, for the same number of updates.
    """
    return [_cell(problem, size, rate, updates, seed) for size in batch_sizes for rate in rates]


def _cell(problem: LossSurface, batch_size: int, rate: float, updates: int, seed: int) -> Cell:
    path = trajectory(problem, batch_size=batch_size, rate=rate, updates=updates, seed=seed)
    return Cell(batch_size, rate, path, statistics(path, optimum=problem.optimum, radius=problem.radius))


def effects(cells: Sequence[Cell]) -> dict[str, Effect]:
    """Return for each of the statistics that are lengths what the rate and what the batch size do to it."""
    found = {}
    for name in RATIOS:
        (small_low, small_high), (large_low, large_high) = np.log(
            [[max(getattr(cell.statistics, name), LEAST) for cell in row] for row in (cells[:2], cells[2:])]
        )
        by_rate = (small_high - small_low + large_high - large_low) / 2
        by_batch = (large_low - small_low + large_high - small_high) / 2
        found[name] = Effect(float(np.exp(by_rate)), float(np.exp(by_batch)))
    return found
