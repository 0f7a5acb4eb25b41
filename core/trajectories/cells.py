"""Cross two batch sizes with two rates and find which of the two shapes a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.science.statistics import MARGIN
from core.trajectories.paths import Statistics, statistics, trajectory
from core.trajectories.problems import Array, LossSurface

Factor = Literal["rate", "batch", "both", "none"]
RATIOS = ("mean_length", "spread")  # statistics that are compared as ratios
LEAST = 1e-3  # floor of either: shorter ones are invisible, and a full batch at rest has only rounding
CLEAR = 2.0  # one factor counts alone if it is this many times as strong as the other


@dataclass(frozen=True)
class Cell:
    """A batch size with a rate, and its path."""

    batch_size: int
    rate: float
    path: Array
    statistics: Statistics


@dataclass(frozen=True)
class Effect:
    """The factors by which the higher rate and the larger batch multiply a statistic.

    Each is the geometric mean over the two values of the other setting.
    """

    by_rate: float
    by_batch: float

    @property
    def made_by(self) -> Factor:
        """Return which setting makes it larger: both if they do so to a similar degree on a logarithmic scale.

        A factor within 25% of one counts as no effect.
        """
        logs = [float(np.log(by)) for by in (self.by_rate, self.by_batch)]
        rate, batch = (log if log > MARGIN else 0.0 for log in logs)
        if rate == batch == 0:
            return "none"
        if rate >= CLEAR * batch:
            return "rate"
        return "batch" if batch >= CLEAR * rate else "both"


def two_by_two(
    problem: LossSurface, *, batch_sizes: tuple[int, int], rates: tuple[float, float], updates: int, seed: int
) -> list[Cell]:
    """Return the four cells row by row: the small batch with both rates, then the large batch with both.

    All share the start, the data, the order of examples and the number of updates.
    """
    return [_cell(problem, size, rate, updates, seed) for size in batch_sizes for rate in rates]


def _cell(problem: LossSurface, batch_size: int, rate: float, updates: int, seed: int) -> Cell:
    path = trajectory(problem, batch_size=batch_size, rate=rate, updates=updates, seed=seed)
    return Cell(batch_size, rate, path, statistics(path, optimum=problem.optimum, radius=problem.radius))


def effects(cells: Sequence[Cell]) -> dict[str, Effect]:
    """Return the effect of rate and batch size on each statistic of RATIOS."""
    found = {}
    for name in RATIOS:
        (small_low, small_high), (large_low, large_high) = np.log(
            [[max(getattr(cell.statistics, name), LEAST) for cell in row] for row in (cells[:2], cells[2:])]
        )
        by_rate = (small_high - small_low + large_high - large_low) / 2
        by_batch = (large_low - small_low + large_high - small_high) / 2
        found[name] = Effect(float(np.exp(by_rate)), float(np.exp(by_batch)))
    return found
