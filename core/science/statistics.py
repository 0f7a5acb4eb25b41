"""Compare two arms over seeds: an exact test for a difference, a test for equivalence, intervals, means. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MARGIN = math.log(1.25)  # two results within 25% of each other count as practically equal
LOWEST = 1e-12  # smaller losses are raised to this value, because 0 has no logarithm
LEVEL = 0.05  # significance level
CONFIDENCE, RESAMPLES = 0.95, 10_000
MOST_PAIRS = 20  # the test enumerates all 2^n sign flips


def sign_flip(differences: ArrayLike) -> float:
    """Return the exact two-sided p-value of paired differences (n,), over all 2^n choices of their signs.

    Under the null hypothesis the arms of each pair are exchangeable. p is the share of sign choices with a sum at least
    as far from 0 as the observed one, so it is never below 2/2^n. Raises ValueError unless 1 <= n <= MOST_PAIRS.
    """
    values = _finite(differences)
    if not 1 <= len(values) <= MOST_PAIRS:
        raise ValueError(f"sign_flip takes 1 to {MOST_PAIRS} pairs, got {len(values)}")
    sums = np.zeros(1)
    for value in values:  # each doubles the number of sums
        sums = np.concatenate([sums + value, sums - value])
    seen = abs(values.sum())
    return float(np.mean(np.abs(sums) >= seen - 1e-12 * np.abs(values).sum()))


def equivalence(differences: ArrayLike, margin: float = MARGIN) -> float:
    """Return the p-value of "the mean difference is beyond the margin"; it is small if the arms are equivalent.

    It is the larger p-value of two one-sided paired t-tests (Schuirmann 1987). Identical arms give p = 0, and a single
    pair gives p = 1.
    """
    from scipy.special import stdtr  # imported here because web pages import this module without scipy

    values = _finite(differences)
    if len(values) < 2:
        return 1.0
    distance, error = margin - abs(values.mean()), values.std(ddof=1) / math.sqrt(len(values))
    if error == 0:
        return 0.0 if distance > 0 else 1.0
    return float(stdtr(len(values) - 1, -distance / error))


def interval(differences: ArrayLike, *, confidence: float = CONFIDENCE, seed: int = 0) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean difference, from RESAMPLES resamples."""
    values = _finite(differences)
    chosen = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    tail = (1 - confidence) / 2
    low, high = np.quantile(values[chosen].mean(axis=1), [tail, 1 - tail])
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values of a family of tests, adjusted for multiple testing (Holm 1979)."""
    adjusted, highest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def log_ratios(first: ArrayLike, second: ArrayLike) -> Floats:
    """Return the natural logarithms of second / first (n,), or only their signs if any run diverged.

    An infinite value stands for a diverged run, which is worse than any other by an unknown amount.
    """
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if np.isfinite(one).all() and np.isfinite(other).all():
        return np.asarray(np.log(other) - np.log(one))
    return (other > one).astype(np.float64) - (other < one)


def geometric_mean(losses: ArrayLike) -> float:
    """Return the geometric mean of losses (n,), each raised to at least LOWEST; infinity if no loss is finite.

    Losses that are not finite, from diverged runs, are left out.
    """
    values = np.asarray(losses, dtype=np.float64)
    good = values[np.isfinite(values)]
    return float(np.exp(np.log(np.maximum(good, LOWEST)).mean())) if len(good) else math.inf


def _finite(differences: ArrayLike) -> Floats:
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("paired differences must be one row of finite numbers")
    return values
