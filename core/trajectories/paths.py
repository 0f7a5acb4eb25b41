"""Run plain SGD on a loss over two weights and measure the path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.trajectories.problems import Array, LossSurface

Sampling = Literal["shuffle", "iid"]
LOST = 1e6  # a path this far from 0 has diverged


@dataclass(frozen=True)
class Statistics:
    """Measurements of a path; NaN where the path is too short.

    mean_cosine     mean cosine of the angle between consecutive updates
    turn_degrees    mean angle between consecutive updates
    mean_length     mean length of an update
    detour          distance travelled over the straight distance from start to end
    arrival         updates until the path is first within a radius of the optimum; None if it never is
    spread          root mean square distance of the last third from the straight line in time that fits it best, so
                    that a path still under way does not count as unsettled
    """

    mean_cosine: float
    turn_degrees: float
    mean_length: float
    detour: float
    arrival: int | None
    spread: float


def trajectory(
    problem: LossSurface,
    *,
    batch_size: int,
    rate: float | Sequence[float],
    updates: int,
    seed: int,
    start: Array | None = None,
    sampling: Sampling = "shuffle",
) -> Array:
    """Return the weights before the first update and after each, (updates + 1, 2).

    The order of the examples depends only on the seed: one permutation per epoch, or as many independent draws, cut
    into batches, the last of which may be shorter. Two batch sizes with the same seed see the same examples in the same
    order. `rate` is one rate, or one for each update. A path farther than LOST from 0 has diverged and is NaN from
    there on.
    """
    if not 1 <= batch_size <= problem.examples:
        raise ValueError(f"batch_size must be between 1 and {problem.examples}, got {batch_size}")
    point = problem.start if start is None else np.asarray(start, float)
    path = np.full((updates + 1, 2), np.nan)
    path[0] = point
    rates = np.broadcast_to(rate, updates)
    for number, batch in enumerate(islice(_batches(problem.examples, batch_size, seed, sampling), updates), start=1):
        point = point - rates[number - 1] * problem.example_gradients(point, batch).mean(0)
        if np.abs(point).max() > LOST:
            break
        path[number] = point
    return path


def _batches(examples: int, batch_size: int, seed: int, sampling: Sampling) -> Iterator[NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(examples) if sampling == "shuffle" else rng.integers(0, examples, examples)
        for first in range(0, examples, batch_size):
            yield order[first : first + batch_size]


def statistics(path: Array, *, optimum: Array, radius: float) -> Statistics:
    """Measure the finite part of a path (updates + 1, 2)."""
    path = path[np.isfinite(path).all(1)]
    steps = np.diff(path, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    moved = np.minimum(lengths[1:], lengths[:-1]) > 0
    cosines = (steps[1:] * steps[:-1]).sum(1)[moved] / (lengths[1:] * lengths[:-1])[moved]
    cosines = np.clip(cosines, -1.0, 1.0)
    straight = float(np.linalg.norm(path[-1] - path[0]))
    near = np.flatnonzero(np.linalg.norm(path - optimum, axis=1) <= radius)
    return Statistics(
        mean_cosine=_mean(cosines),
        turn_degrees=_mean(np.degrees(np.arccos(cosines))),
        mean_length=_mean(lengths),
        detour=float(lengths.sum()) / straight if straight > 0 else float("nan"),
        arrival=int(near[0]) if len(near) else None,
        spread=_spread(path[-(len(path) // 3) :]) if len(path) >= 9 else float("nan"),
    )


def _spread(path: Array) -> float:
    """Return the root mean square distance of points from the line of constant speed that fits them best."""
    time = np.arange(len(path)) - (len(path) - 1) / 2
    apart = path - path.mean(0)
    apart -= np.outer(time, time @ apart / (time @ time))
    return float(np.sqrt((apart**2).sum(1).mean()))


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else float("nan")
