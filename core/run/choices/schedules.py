"""Define the learning-rate schedules, one record each, as pure functions of the update number. No torch.

A function takes t (the update, 0 ... U-1, or U for the end) and U (the planned updates) and returns the rate as a share
of the peak rate, from 0 to 1. The preview plots the same functions that the trainer calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Share = Callable[[int, int], float]

PLATEAU = "plateau"
PLATEAU_FACTOR, PLATEAU_PATIENCE = 0.5, 2


@dataclass(frozen=True)
class ScheduleSpec:
    """Every fact about a schedule.

    code         name in a config, a URL and the store
    share        share of the peak rate at update t of U
    is_feedback  whether it reacts to the run's evaluations and is no function of t; its share is then 1, and the
                 trainer lowers the peak (`core.train.trainer.plateau_rule`)
    """

    code: str
    share: Share
    is_feedback: bool = False

    @property
    def end(self) -> float:
        """The share at t = U, where a schedule that has ended stays."""
        return self.share(1, 1)

    @property
    def is_decay(self) -> bool:
        """Whether the schedule itself lowers the rate, and so depends on U."""
        return self.end < 1

    @property
    def lowers_rate(self) -> bool:
        """Whether the rate may end below its peak, by plan or by feedback."""
        return self.is_decay or self.is_feedback


def constant(t: int, total: int) -> float:
    return 1.0


def step(t: int, total: int) -> float:
    """Drop to 10% at U/2 and to 1% at 3U/4."""
    return 1.0 if t < total / 2 else 0.1 if t < 3 * total / 4 else 0.01


def exponential(t: int, total: int) -> float:
    """Decay exponentially to 1% at U."""
    return float(0.01 ** (t / total))


def linear(t: int, total: int) -> float:
    """Decay linearly to 0 at U."""
    return 1 - t / total


def cosine(t: int, total: int) -> float:
    """Decay along half a cosine to 0 at U (Loshchilov and Hutter 2017, without restarts)."""
    return (1 + math.cos(math.pi * t / total)) / 2


def one_cycle(t: int, total: int) -> float:
    """Rise from 1/25 over the first 30%, then fall to 1/250,000.

    Equal to `OneCycleLR(total_steps=U, cycle_momentum=False)`.
    """
    low, lowest = 1 / 25, 1 / 25 / 1e4
    top, end = 0.3 * total - 1, total - 1
    if t <= top:
        start, goal, share = low, 1.0, t / top
    else:
        start, goal, share = 1.0, lowest, min(1.0, (t - top) / (end - top))
    return goal + (start - goal) * (1 + math.cos(math.pi * share)) / 2


def warmup_stable_decay(t: int, total: int) -> float:
    """Stay constant, then decay linearly to 0 over the last 20%. The warm-up comes from the `warmup` setting."""
    return min(1.0, (total - t) / (0.2 * total))


SCHEDULES: dict[str, ScheduleSpec] = {
    spec.code: spec
    for spec in (
        ScheduleSpec("constant", constant),
        ScheduleSpec("step", step),
        ScheduleSpec("exponential", exponential),
        ScheduleSpec("linear", linear),
        ScheduleSpec("cosine", cosine),
        ScheduleSpec("one-cycle", one_cycle),
        ScheduleSpec("wsd", warmup_stable_decay),
        ScheduleSpec(PLATEAU, constant, is_feedback=True),
    )
}


def factor(name: str, t: int, total: int, *, warmup: float = 0.0, runs_out: bool = False) -> float:
    """Return the share of the peak rate at update t of U.

    `warmup` is the fraction of U used for the warm-up: W updates at (t+1)/W. The schedule runs over the other U-W. Past
    U, which a budget in seconds may exceed, the rate of t = U-1 stays. A schedule that `runs_out` was planned for fewer
    updates than the run makes; it keeps its value at t = U from then on: 0 for linear, cosine and wsd, 0.01 for step
    and exponential, the lowest for one-cycle.
    """
    if runs_out and t >= total:
        return SCHEDULES[name].share(total, total)  # even if the warm-up filled all of a short U
    t = min(t, total - 1)
    warm = round(warmup * total)
    if t < warm:
        return (t + 1) / warm
    return SCHEDULES[name].share(t - warm, total - warm)
