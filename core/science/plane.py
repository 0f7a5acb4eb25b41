"""Find the plane that best shows the path of many weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FLAT = 1e-9  # share of the total variance; a direction with less is float32 rounding error


@dataclass(frozen=True)
class Plane:
    """The plane through the mean of snapshots along their first two principal directions.

    mean (P,); directions (2, P), orthonormal; coordinates (n, 2) of the snapshots; shares (2,) of their variance that
    each direction explains. A direction without variance is all zeros, and so is its share.
    """

    mean: Array
    directions: Array
    coordinates: Array
    shares: Array


def principal_plane(snapshots: NDArray[Any]) -> Plane:
    """Return the plane of snapshots (n, P) of P weights. Raises ValueError if there are none or any is not finite.

    Directions are computed from the n x n matrix of inner products, at cost n^2 P. Their signs are chosen so that the
    last snapshot has a larger coordinate than the first.
    """
    snapshots = np.asarray(snapshots, np.float64)
    if snapshots.ndim != 2 or not len(snapshots):
        raise ValueError(f"snapshots must be of shape (n, P) with n from 1, got {snapshots.shape}")
    if not np.isfinite(snapshots).all():
        raise ValueError("snapshots must be finite")
    mean = snapshots.mean(0)
    apart = snapshots - mean
    variances, vectors = np.linalg.eigh(apart @ apart.T)
    total = max(float(np.trace(apart @ apart.T)), 0.0)
    directions, coordinates, shares = np.zeros((2, apart.shape[1])), np.zeros((len(apart), 2)), np.zeros(2)
    for place, which in enumerate(range(len(apart) - 1, max(len(apart) - 3, -1), -1)):
        if variances[which] <= FLAT * max(total, np.finfo(float).tiny):
            continue
        direction = apart.T @ vectors[:, which]
        direction /= np.linalg.norm(direction)
        along = apart @ direction
        if along[-1] < along[0]:
            direction, along = -direction, -along
        directions[place], coordinates[:, place], shares[place] = direction, along, variances[which] / total
    return Plane(mean, directions, coordinates, shares)
