"""Judge measurements: one verdict for each trial, corrected for multiple tests, and one for each claim.

Differences are tested by all sign flips of the paired log-ratios, equivalence by two one-sided t-tests against a margin
of 25%. Each of these two families of tests is corrected by Holm's method. No torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from core.science.statistics import LEVEL, equivalence, holm, interval, log_ratios, sign_flip
from core.science.trials import Exact, Pair, Trial

Verdict = Literal["SUPPORTED", "REFUTED", "CONDITIONAL", "INCONCLUSIVE"]


@dataclass(frozen=True)
class Outcome:
    """A trial and its verdict, with everything that a page or a script shows of it.

    `effect_ratio` is the geometric mean of second / first over the seeds, and `low` to `high` its 95% interval; they
    are None if the trial is exact or an arm diverged. `p` and `p_equivalence` belong to the trial alone; `p_adjusted`
    is corrected for multiple tests, and `verdict` and `equivalent` follow from corrected values. `diverged` counts the
    diverged seeds of the first and the second arm.
    """

    claim: str
    arm: str
    held_fixed: tuple[str, ...]
    verdict: Verdict
    is_contrast: bool
    seconds: float
    metric: str | None = None
    claimed: str | None = None
    first: Mapping[str, Any] = field(default_factory=dict)
    second: Mapping[str, Any] = field(default_factory=dict)
    first_values: tuple[float, ...] = ()
    second_values: tuple[float, ...] = ()
    effect_ratio: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    p_equivalence: float | None = None
    equivalent: bool = False
    seeds: int | None = None
    diverged: tuple[int, int] = (0, 0)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Outcome:
        """Build an outcome from `to_dict`, with or without a JSON round trip."""
        tuples = ("held_fixed", "first_values", "second_values", "diverged")
        known: dict[str, Any] = {name: tuple(each) if name in tuples else each for name, each in values.items()}
        return cls(**known)


def untouched(family: Iterable[Outcome], trials: Mapping[str, Sequence[Trial]]) -> list[Outcome]:
    """Return the tests of a family that these trials do not repeat, the same conditions counting as the same test."""
    repeated = [_conditions(pair) for pair in _pairs(trials)]
    return [
        outcome
        for outcome in family
        if outcome.p is not None and (outcome.metric, outcome.held_fixed, outcome.first, outcome.second) not in repeated
    ]


def tests_in(outcomes: Iterable[Outcome]) -> int:
    """Return the number of tests among outcomes; two claims that rest on the same runs share a test."""
    return len({(outcome.first_values, outcome.second_values) for outcome in outcomes if outcome.p is not None})


def judge(trials: Mapping[str, Sequence[Trial]], others: Sequence[Outcome] = ()) -> dict[str, list[Outcome]]:
    """Return the outcomes of the trials of each claim, corrected over the trials of all claims together.

    `others` are tests of the same family that were made before. They count in the correction.
    """
    pairs = _pairs(trials)
    differences = [log_ratios(pair.first.values, pair.second.values) for pair in pairs]
    raw = [sign_flip(values) for values in differences]
    equal = [
        1.0 if _diverged(pair) != (0, 0) else equivalence(values)
        for pair, values in zip(pairs, differences, strict=True)
    ]
    raw += [outcome.p for outcome in others if outcome.p is not None]
    equal += [outcome.p_equivalence for outcome in others if outcome.p_equivalence is not None]
    # Two claims may rest on the same runs. Those form a single test and count once.
    same = [(pair.first.values, pair.second.values) for pair in pairs]
    same += [(outcome.first_values, outcome.second_values) for outcome in others]
    once = [same.index(figures) for figures in same]
    tested = zip(pairs, differences, raw, _corrected(raw, once), equal, _corrected(equal, once), strict=False)
    found = {id(pair): _of_pair(pair, *figures) for pair, *figures in tested}
    judged = {}
    for claim, each in trials.items():
        values = [found[id(trial)] if isinstance(trial, Pair) else _of_exact(trial) for trial in each]
        judged[claim] = [Outcome(claim=claim, **known) for known in values]
    return judged


def _pairs(trials: Mapping[str, Sequence[Trial]]) -> list[Pair]:
    return [trial for each in trials.values() for trial in each if isinstance(trial, Pair)]


def _conditions(pair: Pair) -> tuple[Any, ...]:
    return pair.metric, pair.held_fixed, pair.first.settings, pair.second.settings


def _corrected(p_values: Sequence[float], once: Sequence[int]) -> list[float]:
    """Return p values adjusted by Holm's method; `once` maps each test to the first test with the same data."""
    places = sorted(set(once))
    adjusted = dict(zip(places, holm([p_values[place] for place in places]), strict=True))
    return [adjusted[place] for place in once]


def headline(outcomes: Sequence[Outcome]) -> Verdict:
    """Return the verdict on a whole claim: the common verdict of its trials, CONDITIONAL if they contradict each other.

    Contrasts do not count. An inconclusive trial makes the claim inconclusive unless the others contradict each other.
    """
    seen = {outcome.verdict for outcome in outcomes if not outcome.is_contrast}
    if {"SUPPORTED", "REFUTED"} <= seen:
        return "CONDITIONAL"
    return seen.pop() if len(seen) == 1 else "INCONCLUSIVE"


def _of_pair(
    pair: Pair, differences: Any, p: float, p_adjusted: float, p_equivalence: float, p_equivalence_adjusted: float
) -> dict[str, Any]:
    equivalent = p_equivalence_adjusted < LEVEL
    direction = "higher" if differences.mean() > 0 else "lower"
    verdict: Verdict = "INCONCLUSIVE"
    if equivalent or p_adjusted < LEVEL:
        found = "equal" if equivalent else direction
        verdict = "SUPPORTED" if found == pair.claimed else "REFUTED"
    values = {
        "arm": pair.arm,
        "held_fixed": pair.held_fixed,
        "verdict": verdict,
        "is_contrast": pair.is_contrast,
        "seconds": pair.seconds,
        "metric": pair.metric,
        "claimed": pair.claimed,
        "first": dict(pair.first.settings),
        "second": dict(pair.second.settings),
        "first_values": pair.first.values,
        "second_values": pair.second.values,
        "p": p,
        "p_adjusted": p_adjusted,
        "p_equivalence": p_equivalence,
        "equivalent": equivalent,
        "seeds": len(differences),
        "diverged": _diverged(pair),
    }
    if _diverged(pair) == (0, 0):
        low, high = interval(differences)
        values |= {"effect_ratio": math.exp(differences.mean()), "low": math.exp(low), "high": math.exp(high)}
    return values


def _of_exact(trial: Exact) -> dict[str, Any]:
    return {
        "arm": trial.arm,
        "held_fixed": trial.held_fixed,
        "verdict": "SUPPORTED" if trial.holds else "REFUTED",
        "is_contrast": trial.is_contrast,
        "seconds": trial.seconds,
        "facts": dict(trial.facts),
    }


def _diverged(pair: Pair) -> tuple[int, int]:
    first, second = (sum(not math.isfinite(value) for value in arm.values) for arm in (pair.first, pair.second))
    return first, second
