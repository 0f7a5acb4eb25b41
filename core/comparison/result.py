"""Say who is ahead when as much has been spent: in updates, epochs, examples or seconds. No torch."""

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
CLOCK_DOUBT = 0.1  # how far two timings of the same training may lie apart


@dataclass(frozen=True)
class Standing:
    """How the arms stand once each has spent `at` of an axis, which all that were trained have.

    measure   the loss by which the arms are judged
    losses    that of each arm, the geometric mean over its seeds that did not diverge; infinite if all did, and for
              an arm that was not trained
    diverged  how many seeds of each arm did
    best      the number of the arm that fewest seeds of diverged, and among those the one with the lowest loss;
              `second` of the next
    ratio     second / best, the geometric mean over the seeds, with its 95% interval; None if a seed of either diverged
    p         of the difference between the two by all sign flips; None for one seed. By the clock the best one must
              be ahead also with CLOCK_DOUBT less time: p is the larger of the two then
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
        """Whether the best one is ahead by more than chance, and by more than what counts as equal."""
        return not self.equal and self.p is not None and self.p < LEVEL


def standing(courses: Sequence[Course], axis: Axis) -> Standing | None:
    """Return how the arms stand at the largest place on an axis that all have reached; None before there is one.

    An arm that was not trained is left out; one that diverged with all its seeds is as lost there as it was before.
    Between two evaluations the logarithm of the loss is interpolated.
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
    """Return the p of the difference if the best one had less time; 1 where it is not ahead then."""
    differences = log_ratios(_at(best, "seconds", at * (1 - CLOCK_DOUBT)), second)
    return sign_flip(differences) if differences.mean() > 0 else 1.0


def standings(courses: Sequence[Course]) -> list[Standing]:
    """Return how the arms stand by every way of counting what was spent."""
    return [found for axis in AXES if (found := standing(courses, axis)) is not None]


def _at(course: Course, axis: Axis, place: float) -> Floats:
    """Return the loss by which arms are judged of each seed at a place on an axis; infinite for those that diverged."""
    x, losses = course.along(course.checked, axis), np.maximum(course.checks[course.measure], LOWEST)
    found = np.array([np.exp(np.interp(place, x, np.log(column))) for column in losses.T])
    return np.where(course.diverged | ~np.isfinite(found), np.inf, found)
