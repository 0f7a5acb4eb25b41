"""The learning-rate schedules, one record each, as pure functions of the update number. No torch.

A function takes t (the update, 0 ... U-1, or U for the end) and U (the planned updates) and returns the share of the
peak rate, between 0 and 1. The preview plots these functions and the trainer calls them.
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

    code         its name in a config, a URL and the store
    share        the share of the peak rate at update t of U
    is_feedback  it reacts to the evaluations of its run, so no function of t describes it: its share is 1, and the
                 trainer lowers the peak (`core.train.trainer.plateau_rule`)
    """

    code: str
    share: Share
    is_feedback: bool = False

    @property
    def end(self) -> float:
        """The share at t = U, where a schedule stays once it has run out."""
        return self.share(1, 1)

    @property
    def is_decay(self) -> bool:
        """Whether the plan alone lowers the rate; such a schedule depends on U."""
        return self.end < 1

    @property
    def lowers_rate(self) -> bool:
        """Whether the rate may be lower at the end of a run than at its peak, by plan or by feedback."""
        return self.is_decay or self.is_feedback


def constant(t: int, total: int) -> float:
    return 1.0


def step(t: int, total: int) -> float:
    """A tenth from U/2 on, a hundredth from 3U/4 on."""
    return 1.0 if t < total / 2 else 0.1 if t < 3 * total / 4 else 0.01


def exponential(t: int, total: int) -> float:
    """1% at U."""
    return float(0.01 ** (t / total))


def linear(t: int, total: int) -> float:
    """0 at U."""
    return 1 - t / total


def cosine(t: int, total: int) -> float:
    """Half a cosine, 0 at U (Loshchilov and Hutter 2017, without restarts)."""
    return (1 + math.cos(math.pi * t / total)) / 2


def one_cycle(t: int, total: int) -> float:
    """Up from 1/25 over the first 30%, down to 1/250,000: `OneCycleLR(total_steps=U, cycle_momentum=False)`."""
    low, lowest = 1 / 25, 1 / 25 / 1e4
    top, end = 0.3 * total - 1, total - 1
    if t <= top:
        start, goal, share = low, 1.0, t / top
    else:
        start, goal, share = 1.0, lowest, min(1.0, (t - top) / (end - top))
    return goal + (start - goal) * (1 + math.cos(math.pi * share)) / 2


def warmup_stable_decay(t: int, total: int) -> float:
    """Constant, then linear to 0 over the last 20%; the warm-up in front is `warmup`'s."""
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

    `warmup` is the fraction of U spent in front, at (t+1)/W; the schedule runs over the other U-W.
    Past U, as a budget of seconds may go, the last rate (that of t = U-1) stays. A schedule that `runs_out`, planned
    for fewer updates than are made, keeps its value at t = U from then on: 0 for linear, cosine and wsd, 0.01 for
    step and exponential, the lowest for one-cycle.
    """
    if runs_out and t >= total:
        return SCHEDULES[name].share(total, total)  # whatever the warm-up, which may have filled all of a short U
    t = min(t, total - 1)
    warm = round(warmup * total)
    if t < warm:
        return (t + 1) / warm
    return SCHEDULES[name].share(t - warm, total - warm)
