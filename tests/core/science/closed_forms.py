"""Compute closed forms of stochastic gradient descent on quadratic losses, as oracles for the engine.

In a direction of curvature h, at distance d from the optimum, the loss is h d^2 / 2, and the gradient of one example is
h d plus noise of variance c. The noise of a batch has variance c/B. Rates are the optimizer's own, so momentum 0.9
makes a rate ten times as effective.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.science.expectation import kept_scatter

Floats = NDArray[np.float64]


def quadratic_loss(
    distances: ArrayLike, *, curvatures: ArrayLike, noise: ArrayLike, rate: float, batch_size: int, updates: ArrayLike
) -> Floats:
    """Return the expected loss above the optimum after each number of `updates` (T,) at one rate and batch size, (T,).

    `distances` are the expected initial squares of d, (D,), as are `curvatures` and `noise`, the variances c.

        (1 - rate h)^2t l(0) + [1 - (1 - rate h)^2t] rate c / (2 B (2 - rate h)), summed over directions, l = h d^2 / 2

    This is the noisy quadratic model of Zhang et al. 2019, "Which Algorithmic Choices Matter at Which Batch Sizes?". It
    converges if rate < 2 / h in all directions. Raises ValueError if rate = 2 / h, where the loss grows without bound.
    """
    start, h, c = (np.asarray(values, dtype=np.float64) for values in (distances, curvatures, noise))
    if np.any(rate * h == 2):
        raise ValueError(f"rate must not be 2 / curvature exactly, got {rate}")
    left = (1 - rate * h) ** (2 * np.asarray(updates)[..., None])
    floor = rate * c / (2 * batch_size * (2 - rate * h))
    return np.asarray((left * h * start / 2 + (1 - left) * floor).sum(-1))


def heavy_ball_variance(curvature: float, noise: float, *, rate: float, momentum: float, batch_size: int) -> float:
    """Return the stationary mean square of d of stochastic gradient descent with momentum, in one direction.

        v' = momentum v + g, d' = d - rate v', with m for momentum:
        (rate c / B) (1 + m) / [h (1 - m) (2 (1 + m) - rate h)]

    This is the stationary solution of the discrete Lyapunov equation of (d, v). Raises ValueError if there is none,
    because rate h >= 2 (1 + m).
    """
    room = 2 * (1 + momentum) - rate * curvature
    if room <= 0:
        raise ValueError(f"rate must be below {2 * (1 + momentum) / curvature:g} at this momentum, got {rate}")
    return rate * noise / batch_size * (1 + momentum) / (curvature * (1 - momentum) * room)


def stationary_moment(inputs: ArrayLike, residuals: ArrayLike, *, rate: float, batch_size: int) -> Floats:
    """Return the stationary matrix M = E[d d'], (D, D), of linear regression on N examples.

    Batches are drawn with replacement. `inputs` are x (N, D), and `residuals` e (N,) are those of the least-squares
    fit, with zero mean product with the inputs. The gradient of half the squared error of one example is x (x.d + e).
    Since the mean of d tends to 0, M solves, with H the mean of x x',

        H M + M H = rate [mean(x x' (x.M x)) / B + mean(e^2 x x') / B + (1 - 1/B) H M H]

    The equation is linear in M and solved exactly, to all orders of the rate and with the fourth moments of the given
    examples. The loss above the optimum is tr(H M) / 2. Memory grows as N D^2 and time as D^6. Raises ValueError if the
    rate is too high, so that M is not positive semidefinite.
    """
    x, e = np.asarray(inputs, dtype=np.float64), np.asarray(residuals, dtype=np.float64)
    count, features = x.shape
    hessian, one = x.T @ x / count, np.eye(features)
    squares = (x[:, :, None] * x[:, None, :]).reshape(count, -1)  # x x' of each example, flattened
    fourth = squares.T @ squares / count
    pull = np.kron(hessian, one) + np.kron(one, hessian)
    spread = fourth / batch_size + (1 - 1 / batch_size) * np.kron(hessian, hessian)
    noise = e**2 @ squares / count / batch_size
    moment = np.linalg.solve(pull - rate * spread, rate * noise).reshape(features, features)
    if np.linalg.eigvalsh(moment)[0] < -1e-9 * np.abs(moment).max():
        raise ValueError(f"rate is too high for the weights to settle at batch size {batch_size}, got {rate}")
    return np.asarray(moment)


def small_rate_floor(curvatures: ArrayLike, *, noise_variance: float, rate: float, batch_size: int) -> float:
    """Return the stationary loss of linear regression above the optimum, to first order in the rate.

    It is rate s2 tr(H) / (4 B), where s2 is the variance of the targets' noise: c = s2 h in each direction.
    """
    return rate * noise_variance * float(np.sum(curvatures)) / (4 * batch_size)


def gradient_square(whole: float, scatter: float, *, batch_size: int, examples: int | None = None) -> float:
    """Return the mean squared norm of a batch's gradient.

    `whole` is the squared norm of the mean gradient over all examples. `scatter` is the trace of the covariance of
    single gradients, normalised by N. A batch drawn without replacement from N `examples` keeps the share
    (1/B) (N - B) / (N - 1) of it. None for `examples` means drawing with replacement, with the share 1/B.
    """
    return whole + scatter * (1 / batch_size if examples is None else kept_scatter(batch_size, examples))
