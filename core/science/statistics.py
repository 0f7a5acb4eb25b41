"""Compare two arms by seeds: an exact test for a difference, one for equivalence, an interval, means. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MARGIN = math.log(1.25)  # two results within 25% of each other are equal for our purposes
LOWEST = 1e-12  # of a loss: none at all has no logarithm
LEVEL = 0.05  # of significance
CONFIDENCE, RESAMPLES = 0.95, 10_000
MOST_PAIRS = 20  # whose 2^n sign flips are still counted one by one


def sign_flip(differences: ArrayLike) -> float:
    """Return the two-sided p of the paired differences (n,): exact, over all 2^n ways to choose their signs.

    Under the null hypothesis the two arms of each pair could be exchanged; p is the share of exchanges that lead as
    far from 0 as the one seen, so it is never below 2/2^n. Raises ValueError for no pairs or more than MOST_PAIRS.
    """
    values = _finite(differences)
    if not 1 <= len(values) <= MOST_PAIRS:
        raise ValueError(f"sign_flip takes 1 to {MOST_PAIRS} pairs, got {len(values)}")
    sums = np.zeros(1)
    for value in values:  # each doubles the ways
        sums = np.concatenate([sums + value, sums - value])
    seen = abs(values.sum())
    return float(np.mean(np.abs(sums) >= seen - 1e-12 * np.abs(values).sum()))


def equivalence(differences: ArrayLike, margin: float = MARGIN) -> float:
    """Return the p of "the mean difference is beyond the margin": small where the arms are equivalent.

    Two one-sided paired t-tests (Schuirmann 1987), of which the larger p counts. Arms that do not differ at all are
    equivalent with p = 0; one pair shows nothing, p = 1.
    """
    from scipy.special import stdtr  # the one distribution here without a closed form

    values = _finite(differences)
    if len(values) < 2:
        return 1.0
    distance, error = margin - abs(values.mean()), values.std(ddof=1) / math.sqrt(len(values))
    if error == 0:
        return 0.0 if distance > 0 else 1.0
    return float(stdtr(len(values) - 1, -distance / error))


def interval(differences: ArrayLike, *, confidence: float = CONFIDENCE, seed: int = 0) -> tuple[float, float]:
    """Return the bootstrap interval (percentiles of RESAMPLES resamples) of the mean of the differences."""
    values = _finite(differences)
    chosen = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    tail = (1 - confidence) / 2
    low, high = np.quantile(values[chosen].mean(axis=1), [tail, 1 - tail])
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values of a family adjusted so that all of them may be read at one level (Holm 1979)."""
    adjusted, highest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def log_ratios(first: ArrayLike, second: ArrayLike) -> Floats:
    """Return the natural logarithms of second / first (n,), with the signs alone where an arm diverged.

    An infinite value is that of an arm that diverged: it is worse than any other, by no amount that could be told.
    """
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if np.isfinite(one).all() and np.isfinite(other).all():
        return np.asarray(np.log(other) - np.log(one))
    return (other > one).astype(np.float64) - (other < one)


def geometric_mean(losses: ArrayLike) -> float:
    """Return the geometric mean of losses (n,), of which none counts as less than LOWEST; infinite for none.

    Losses that are not finite, those of trainings that diverged, are left out.
    """
    values = np.asarray(losses, dtype=np.float64)
    good = values[np.isfinite(values)]
    return float(np.exp(np.log(np.maximum(good, LOWEST)).mean())) if len(good) else math.inf


def _finite(differences: ArrayLike) -> Floats:
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("paired differences must be one row of finite numbers")
    return values
