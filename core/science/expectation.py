"""Expected losses and noise of stochastic gradient descent where closed forms exist. NumPy alone, no torch.

All of it is about quadratic losses. A direction of curvature h is off the optimum by d, its loss is h d^2 / 2, and the
gradient of one example in it is h d plus noise of variance c; a batch's has the variance c/B.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def quadratic_losses(
    distances: ArrayLike,
    *,
    curvatures: ArrayLike,
    noise: ArrayLike,
    rates: ArrayLike,
    batch_sizes: int | Sequence[int],
) -> Floats:
    """Return the expected loss before the first update and after each, (T + 1,), under any schedule of T updates.

    The noisy quadratic model of Zhang et al. 2019, "Which Algorithmic Choices Matter at Which Batch Sizes?", update by
    update: d^2 becomes (1 - rate h)^2 d^2 + rate^2 c/B. `batch_sizes` is one for all
    updates or one for each. Rates of several runs at once, (T, M), give the losses of all of them, (T + 1, M).
    """
    start, h, c = (np.asarray(values, dtype=np.float64) for values in (distances, curvatures, noise))
    steps = np.asarray(rates, dtype=np.float64)[..., None]
    sizes = np.broadcast_to(np.asarray(batch_sizes), len(steps))
    squares = np.broadcast_to(start, (*steps.shape[1:-1], len(h)))
    losses = [squares @ h / 2]
    for rate, size in zip(steps, sizes, strict=True):
        squares = (1 - rate * h) ** 2 * squares + rate**2 * c / size
        losses.append(squares @ h / 2)
    return np.array(losses)


def kept_scatter(batch_size: int, examples: int) -> float:
    """Return the share of single examples' scatter that a batch's mean keeps, drawn without replacement.

    1 for one example, 0 for all of them.
    """
    return (examples - batch_size) / (batch_size * (examples - 1))
