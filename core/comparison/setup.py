"""Describe a comparison: arms with one budget, one rule for the rate, and the same seeds. No torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.comparison.course import Course
from core.run.config import FIELDS, RunConfig, planned_updates
from core.run.events import Peak
from core.run.fields import ORDER, WEIGHTS, bounds_of
from core.run.plan import plan, planned_examples
from core.words.errors import ConfigError, Problem

Budget = Literal["epochs", "updates", "examples", "seconds"]
Rule = Literal["fixed", "linear", "sqrt", "tuned"]

BUDGETS: tuple[Budget, ...] = ("epochs", "updates", "examples", "seconds")
RULES: tuple[Rule, ...] = ("fixed", "linear", "sqrt", "tuned")
RULE_HOLDS = {"fixed": (), "linear": ("rate_per_example",), "sqrt": ("rate_per_root",), "tuned": ("tuning",)}
EXPONENTS: dict[str, float] = {"linear": 1.0, "sqrt": 0.5}
ARMS = (2, 6)
SEEDS = (1, 10)
SECONDS = (0.1, 60.0)
DEFAULT_SEEDS, DEFAULT_SECONDS = 6, 2.0  # six pairs are the fewest that can show a difference at 5%
MOST_UPDATES = 100_000  # of an arm
TUNING_SEEDS, FIRST_TUNING_SEED = 3, 1_000  # how many, and how far from the first one: others than are compared
TUNING_FACTORS = tuple(2.0**power for power in range(-4, 5))  # of an arm's own rate
MADE_ALIKE = ("budget", "budget_value", "seed", "target_loss")
SHARED = ("dataset", "seed")  # what arms must have in common to be compared at all


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is compared: an invalid one cannot be built.

    Seed number i of every arm is `arms[0].seed + i`: initial weights where the models agree, and the order of
    examples, are the same. `budget` and `rule` say what was made equal, `is_tuned` that each arm's rate is looked
    for with other seeds before. Raises ConfigError with every problem found.
    """

    arms: tuple[RunConfig, ...]
    seeds: int = DEFAULT_SEEDS
    budget: Budget = "epochs"
    rule: Rule = "fixed"

    def __post_init__(self) -> None:
        problems = _problems(self)
        if problems:
            raise ConfigError(*problems)

    @property
    def is_tuned(self) -> bool:
        return self.rule == "tuned"

    def to_json(self) -> str:
        values = {"seeds": self.seeds, "budget": self.budget, "rule": self.rule}
        return json.dumps(values | {"arms": [arm.to_dict() for arm in self.arms]}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Comparison:
        """Read what `to_json` wrote. Raises ConfigError, also on any other text."""
        try:
            values = json.loads(text)
            arms = tuple(RunConfig.from_mapping(arm) for arm in values.pop("arms"))
            return cls(arms=arms, **values)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(Problem("not_json", {"value": text[:80]})) from None


def compared(
    arms: Sequence[RunConfig],
    *,
    seeds: int = DEFAULT_SEEDS,
    budget: Budget = "epochs",
    rule: Rule = "fixed",
    seconds: float = DEFAULT_SECONDS,
) -> Comparison:
    """Return a comparison of these arms with the first one's budget and seed, its rate carried over by the rule.

    Equal epochs, updates or examples are as many as the first arm's own budget pays for; equal seconds are `seconds`.
    Rules of "fixed" and "tuned" leave each arm its own rate, the latter to look around it; the others carry the first
    arm's over. Raises ConfigError.
    """
    if not arms:
        raise ConfigError(Problem("too_few_arms", {"value": 0, "low": ARMS[0], "high": ARMS[1]}))
    first = arms[0]
    shared = {"seed": first.seed, "target_loss": None, **_budget_of(first, budget, seconds)}
    made, problems = [], []
    for number, arm in enumerate(arms, 1):
        changes = shared | ({"lr": _rate(first, arm, rule)} if rule in EXPONENTS else {})
        try:
            made.append(arm.replace(**changes))
        except ConfigError as error:
            problems += [Problem("arm_refused", {"number": number, "reason": each}) for each in error.problems]
    if problems:
        raise ConfigError(*problems)
    return Comparison(arms=tuple(made), seeds=seeds, budget=budget, rule=rule)


def held_fixed(comparison: Comparison, axis: Budget | None = None) -> tuple[str, ...]:
    """Return what all arms have in common, in codes: data always, start and order of examples where they are.

    Of what was spent it is what the comparison made equal, or the axis along which it is judged.
    """
    apart = set(differences(comparison.arms))
    held = ["data"]
    if not apart.intersection(WEIGHTS):
        held.append("start")
    if not apart.intersection(ORDER):
        held.append("order")
    return (*held, axis or comparison.budget, *RULE_HOLDS[comparison.rule])


def differences(arms: Sequence[RunConfig], *, is_tuned: bool = False) -> list[str]:
    """Return the settings in which the arms are not all alike, in the order of the fields.

    Without those that a comparison makes alike, and without the rate where it is looked for.
    """
    values = [arm.to_dict() for arm in arms]
    made_alike = (*MADE_ALIKE, "lr") if is_tuned else MADE_ALIKE
    names = [name for name in FIELDS if name not in made_alike]
    return [name for name in names if any(other[name] != values[0][name] for other in values[1:])]


def bytes_held(comparison: Comparison, peaks: Sequence[Peak]) -> int:
    """Return how many bytes the trainings of a comparison hold at most, given the peak of one training of each arm.

    Weights, what the optimizer remembers and the update before are kept of every seed of every arm; the seeds of one
    arm are at work at a time. Rates are tuned before, an arm at a time. What the device has no room for is not trained.
    """
    limits = [arm.memory_limit_bytes or math.inf for arm in comparison.arms]
    trained = [peak for peak, limit in zip(peaks, limits, strict=True) if peak.bytes <= limit]
    largest = max((peak.bytes for peak in trained), default=0)
    kept = sum(2 * peak.by_category["parameters"] + peak.by_category["optimizer state"] for peak in trained)
    tuning = largest * len(TUNING_FACTORS) * TUNING_SEEDS if comparison.is_tuned else 0
    return max(comparison.seeds * (kept + largest), tuning)


def as_trained(comparison: Comparison, courses: Sequence[Course]) -> Comparison | None:
    """Return the arms that were trained, at the rate and for the updates that they had; None if fewer than two were."""
    arms = []
    for arm, course in zip(comparison.arms, courses, strict=True):
        if len(course.checked):
            in_seconds = arm.budget == "seconds"
            budget = {"budget": "updates", "budget_value": course.planned} if in_seconds else {}
            arms.append(arm.replace(lr=course.lr, **budget))
    return Comparison(arms=tuple(arms), seeds=comparison.seeds) if len(arms) >= ARMS[0] else None


def _budget_of(first: RunConfig, budget: Budget, seconds: float) -> dict[str, Any]:
    """Return the budget that all arms get: the first one's own, said in another unit."""
    if budget == "seconds":
        return {"budget": budget, "budget_value": first.budget_value if first.budget == budget else seconds}
    if first.budget == "seconds":  # of which nobody knows beforehand how many epochs they are
        first = first.replace(budget="epochs", budget_value=5)
    value = planned_updates(first) or 1
    if budget == "examples":
        value = planned_examples(first)
    elif budget == "epochs":
        value = math.ceil(value / plan(first).updates_per_epoch)
    return {"budget": budget, "budget_value": value}


def _rate(first: RunConfig, arm: RunConfig, rule: Rule) -> float:
    times = arm.effective_batch_size / first.effective_batch_size
    return float(first.lr * times ** EXPONENTS[rule])


def _problems(comparison: Comparison) -> list[Problem]:
    arms, problems = comparison.arms, []
    if not ARMS[0] <= len(arms) <= ARMS[1]:
        code = "too_few_arms" if len(arms) < ARMS[0] else "too_many_arms"
        problems.append(Problem(code, {"value": len(arms), "low": ARMS[0], "high": ARMS[1]}))
    low, high = SEEDS
    if not isinstance(comparison.seeds, int) or not low <= comparison.seeds <= high:
        values: Mapping[str, Any] = {"field": "seeds", "value": comparison.seeds, "low": low, "high": high}
        problems.append(Problem("not_whole", values))
    for field, value, choices in (("budget", comparison.budget, BUDGETS), ("rule", comparison.rule, RULES)):
        if value not in choices:
            problems.append(Problem("not_a_choice", {"field": field, "value": value, "choices": ", ".join(choices)}))
    for name in SHARED:
        others = sorted({str(getattr(arm, name)) for arm in arms})
        if len(others) > 1:
            problems.append(Problem("arms_not_comparable", {"field": name, "values": ", ".join(others)}))
    most = bounds_of("seed")[1] - FIRST_TUNING_SEED - TUNING_SEEDS
    if arms and arms[0].seed > most:
        values = {"field": "seed", "value": arms[0].seed, "low": 0, "high": most}
        problems.append(Problem("out_of_bounds", values))
    for number, arm in enumerate(arms, 1):
        planned = planned_updates(arm)
        if planned is not None and planned > MOST_UPDATES:
            problems.append(
                Problem("too_many_updates_of_arm", {"number": number, "value": planned, "high": MOST_UPDATES})
            )
    return problems
