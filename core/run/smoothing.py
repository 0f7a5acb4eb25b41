"""Smooth a growing series causally, so that points already drawn never move."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHARE = 1 / 20  # share of the run that its moving average covers
WIDEST = 1 / 5  # share of the run: a wider average would lag so far behind that it never reaches the losses
STEADY_EXAMPLES = 1_000  # shortest moving average; squared errors, which scatter most, then vary by 5%
SMALLEST_POWER = 1e-100  # lowest power of beta within a block; its inverse times a float32 stays far from overflow


def window(updates: int, batch_size: int, *, share: float = SHARE) -> int:
    """Return how many updates the moving average of a run covers.

    That is the `share` of the run or STEADY_EXAMPLES, whichever is longer, though at most a fifth of the run. A share
    of 0 averages nothing. `batch_size` is the effective one.
    """
    if not share:
        return 1
    longest = max(math.ceil(STEADY_EXAMPLES / batch_size), math.ceil(share * updates))
    return max(1, min(longest, math.ceil(max(share, WIDEST) * updates)))


def beta(window: int) -> float:
    """Return the factor of an exponential moving average over so many updates."""
    return 1 - 1 / window


class DebiasedEMA:
    """An exponential moving average with weights that always sum to 1.

    y_t = (1 - beta) / (1 - beta^(t+1)) * sum over s <= t of beta^(t-s) x_s, the bias-corrected mean of Adam (Kingma and
    Ba 2015, section 3). Beta 0 is the identity. A value that is not finite gives NaN in its own place, a gap, and later
    averages ignore it.
    """

    def __init__(self, beta: float) -> None:
        if not 0 <= beta < 1:
            raise ValueError(f"beta must be at least 0 and less than 1, got {beta}")
        self.beta = beta
        self._sum = 0.0  # sum of beta^(t-s) x_s
        self._count = 0

    def update(self, block: ArrayLike) -> NDArray[np.float64]:
        """Append the values of `block` to the series and return the averages at them."""
        values = np.asarray(block, dtype=np.float64)
        finite = np.isfinite(values)
        if finite.all():
            return self._update(values)
        result = np.full(len(values), np.nan)
        result[finite] = self._update(values[finite])
        return result

    def _update(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.beta == 0:
            return values.copy()
        log_beta = math.log(self.beta)
        length = max(1, min(len(values), int(math.log(SMALLEST_POWER) / log_beta)))
        powers = np.exp(log_beta * np.arange(length))
        inverse = 1 / powers
        sums = np.empty(len(values))
        for start in range(0, len(values), length):  # blocks are short, so that no power underflows
            part = values[start : start + length]
            cumulated = np.cumsum(part * inverse[: len(part)])
            sums[start : start + length] = powers[: len(part)] * (cumulated + self.beta * self._sum)
            self._sum = float(sums[start + len(part) - 1])
        counts = np.arange(self._count + 1, self._count + 1 + len(values))
        self._count += len(values)
        result: NDArray[np.float64] = sums * (1 - self.beta) / -np.expm1(log_beta * counts)
        return result
