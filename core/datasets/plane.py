"""Draw points of two classes along two curves in the plane, one being the other rotated by 180 degrees."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]

TURNS, RADIUS = 1.75, 2.0  # one spiral arm; at this radius both coordinates have a deviation of about 1
STEPS = 10_000  # rounding steps per unit of length


def half_circle(along: Floats) -> Floats:
    """Return points (N, 2) on the upper moon, of radius 1, at the positions `along` (N,), 0 to 1 of its length.

    A rotation by 180 degrees about the origin gives the lower one, as in scikit-learn's `make_moons` shifted by
    (-0.5, -0.25).
    """
    angle = np.pi * along
    return np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], axis=1)


def spiral_arm(along: Floats) -> Floats:
    """Return points (N, 2) on a spiral from the origin to RADIUS at the positions `along` (N,), 0 to 1 of its length.

    Positions are approximate.
    """
    out = np.sqrt(along)  # the length up to a radius grows roughly as the square of the radius
    angle = 2 * np.pi * TURNS * out
    return np.stack([RADIUS * out * np.cos(angle), RADIUS * out * np.sin(angle)], axis=1)


def drawn(
    curve: Curve, count: int, *, noise: float, generator: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return `count` points (N, 2) and their classes (N,), alternately 0 and 1, uniform along both curves.

    `noise` is the standard deviation of a Gaussian added to each coordinate.
    """
    classes = np.arange(count) % 2
    points = curve(generator.uniform(size=count)) * (1 - 2 * classes)[:, None]
    points += noise * generator.standard_normal((count, 2))
    # Rounding to whole steps hides platform differences in the last bit of sine, cosine and logarithm.
    return (np.rint(points * STEPS) / STEPS).astype(np.float32), classes.astype(np.int64)
