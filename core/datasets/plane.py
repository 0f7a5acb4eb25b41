"""Draw points of two classes along two curves in the plane, each the other turned by half a turn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]

TURNS, RADIUS = 1.75, 2.0  # of a spiral arm; with this radius both coordinates have a deviation of about 1
STEPS = 10_000  # in a unit of length


def half_circle(along: Floats) -> Floats:
    """Return the points (N, 2) of the upper moon, of radius 1, at `along` (N,), 0 to 1 of its length.

    Half a turn about the origin makes the lower one, as in scikit-learn's `make_moons` moved by (-0.5, -0.25).
    """
    angle = np.pi * along
    return np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], axis=1)


def spiral_arm(along: Floats) -> Floats:
    """Return the points (N, 2) of a spiral from the origin to RADIUS at `along` (N,), 0 to 1 of about its length."""
    out = np.sqrt(along)  # the length up to a radius grows about as its square
    angle = 2 * np.pi * TURNS * out
    return np.stack([RADIUS * out * np.cos(angle), RADIUS * out * np.sin(angle)], axis=1)


def drawn(
    curve: Curve, count: int, *, noise: float, generator: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return `count` points (N, 2) and their classes (N,), 0 and 1 in turn, spread evenly along both curves.

    `noise` is the deviation of a gaussian added to each coordinate.
    """
    classes = np.arange(count) % 2
    points = curve(generator.uniform(size=count)) * (1 - 2 * classes)[:, None]
    points += noise * generator.standard_normal((count, 2))
    # Whole steps: the last bit of a platform's sine, cosine or logarithm then changes no coordinate.
    return (np.rint(points * STEPS) / STEPS).astype(np.float32), classes.astype(np.int64)
