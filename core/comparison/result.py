"""Find which arm is ahead at equal updates, epochs, examples or seconds. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.comparison.course import Axis, Course, Floats, Measure
from core.science.statistics import (
    LEVEL,
    LOWEST,
    MOST_PAIRS,
    equivalence,
    geometric_mean,
    interval,
    log_ratios,
    sign_flip,
)

AXES: tuple[Axis, ...] = ("epochs", "updates", "examples", "seconds")
CLOCK_DOUBT = 0.1  # two timings of the same run may differ by this share


@dataclass(frozen=True)
class Standing:
    """The standing of the arms at the place `at` on an axis, which every trained arm has reached.

    measure   the loss by which the arms are judged
    losses    for each arm, the geometric mean over the seeds that did not diverge; infinite if all diverged or the arm
              was not trained
    diverged  for each arm, the number of seeds that diverged
    best      the number of the arm with the fewest diverged seeds and then the lowest loss; `second` is the next one
    ratio     second / best, the geometric mean over the seeds, with its 95% interval `low` to `high`; None if a seed of
              either diverged
    p         of the difference between the two, over all sign flips; None for one seed. On the axis of seconds the best
              arm must also be ahead with CLOCK_DOUBT less time, and p is the larger of the two
    equal     whether the two are equivalent within 25%, by two one-sided tests
    """

    axis: Axis
    at: float
    measure: Measure
    losses: tuple[float, ...]
    diverged: tuple[int, ...]
    best: int
    second: int
    ratio: float | None
    low: float | None
    high: float | None
    p: float | None
    equal: bool

    @property
    def is_clear(self) -> bool:
        """Whether the best arm is significantly ahead and the two are not practically equal."""
        return not self.equal and self.p is not None and self.p < LEVEL


def standing(courses: Sequence[Course], axis: Axis) -> Standing | None:
    """Return the standing at the last place on an axis that all arms have reached, or None if there is none yet.

    An arm that was not trained is left out, and one whose seeds all diverged does not move the place. Between two
    evaluations, the logarithm of the loss is interpolated.
    """
    trained = [number for number, course in enumerate(courses) if len(course.checked)]
    ends = [
        float(courses[number].along(np.array([courses[number].end]), axis)[0])
        for number in trained
        if not courses[number].is_lost
    ]
    at = min(ends, default=0.0)
    if len(trained) < 2 or at <= 0:
        return None
    seeds = {number: _at(courses[number], axis, at) for number in trained}
    losses, diverged = [math.inf] * len(courses), [0] * len(courses)
    for number, found in seeds.items():
        diverged[number] = int((~np.isfinite(found)).sum())
        losses[number] = geometric_mean(found)
    best, second = sorted(trained, key=lambda number: (diverged[number], losses[number]))[:2]
    ratio = low = high = p = None
    equal = False
    differences = log_ratios(seeds[best], seeds[second])
    all_finite = diverged[best] == diverged[second] == 0
    if 1 < len(differences) <= MOST_PAIRS:
        p = sign_flip(differences)
        if axis == "seconds":
            p = max(p, _with_doubt(courses[best], seeds[second], at))
        equal = all_finite and equivalence(differences) < LEVEL
    if all_finite:
        ratio = math.exp(differences.mean())
        low, high = (math.exp(end) for end in interval(differences))
    return Standing(
        axis, at, courses[best].measure, tuple(losses), tuple(diverged), best, second, ratio, low, high, p, equal
    )


def _with_doubt(best: Course, second: Floats, at: float) -> float:
    """Return the p of the difference if the best arm had less time; 1 if it is not ahead then."""
    differences = log_ratios(_at(best, "seconds", at * (1 - CLOCK_DOUBT)), second)
    return sign_flip(differences) if differences.mean() > 0 else 1.0


def standings(courses: Sequence[Course]) -> list[Standing]:
    """Return the standing by every budget."""
    return [found for axis in AXES if (found := standing(courses, axis)) is not None]


def _at(course: Course, axis: Axis, place: float) -> Floats:
    """Return the loss of each seed at a place on an axis; infinite for seeds that diverged."""
    x, losses = course.along(course.checked, axis), np.maximum(course.checks[course.measure], LOWEST)
    found = np.array([np.exp(np.interp(place, x, np.log(column))) for column in losses.T])
    return np.where(course.diverged | ~np.isfinite(found), np.inf, found)
