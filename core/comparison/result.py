"""Say who is ahead when as much has been spent: in updates, epochs, examples or seconds. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.comparison.course import Axis, Course, Floats, Measure
from core.statistics import MOST_PAIRS, equivalence, interval, log_ratios, sign_flip

AXES: tuple[Axis, ...] = ("epochs", "updates", "examples", "seconds")
LEVEL = 0.05


@dataclass(frozen=True)
class Standing:
    """How the arms stand once each has spent `at` of an axis, which all of them have.

    measure   the loss by which the arms are judged
    losses    that of each arm, the mean over its seeds; infinite where one of them diverged
    best      the number of the arm with the lowest, `second` of the next
    ratio     second / best, the geometric mean over the seeds, with its 95% interval; None if either diverged
    p         of the difference between the two by all sign flips; None for one seed
    equal     whether the two are equivalent within 25%, by two one-sided tests
    """

    axis: Axis
    at: float
    measure: Measure
    losses: tuple[float, ...]
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

    One that diverged with all its seeds is as lost there as it was before. Between two evaluations the logarithm of
    the loss is interpolated. Arms without a course are left out by the caller.
    """
    ends = [float(course.along(np.array([course.end]), axis)[0]) for course in courses if not course.is_lost]
    at = min(ends, default=0.0)
    if len(courses) < 2 or at <= 0:
        return None
    seeds = np.array([_at(course, axis, at) for course in courses])  # (arms, seeds)
    means = np.where(np.isfinite(seeds).all(axis=1), np.exp(np.log(seeds).mean(axis=1)), np.inf)
    best, second = (int(number) for number in np.argsort(means, kind="stable")[:2])
    losses = tuple(float(np.mean(row)) for row in seeds)
    ratio = low = high = p = None
    equal = False
    differences = log_ratios(seeds[best], seeds[second])
    if 1 < len(differences) <= MOST_PAIRS:
        p = sign_flip(differences)
        if np.isfinite(seeds[[best, second]]).all():
            equal = equivalence(differences) < LEVEL
    if np.isfinite(seeds[[best, second]]).all():
        ratio = math.exp(differences.mean())
        low, high = (math.exp(end) for end in interval(differences))
    return Standing(axis, at, courses[0].measure, losses, best, second, ratio, low, high, p, equal)


def standings(courses: Sequence[Course]) -> list[Standing]:
    """Return how the arms stand by every way of counting what was spent."""
    return [found for axis in AXES if (found := standing(courses, axis)) is not None]


def _at(course: Course, axis: Axis, place: float) -> Floats:
    """Return the loss by which arms are judged of each seed at a place on an axis; infinite for those that diverged."""
    x, losses = course.along(course.checked, axis), course.checks[course.measure]
    found = np.array([np.exp(np.interp(place, x, np.log(column))) for column in losses.T])
    return np.where(course.diverged | ~np.isfinite(found), np.inf, found)
