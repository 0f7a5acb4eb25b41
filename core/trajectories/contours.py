"""Compute the contour lines of a loss."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core.trajectories.problems import Array, LossSurface

LINES, POINTS = 22, 28
# The lines cover this many times the window, because a chart of other proportions shows more of the plane.
WIDER, HIGHER = 1.7, 2.2
MOST_UPDATES = 60


@lru_cache(maxsize=8)
def contours(problem: LossSurface, lines: int = LINES, points: int = POINTS) -> Array:
    """Return closed contour lines from the inside out, (lines, points, 2).

    The loss above the optimum grows with the square of a line's number, so the lines of a quadratic are evenly spaced.
    The last line passes through the farthest corner of what a chart may show around the window. The loss is convex, so
    each ray from the optimum crosses each line once.
    """
    lowest, window = problem.loss(problem.optimum), problem.window
    middle = np.array([window.left + window.right, window.bottom + window.top]) / 2
    half = np.array([WIDER * (window.right - window.left), HIGHER * (window.top - window.bottom)]) / 2
    corners = middle + half * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    highest = (problem.loss(corners) - lowest).max()
    levels = highest * (np.arange(1, lines + 1) / lines) ** 2
    values, axes = np.linalg.eigh(problem.curvature)
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    # The rays are even on a circle that is stretched like the lines near the optimum.
    rays = (np.column_stack([np.cos(angles), np.sin(angles)]) / np.sqrt(values)) @ axes.T
    lengths = _lengths(problem, rays, lowest + levels)
    found: Array = problem.optimum + lengths[..., None] * rays
    found.flags.writeable = False
    return found


def _lengths(problem: LossSurface, rays: Array, losses: Array) -> Array:
    """Return the distance along each ray at which it reaches each loss, (losses, rays), by Newton's method.

    The loss is convex and increasing along a ray, so every iterate that starts beyond the line stays beyond it.
    """
    wanted = losses[:, None]
    lengths = np.full((len(losses), len(rays)), 1.0)

    def places() -> Array:
        found: Array = problem.optimum + lengths[..., None] * rays
        return found

    for _ in range(MOST_UPDATES):
        short = problem.loss(places()) < wanted
        if not short.any():
            break
        lengths = np.where(short, 2 * lengths, lengths)
    for _ in range(MOST_UPDATES):
        over = problem.loss(places()) - wanted
        slope = (problem.gradient(places()) * rays).sum(-1)
        lengths = lengths - over / slope
        if np.abs(over).max() <= 1e-12 * losses[-1]:
            break
    return lengths
