"""Compute expected losses and gradient noise of stochastic gradient descent in closed form. NumPy only, no torch.

All losses are quadratic. In a direction of curvature h, at distance d from the optimum, the loss is h d^2 / 2, and the
gradient of one example is h d plus noise of variance c. The noise of a batch has variance c/B.
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

    `distances` are the initial d^2, (D,), as are `curvatures` and `noise`, the variances c. `batch_sizes` is one for
    all updates or one for each. `rates` is (T,), or (T, M) for M runs, which gives losses (T + 1, M). Each update
    turns d^2 into (1 - rate h)^2 d^2 + rate^2 c/B.

    Source: the noisy quadratic model of Zhang et al. 2019, "Which Algorithmic Choices Matter at Which Batch Sizes?".
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
    """Return the variance of the mean of a batch drawn without replacement, as a share of the variance of one example.

    It is 1 for a batch of one example and 0 for a batch of all examples.
    """
    return (examples - batch_size) / (batch_size * (examples - 1))
