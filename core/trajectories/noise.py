"""Draw gradients of random batches at one point, and compute the law of their length by batch size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.science.expectation import kept_scatter
from core.trajectories.problems import Array, LossSurface

DRAWS = 300
SIZES = (1, 4, 16, 64, 256, 1_024)


@dataclass(frozen=True, eq=False)
class Law:
    """The mean squared length of a batch's gradient at one point: |G|^2 + S v(B), v(B) = (1/B) (N - B) / (N - 1).

    G is the gradient of all N examples. S is the trace of the covariance (2, 2) of the examples' gradients g_i about
    G, with N in the denominator: S = sum |g_i - G|^2 / N. The mean of B of N numbers drawn without replacement has
    variance (s^2/B) (N - B) / (N - 1), where s^2 is the variance of the whole population. With N - 1 in the denominator
    of s^2 the factor would be (N - B) / N. Each pair is exact; mixing them is not.
    """

    examples: int
    gradient_squared: float
    covariance: Array

    @property
    def variance(self) -> float:
        """Return S."""
        return float(np.trace(self.covariance))

    def share(self, batch_size: int) -> float:
        """Return v(B), the share of S that a batch of size B keeps: 1 for one example, 0 for all examples."""
        return kept_scatter(batch_size, self.examples)

    def mean_squared(self, batch_size: int) -> float:
        """Return the mean squared length of the gradient of a batch of this size."""
        return self.gradient_squared + self.variance * self.share(batch_size)


@dataclass(frozen=True)
class Measured:
    """The mean squared length of the gradients of random batches of one size, with its standard error."""

    batch_size: int
    mean_squared: float
    standard_error: float

    def errors_off(self, law: Law) -> float:
        """Return the distance from the law in standard errors; 0 for a batch of all examples, which has no error."""
        if law.share(self.batch_size) == 0:
            return 0.0
        return (self.mean_squared - law.mean_squared(self.batch_size)) / self.standard_error


def law(problem: LossSurface, point: Array) -> Law:
    """Return the law at a point, from the gradients of all examples."""
    each = problem.example_gradients(point)
    mean = each.mean(0)
    apart = each - mean
    return Law(problem.examples, float((mean**2).sum()), apart.T @ apart / len(each))


def cloud(problem: LossSurface, point: Array, batch_size: int, draws: int = DRAWS, *, seed: int) -> Array:
    """Return the mean gradients of random batches at a point, (draws, 2). A batch repeats no example."""
    found: Array = _chosen(problem.examples, batch_size, draws, seed) @ problem.example_gradients(point) / batch_size
    return found


def measured(
    problem: LossSurface, point: Array, *, sizes: Sequence[int] = SIZES, draws: int = DRAWS, seed: int
) -> list[Measured]:
    """Measure the mean squared length of a batch's gradient for each batch size, from `draws` batches."""
    found = []
    for size in sizes:
        squared = (cloud(problem, point, size, draws, seed=seed) ** 2).sum(1)
        found.append(Measured(size, float(squared.mean()), float(squared.std(ddof=1) / np.sqrt(draws))))
    return found


@lru_cache(maxsize=16)
def _chosen(examples: int, batch_size: int, draws: int, seed: int) -> NDArray[np.bool_]:
    """Return the examples in each draw, (draws, examples). They are the same at every point, hence the cache.

    Each batch size has its own draws, so the measurements are independent.
    """
    if not 1 <= batch_size <= examples:
        raise ValueError(f"batch_size must be between 1 and {examples}, got {batch_size}")
    keys = np.random.default_rng([seed, batch_size]).random((draws, examples))
    places = np.argpartition(keys, batch_size - 1, axis=1)[:, :batch_size]
    chosen = np.zeros((draws, examples), bool)
    np.put_along_axis(chosen, places, values=True, axis=1)
    chosen.flags.writeable = False
    return chosen
