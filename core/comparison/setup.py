"""Describe a comparison: arms with one budget, one rule for the learning rate, and the same seeds. No torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
SEED_CHOICES = (1, 3, 6, 10)  # offered on the page
SECONDS = (0.1, 60.0)
DEFAULT_SEEDS, DEFAULT_SECONDS = 6, 2.0  # with fewer than six pairs, p cannot fall below 5%
MOST_UPDATES = 100_000  # most updates of one arm
TUNING_SEEDS, FIRST_TUNING_SEED = 3, 1_000  # their number, and their distance from the seeds that are compared
TUNING_FACTORS = tuple(2.0**power for power in range(-4, 5))  # multiples of an arm's own rate
LONGEST_NAME = 40  # characters of the name of an arm
MADE_ALIKE = ("budget", "budget_value", "seed", "target_loss")
SHARED = ("dataset", "seed")  # settings that all arms must have in common


@dataclass(frozen=True)
class Arm:
    """An arm that a page describes: its settings, and its name unless the settings are to name it."""

    config: RunConfig
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A comparison of two to six arms. Raises ConfigError with every problem found.

    Seed i of every arm is `arms[0].seed + i`, so that arms with the same model start from the same weights, and all
    arms have the same data order. `budget` and `rule` name what was made equal. With the rule "tuned", each arm's
    learning rate is first tuned on other seeds. `names` are given to the arms, in their order; an arm without one is
    named by its settings. Two comparisons that differ in names only are equal.
    """

    arms: tuple[RunConfig, ...]
    seeds: int = DEFAULT_SEEDS
    budget: Budget = "epochs"
    rule: Rule = "fixed"
    names: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        problems = _problems(self)
        if problems:
            raise ConfigError(*problems)

    @property
    def is_tuned(self) -> bool:
        return self.rule == "tuned"

    def to_json(self) -> str:
        values: dict[str, Any] = {"seeds": self.seeds, "budget": self.budget, "rule": self.rule}
        if any(self.names):
            values["names"] = list(self.names)
        return json.dumps(values | {"arms": [arm.to_dict() for arm in self.arms]}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Comparison:
        """Read what `to_json` wrote. Raises ConfigError for any other text."""
        try:
            values = json.loads(text)
            arms = tuple(RunConfig.from_mapping(arm) for arm in values.pop("arms"))
            names = tuple(clean_name(name) for name in values.pop("names", ()))
            return cls(arms=arms, names=names, **values)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(Problem("not_json", {"value": text[:80]})) from None


def compared(
    arms: Sequence[RunConfig],
    *,
    seeds: int = DEFAULT_SEEDS,
    budget: Budget = "epochs",
    rule: Rule = "fixed",
    seconds: float = DEFAULT_SECONDS,
    names: Sequence[str] = (),
) -> Comparison:
    """Return a comparison of these arms with the first arm's budget and seed, and rates by the rule.

    Equal epochs, updates or examples are as many as the first arm's own budget pays for; equal seconds are `seconds`
    unless the first arm has a budget in seconds. The rules "linear" and "sqrt" scale the first arm's rate; "fixed" and
    "tuned" leave each arm its own. Raises ConfigError.
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
    return Comparison(arms=tuple(made), seeds=seeds, budget=budget, rule=rule, names=tuple(names))


def clean_name(text: str) -> str:
    """Return the name of an arm as it is shown, on one line. Raises ConfigError for one that is too long."""
    name = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    if len(name) > LONGEST_NAME:
        raise ConfigError(Problem("arm_name_too_long", {"value": name, "high": LONGEST_NAME}))
    return name


def matched(arms: Sequence[RunConfig], others: Sequence[RunConfig]) -> list[int | None]:
    """Return for each arm the number of the other with the same settings; None if there is none.

    Settings that a comparison makes equal do not count, and each of the others is taken once.
    """
    left: list[int] = list(range(len(others)))
    found: list[int | None] = []
    for arm in arms:
        found.append(next((number for number in left if not differences((arm, others[number]))), None))
        left = [number for number in left if number != found[-1]]
    return found


def held_fixed(comparison: Comparison, axis: Budget | None = None) -> tuple[str, ...]:
    """Return the codes of what all arms have in common: the data, often initial weights and order, and the budget.

    The budget is the equal one of the comparison, or the axis on which the result is judged.
    """
    apart = set(differences(comparison.arms))
    held = ["data"]
    if not apart.intersection(WEIGHTS):
        held.append("start")
    if not apart.intersection(ORDER):
        held.append("order")
    return (*held, axis or comparison.budget, *RULE_HOLDS[comparison.rule])


def differences(arms: Sequence[RunConfig], *, is_tuned: bool = False) -> list[str]:
    """Return the settings that differ between arms, in the order of the fields.

    Settings that a comparison makes equal are left out, and so is a tuned learning rate.
    """
    values = [arm.to_dict() for arm in arms]
    made_alike = (*MADE_ALIKE, "lr") if is_tuned else MADE_ALIKE
    names = [name for name in FIELDS if name not in made_alike]
    return [name for name in names if any(other[name] != values[0][name] for other in values[1:])]


def bytes_held(comparison: Comparison, peaks: Sequence[Peak]) -> int:
    """Return the most bytes that a comparison holds at once, given the peak of one run of each arm.

    Weights, optimizer state and the previous update are kept for every seed of every arm, while the seeds of one arm
    make an update. Rates are tuned before that, one arm at a time. An arm over its memory limit is not trained.
    """
    limits = [arm.memory_limit_bytes or math.inf for arm in comparison.arms]
    trained = [peak for peak, limit in zip(peaks, limits, strict=True) if peak.bytes <= limit]
    largest = max((peak.bytes for peak in trained), default=0)
    kept = sum(2 * peak.by_category["parameters"] + peak.by_category["optimizer state"] for peak in trained)
    tuning = largest * len(TUNING_FACTORS) * TUNING_SEEDS if comparison.is_tuned else 0
    return max(comparison.seeds * (kept + largest), tuning)


def as_trained(comparison: Comparison, courses: Sequence[Course]) -> Comparison | None:
    """Return the trained arms with the rates and updates that they had, or None if fewer than two were trained."""
    arms = []
    for arm, course in zip(comparison.arms, courses, strict=True):
        if len(course.checked):
            in_seconds = arm.budget == "seconds"
            budget = {"budget": "updates", "budget_value": course.planned} if in_seconds else {}
            arms.append(arm.replace(lr=course.lr, **budget))
    return Comparison(arms=tuple(arms), seeds=comparison.seeds) if len(arms) >= ARMS[0] else None


def _budget_of(first: RunConfig, budget: Budget, seconds: float) -> dict[str, Any]:
    """Return the first arm's budget, converted to the unit that all arms share."""
    if budget == "seconds":
        return {"budget": budget, "budget_value": first.budget_value if first.budget == budget else seconds}
    if first.budget == "seconds":  # the number of epochs in them is not known
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
    for name, value, choices in (("budget", comparison.budget, BUDGETS), ("rule", comparison.rule, RULES)):
        if value not in choices:
            problems.append(Problem("not_a_choice", {"field": name, "value": value, "choices": ", ".join(choices)}))
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
