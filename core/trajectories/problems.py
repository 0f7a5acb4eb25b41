"""Define the losses over two weights: value, gradients and optimum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EXAMPLES = 1_024
ASPECT = 1.6  # width / height of every window, so that a chart can give both axes the same scale


@dataclass(frozen=True)
class Window:
    """The part of the plane that is drawn, ASPECT times as wide as it is high."""

    left: float
    bottom: float
    width: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def top(self) -> float:
        return self.bottom + self.width / ASPECT

    def holds(self, point: Array) -> bool:
        """Return whether a point is inside the window."""
        return bool(self.left <= point[0] <= self.right and self.bottom <= point[1] <= self.top)


class LossSurface(Protocol):
    """A convex loss over two weights, the mean of the losses of N examples.

    Points are arrays (..., 2) of weights. `curvature` is the Hessian (2, 2) at the optimum.
    """

    def __hash__(self) -> int: ...
    @property
    def examples(self) -> int: ...
    @property
    def start(self) -> Array: ...
    @property
    def optimum(self) -> Array: ...
    @property
    def curvature(self) -> Array: ...
    @property
    def window(self) -> Window: ...
    @property
    def radius(self) -> float: ...

    def loss(self, points: Array) -> Array:
        """Return the mean loss at points, (...)."""

    def gradient(self, points: Array) -> Array:
        """Return the gradient of the mean loss at points, (..., 2)."""

    def example_gradients(self, point: Array, chosen: NDArray[np.int64] | None = None) -> Array:
        """Return the gradient of each example's loss at one point, (N, 2), or only of the chosen examples."""


def largest_curvature(problem: LossSurface) -> float:
    """Return the largest curvature at the optimum; rates above 2 / curvature are unstable there."""
    return float(np.linalg.eigvalsh(problem.curvature)[-1])


def largest_rate(problem: LossSurface) -> float:
    """Return the rate from which gradient descent does not settle at the optimum."""
    return 2.0 / largest_curvature(problem)


@dataclass(frozen=True, eq=False)
class Quadratic:
    """Each example pulls towards its own centre: loss_i(w) = (w - c_i)' H (w - c_i) / 2. The centres' mean is 0.

    The mean loss is then w' H w / 2 plus a constant, so the optimum is 0 and gradient descent from w reaches
    (1 - rate H)^t w after t updates.
    """

    curvature: Array
    centres: Array
    start: Array
    window: Window
    radius: float

    @property
    def examples(self) -> int:
        return len(self.centres)

    @property
    def optimum(self) -> Array:
        return np.zeros(2)

    @cached_property
    def _least(self) -> float:
        return float(_form(self.centres, self.curvature).mean() / 2)

    def loss(self, points: Array) -> Array:
        return _form(points, self.curvature) / 2 + self._least

    def gradient(self, points: Array) -> Array:
        return points @ self.curvature

    def example_gradients(self, point: Array, chosen: NDArray[np.int64] | None = None) -> Array:
        centres = self.centres if chosen is None else self.centres[chosen]
        return (point - centres) @ self.curvature


def _form(points: Array, matrix: Array) -> Array:
    found: Array = ((points @ matrix) * points).sum(-1)
    return found


@dataclass(frozen=True, eq=False)
class Logistic:
    """Logistic regression with two weights and no intercept: loss_i(w) = log(1 + exp(-s_i' w)).

    `signed` (N, 2) are the inputs, each times its class, 1 or -1. Newton's method finds the optimum.
    """

    signed: Array
    start: Array
    window: Window
    radius: float

    @property
    def examples(self) -> int:
        return len(self.signed)

    @cached_property
    def optimum(self) -> Array:
        return newton(self.gradient, self._curvature, np.zeros(2))

    @cached_property
    def curvature(self) -> Array:
        return self._curvature(self.optimum)

    def loss(self, points: Array) -> Array:
        found: Array = np.logaddexp(0.0, -points @ self.signed.T).mean(-1)
        return found

    def gradient(self, points: Array) -> Array:
        found: Array = -_wrong(points @ self.signed.T) @ self.signed / self.examples
        return found

    def example_gradients(self, point: Array, chosen: NDArray[np.int64] | None = None) -> Array:
        signed = self.signed if chosen is None else self.signed[chosen]
        found: Array = -signed * _wrong(signed @ point)[:, None]
        return found

    def _curvature(self, point: Array) -> Array:
        wrong = _wrong(self.signed @ point)
        found: Array = self.signed.T @ (self.signed * (wrong * (1 - wrong))[:, None]) / self.examples
        return found


def _wrong(margins: Array) -> Array:
    """Return the probability that the model gives the wrong class, 1 / (1 + exp(margin)), without overflow."""
    return np.exp(-np.logaddexp(0.0, margins))


def newton(
    gradient: Callable[[Array], Array], curvature: Callable[[Array], Array], point: Array, *, most: int = 50
) -> Array:
    """Return the minimum of a convex loss. Raises ArithmeticError if `most` updates do not reach it."""
    for _ in range(most):
        update = np.linalg.solve(curvature(point), gradient(point))
        point = point - update
        if np.abs(update).max() <= 1e-12:
            return point
    raise ArithmeticError(f"Newton's method found no optimum in {most} updates")


def _draw(seed: int, count: int = EXAMPLES) -> Array:
    return np.random.default_rng(seed).standard_normal((count, 2))


@cache
def quadratic() -> Quadratic:
    """Return a valley at 20 degrees, ten times as steep across as along.

    The centres scatter so that the gradients' covariance is 4 H. Noise is then proportional to curvature, as in the
    noisy quadratic model (Zhang et al. 2019, arXiv 1907.04164).
    """
    angle = np.radians(20.0)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    first, second = _draw(0).T
    centres = 2.0 * (np.outer(first, along) / np.sqrt(0.1) + np.outer(second, across))
    return Quadratic(
        curvature=0.1 * np.outer(along, along) + 1.0 * np.outer(across, across),
        centres=centres - centres.mean(0),
        start=-3.6 * along + 1.5 * across,
        window=Window(-5.0, -2.5, 8.0),
        radius=0.4,
    )


@cache
def logistic() -> Logistic:
    """Return a regression on two overlapping classes whose two features differ in scale."""
    first, second = _draw(1).T
    classes = np.where(np.arange(EXAMPLES) % 2, 1.0, -1.0)
    inputs = np.column_stack([0.8 * first, 2.6 * (0.5 * first + np.sqrt(0.75) * second)])
    inputs += classes[:, None] * np.array([0.4, 0.8])
    return Logistic(inputs * classes[:, None], start=np.array([-2.0, 1.0]), window=Window(-2.8, -1.6, 5.12), radius=0.3)


PROBLEMS: Mapping[str, Callable[[], LossSurface]] = {"quadratic": quadratic, "logistic": logistic}
