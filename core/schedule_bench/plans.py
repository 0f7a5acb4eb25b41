"""Plan the rate and the batch size of each update of an arm. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.run.batching import updates_per_epoch
from core.run.choices import schedules
from core.schedule_bench.arms import EPOCHS, EXAMPLES, RAMP, TWIN

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

GROWTH = 4  # factor by which the batch grows each time
PARTS = (EPOCHS // 2, EPOCHS // 4, EPOCHS // 4)  # epochs; the batch grows where the step schedule falls
POINTS = 64  # points of a curve, evenly spaced in examples seen, after one before the first update


@dataclass(frozen=True)
class Stage:
    """Some epochs at one batch size, with every rate multiplied by `scale`."""

    batch_size: int
    epochs: int
    scale: float = 1.0

    @property
    def updates(self) -> int:
        return self.epochs * updates_per_epoch(EXAMPLES, self.batch_size)


@dataclass(frozen=True)
class RatePlan:
    """The rate of each of U updates as a share of the peak (U,), and its batch size (U,).

    Under reduce-on-plateau the shares are 1, because the rule depends on the run.
    """

    shares: Floats
    batch_sizes: Whole

    @property
    def updates(self) -> int:
        return len(self.shares)

    @property
    def seen(self) -> Whole:
        """Return the examples seen before the first update and after each, (U + 1,)."""
        return np.concatenate([[0], self.batch_sizes.cumsum()])

    @property
    def marks(self) -> Whole:
        """Return the updates made at each point of a curve, from 0 to U; at most POINTS + 1."""
        aims = np.linspace(0, self.seen[-1], POINTS + 1)
        return np.unique(np.searchsorted(self.seen, aims))


def stages(arm: str, batch_size: int) -> tuple[Stage, ...]:
    """Return the stages of an arm that starts with this batch size.

    A batch cannot grow beyond all examples; the rate then falls instead, as in the paper.
    """
    if arm not in (RAMP, TWIN):
        return (Stage(batch_size, EPOCHS),)
    grown = [batch_size * GROWTH**number for number in range(len(PARTS))]
    sizes = [min(size, EXAMPLES) if arm == RAMP else batch_size for size in grown]
    return tuple(Stage(size, epochs, size / wanted) for size, epochs, wanted in zip(sizes, PARTS, grown, strict=True))


@cache
def rate_plan(arm: str, batch_size: int) -> RatePlan:
    """Return the plan of an arm that starts with this batch size."""
    parts = stages(arm, batch_size)
    sizes = np.concatenate([np.full(part.updates, part.batch_size) for part in parts])
    if arm in (RAMP, TWIN):
        return RatePlan(np.concatenate([np.full(part.updates, part.scale) for part in parts]), sizes)
    return RatePlan(np.array([schedules.factor(arm, t, len(sizes)) for t in range(len(sizes))]), sizes)
