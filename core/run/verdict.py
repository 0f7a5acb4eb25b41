"""Judge the outcome of a run: one code, and the numbers that show it. No torch, no sentences.

The losses are examined in two ways: a moving average shows how high the loss is, and a line through block means of the
run's tail shows whether it still falls. Both window lengths are shares of the run, so that 50,000 updates at batch
size 1 are treated like 50 updates at batch size 1,000.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.run.config import RunConfig, planned_updates
from core.run.events import INITIAL_EXAMPLES, Ended
from core.run.smoothing import STEADY_EXAMPLES, DebiasedEMA, beta, window

VerdictCode = Literal[
    "out_of_memory",
    "diverged",
    "failed",
    "stopped",
    "reached_target",
    "thrashing",
    "rate_died_early",
    "too_few_updates",
    "learned_nothing",
    "still_falling",
    "rising",
    "unclear",
    "converged",
]
Losses = NDArray[np.float32]

TAIL = 1 / 5  # share of the run over which the slope is measured
BLOCKS, FEWEST_BLOCKS = 10, 3  # long blocks are nearly independent; the error of a line needs at least three points
T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306)  # Student's t at 1 to 8 degrees of freedom
FALL = 0.01  # share of the total fall; at a constant pace the tail would have a fifth of it
UNSURE = 0.05  # share of the total fall; if the tail may have fallen this far, convergence is not certain
CLIMB = 0.2  # share of the initial loss; healthy runs at a constant rate climb by less than half of it
PROGRESS = 0.1  # share of the initial loss; a model that has learned anything has fallen further
DEAD, EARLY = 0.01, 0.7  # shares of the peak rate and of the run; step is this low from 75% on, cosine from 93.6%
AWAKE = 0.5  # share of the peak rate; a flat loss means the end of learning only if updates still move the weights
FEW = 100  # updates; in a shorter run a block holds hardly more than one
USUAL_BATCH = 100
AT_ONCE = 2**16  # updates per pass, so that a long run is never copied as a whole


@dataclass(frozen=True)
class Evidence:
    """The numbers behind a verdict: finite, or None if the run does not have them. Update numbers count from 1.

    Losses have the unit of the run's loss. The moving average is that of `core.run.smoothing.window`. The tail is the
    last fifth of the run in which the learning rate was above 1% of its peak; it needs three updates.
    """

    updates: int
    # The whole run.
    initial_loss: float | None = None  # mean of about the first 32 examples
    final_loss: float | None = None  # end of the moving average
    lowest_loss: float | None = None  # minimum of the moving average
    highest_loss: float | None = None  # maximum of the moving average
    before_climb_loss: float | None = None  # start of the moving average's largest climb
    climb_loss: float | None = None  # height of that climb
    climb_update: int | None = None  # top of that climb
    # The tail.
    tail_first_update: int | None = None
    tail_last_update: int | None = None
    slope_per_100_updates: float | None = None  # negative if the loss falls
    fall_loss: float | None = None  # fall over the tail, with its 95% interval
    fall_low_loss: float | None = None
    fall_high_loss: float | None = None
    fall_share: float | None = None  # this fall as a share of the total fall from the initial to the final loss
    falling: bool | None = None  # whether the fall is significant and above 1% of the total fall
    tail_rate_share: float | None = None  # mean rate / peak rate; low if the schedule stopped the loss
    # Numbers of single verdicts.
    target_loss: float | None = None  # reached_target
    alive_updates: int | None = None  # rate_died_early: before the rate fell to 1% of its peak for good
    dead_updates: int | None = None  # rate_died_early: after that
    other_batch_size: int | None = None  # too_few_updates: a smaller batch size
    other_updates: int | None = None  # too_few_updates: what the same budget gives at that size


@dataclass(frozen=True)
class Verdict:
    """The outcome of a run, and the numbers that show it."""

    code: VerdictCode
    evidence: Evidence


class Slope(NamedTuple):
    """Loss per update: the least-squares estimate and its 95% interval."""

    low: float
    estimate: float
    high: float


def judge(config: RunConfig, ended: Ended, *, losses: ArrayLike, rates: ArrayLike, since: int = 0) -> Verdict:
    """Return the verdict on a run from the loss (float32) and learning rate of every update.

    Updates with a loss that is not finite are ignored. `since` is the number of updates before the latest change of
    settings; the tail and the peak rate are taken from the updates after it.
    """
    loss, rate = np.asarray(losses, dtype=np.float32), np.asarray(rates)
    usable = np.isfinite(loss)
    if not usable.all():
        loss, rate, since = loss[usable], rate[usable], int(usable[:since].sum())
    history = LossHistory(config, loss, rate, since=since if since < len(loss) else 0) if len(loss) else None
    code: VerdictCode
    if ended.state != "finished":
        code = ended.state
    elif ended.reason == "target":
        code = "reached_target"
    else:
        code = history.code() if history else "too_few_updates"

    evidence = history.evidence(ended.updates) if history else Evidence(ended.updates)
    if code == "reached_target":
        evidence = replace(evidence, target_loss=config.target_loss)
    elif code == "rate_died_early" and history:
        evidence = replace(evidence, alive_updates=history.alive, dead_updates=history.updates - history.alive)
    elif code == "too_few_updates" and (other := _other_batch(config, ended.updates)):
        evidence = replace(evidence, other_batch_size=other[0], other_updates=other[1])
    return Verdict(code, evidence)


class Average(NamedTuple):
    """Statistics of the loss's moving average: its range, its end, and its largest climb from an earlier low.

    Update numbers count from 1.
    """

    lowest: float
    highest: float
    highest_update: int
    final: float
    before_climb: float
    climb: float
    climb_update: int


class LossHistory:
    """The course of the loss over one or more updates."""

    def __init__(self, config: RunConfig, losses: Losses, rates: NDArray[np.floating[Any]], *, since: int = 0) -> None:
        self.updates, self.since = len(losses), since
        first, steady = (
            math.ceil(count / config.effective_batch_size) for count in (INITIAL_EXAMPLES, STEADY_EXAMPLES)
        )
        self.initial = _mean(losses[:first])

        seen = average(losses, window=window(self.updates, config.effective_batch_size))
        self.lowest, self.highest, self.final = seen.lowest, seen.highest, seen.final
        self.before_climb, self.climb, self.climb_update = seen.before_climb, seen.climb, seen.climb_update
        self.way_down = self.initial - self.final
        self.stuck = self.final > (1 - PROGRESS) * min(self.initial, _mean(losses[:steady]))
        above = self.highest - max(self.initial, self.final)
        if self.stuck and above > self.climb:  # the loss rose before the first full window, so count from the top
            self.before_climb, self.climb, self.climb_update = self.highest - above, above, seen.highest_update

        peak = float(rates[since:].max())
        alive = rates > np.float64(DEAD * peak)
        self.alive = self.updates - int(alive[::-1].argmax())  # number of the last update above the dead rate
        # The tail is at most half of the updates with a live rate: the steep start says nothing about the end.
        length = max(0, min(round(TAIL * (self.updates - since)), (self.alive - since) // 2))
        self.tail = range(self.alive - length, self.alive)
        tail = slice(self.tail.start, self.tail.stop)
        self.tail_rate_share = _mean(rates[tail]) / peak if length and peak > 0 else 0.0
        self.slope = slope(losses[tail])
        fall = [-per_update * length for per_update in self.slope] if self.slope else [math.inf, 0.0, -math.inf]
        self.most_fall, self.fall, self.least_fall = fall
        self.falling = self.least_fall > 0 and self.fall > FALL * self.way_down
        self.rising = self.most_fall < 0 and -self.fall > FALL * self.way_down

    def code(self) -> VerdictCode:
        if self._thrashed():
            return "thrashing"
        # One update of slack, because a one-cycle schedule of two or three updates ends at a dead rate.
        early = self.alive - self.since + 1 < EARLY * (self.updates - self.since)
        if early and (self.falling or self.most_fall > UNSURE * self.way_down):
            return "rate_died_early"
        settled = self.tail_rate_share >= AWAKE and self.most_fall <= FALL * self.way_down
        if self.updates < FEW and not settled:
            return "too_few_updates"
        if self.stuck:
            return "learned_nothing"
        if self.falling:
            return "still_falling"
        if self.rising:
            return "rising"
        return "unclear" if self.most_fall > UNSURE * self.way_down else "converged"

    def _thrashed(self) -> bool:
        """Return whether the loss climbed far and did not come back below its earlier low."""
        if self.stuck:
            return self.climb > CLIMB * self.final  # estimates the initial loss from more examples
        return self.climb > CLIMB * self.initial and self.final >= self.before_climb

    def evidence(self, updates: int) -> Evidence:
        """Return the evidence for a run that reported `updates` updates."""
        found = Evidence(
            updates,
            initial_loss=_finite(self.initial),
            final_loss=_finite(self.final),
            lowest_loss=_finite(self.lowest),
            highest_loss=_finite(self.highest),
            before_climb_loss=_finite(self.before_climb),
            climb_loss=_finite(self.climb),
            climb_update=self.climb_update,
        )
        if not self.slope:
            return found
        return replace(
            found,
            tail_first_update=self.tail.start + 1,
            tail_last_update=self.tail.stop,
            slope_per_100_updates=_finite(100 * self.slope.estimate),
            fall_loss=_finite(self.fall),
            fall_low_loss=_finite(self.least_fall),
            fall_high_loss=_finite(self.most_fall),
            fall_share=_finite(self.fall / self.way_down) if self.way_down > 0 else None,
            falling=self.falling,
            tail_rate_share=_finite(self.tail_rate_share),
        )


def average(losses: Losses, *, window: int) -> Average:
    """Return statistics of the moving average over `window` updates, from the first full window on."""
    smoothing = DebiasedEMA(beta(window))
    lowest, highest, final, before_climb, climb = math.inf, -math.inf, 0.0, 0.0, -math.inf
    highest_update = climb_update = 0
    for start in range(0, len(losses), AT_ONCE):
        smoothed = smoothing.update(losses[start : start + AT_ONCE])
        first = max(start, window - 1)
        part = smoothed[first - start :]
        if not len(part):
            continue
        lows = np.minimum(np.minimum.accumulate(part), lowest)
        top, peak = int((part - lows).argmax()), int(part.argmax())
        if part[top] - lows[top] > climb:
            before_climb, climb, climb_update = float(lows[top]), float(part[top] - lows[top]), first + top + 1
        if part[peak] > highest:
            highest, highest_update = float(part[peak]), first + peak + 1
        lowest, final = float(lows[-1]), float(part[-1])
    return Average(lowest, highest, highest_update, final, before_climb, climb, climb_update)


def slope(losses: NDArray[np.floating[Any]]) -> Slope | None:
    """Return the slope of a line through the means of ten blocks, or of fewer if there are not ten losses.

    The interval uses Student's t on the residuals. Returns None for fewer than three losses.
    """
    blocks = min(BLOCKS, len(losses))
    if blocks < FEWEST_BLOCKS:
        return None
    means = np.array([_mean(part) for part in np.array_split(losses, blocks)])
    middles = np.array([part.mean() for part in np.array_split(np.arange(len(losses)), blocks)])
    x, y = middles - middles.mean(), means - means.mean()
    estimate = float(x @ y / (x @ x))
    left = y - estimate * x
    half = T_975[blocks - 3] * math.sqrt(float(left @ left / (x @ x)) / (blocks - 2))
    return Slope(estimate - half, estimate, estimate + half)


def _mean(values: NDArray[np.floating[Any]]) -> float:
    return float(values.mean(dtype=np.float64))


def _other_batch(config: RunConfig, updates: int) -> tuple[int, int] | None:
    """Return a smaller batch size, 100 or a tenth, and its number of updates, if the same budget gives more there."""
    size = USUAL_BATCH if config.batch_size > USUAL_BATCH else config.batch_size // 10
    planned = planned_updates(config, batch_size=size) if size > 1 else None
    return (size, planned) if planned and planned > updates else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
