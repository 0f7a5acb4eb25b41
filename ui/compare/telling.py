"""Say what came out of a comparison: who is ahead, what was held fixed, and the numbers in a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np

from core.comparison.course import Axis, Course, Floats
from core.comparison.result import AXES, Standing, standings
from core.comparison.setup import DEFAULT_SEEDS, Comparison, differences, held_fixed
from core.run.choices.schedules import SCHEDULES
from core.run.config import RunConfig
from core.science.statistics import LEVEL, MARGIN, geometric_mean
from ui.kit.table import table as html_table
from ui.shell.text import duration, label, loss_text, mib, number, percent, plain, rough, say, times, words

UNDERWAY = ("waiting", "tuning", "running")
# Values whose words are as long as any that a verdict usually has; its room is reserved with them.
LONG_LOSS, LONG_RATIO, LONG_P, LONG_PLACE = 0.00123, 12.3, 0.031, 12_345.0


def verdict(comparison: Comparison, courses: Sequence[Course], names: Sequence[str]) -> str:
    """Return who is ahead by the equal budget, and by which other budgets the result would be different.

    While an arm still trains, the standing is given without a p, which would describe unfinished runs.
    """
    found = {standing.axis: standing for standing in standings(courses)}
    first = found.pop(comparison.budget, None)
    sentences = [
        say("compare.out_of_memory", arm=name, peak=mib(course.peak_bytes), limit=mib(arm.memory_limit_bytes or 0))
        for name, course, arm in zip(names, courses, comparison.arms, strict=True)
        if course.state == "out_of_memory"
    ]
    if first is not None and any(course.state in UNDERWAY for course in courses):
        is_lost = math.isinf(first.losses[first.second])
        sentences.append(say("compare.so_far.lost" if is_lost else "compare.so_far", **_losses(first, names)))
        sentences += _rest(first, _trained(courses), names, comparison.seeds)
    elif first is not None:
        sentences += _ended(comparison, first, list(found.values()), _trained(courses), names)
    elif courses and all(course.is_lost for course in courses):
        sentences.append(say("compare.all_diverged"))
    sentences += [
        say("compare.at_edge", arm=name, rate=_rate(course.lr))
        for name, course in zip(names, courses, strict=True)
        if course.at_edge
    ]
    return " ".join(sentences) or "\u00a0"


def _ended(
    comparison: Comparison, first: Standing, others: Sequence[Standing], trained: Sequence[int], names: Sequence[str]
) -> list[str]:
    """Return what came out by the equal budget, and the standings by other budgets that are different."""
    sentences = _standing(first, names, comparison.seeds) + _rest(first, trained, names, comparison.seeds)
    different = [_by_other_budget(each, names) for each in others if _outcome(each) != _outcome(first)]
    if different:
        falls = any(SCHEDULES[arm.schedule].lowers_rate for arm in comparison.arms)
        sentences += [say("compare.otherwise.falling" if falls else "compare.otherwise"), *different]
    return sentences


def room(comparison: Comparison, names: Sequence[str], *, guesses: bool) -> str:
    """Return HTML that takes the room of the longest verdict on a comparison, so that its box never grows.

    The text is an attribute, which only the style sheet draws: nobody reads it and no search finds it.
    """
    longest, *others = sorted(range(len(names)), key=lambda arm: -len(names[arm]))
    losses = [LONG_LOSS] * len(names)
    losses[longest] /= LONG_RATIO
    is_convex = comparison.arms[0].model == "linear" and comparison.arms[0].weight_decay > 0

    def by(axis: Axis, best: int, second: int) -> Standing:
        p = LONG_P if comparison.seeds > 1 else None
        return Standing(
            axis,
            LONG_PLACE,
            "excess_loss" if is_convex else "training_loss",
            tuple(losses),
            (0,) * len(names),
            best,
            second,
            LONG_RATIO,
            LONG_RATIO,
            LONG_RATIO,
            p,
            False,
        )

    first = by(comparison.budget, longest, others[0])
    rest = [by(axis, others[0], longest) for axis in AXES if axis != comparison.budget]
    sentences = _ended(comparison, first, rest, range(len(names)), names)
    if guesses:
        sentences.insert(0, say("compare.guess.wrong", guess=names[longest], best=names[others[0]]))
    text = " ".join(sentences).replace("*", "")
    return f"<p class='room' data-text='{escape(text)}'></p>"


def guess(comparison: Comparison, courses: Sequence[Course], names: Sequence[str], guessed: int | None) -> str:
    """Return whether a guess of the arm that ends lowest was right; an empty text without a guess."""
    if guessed is None:
        return ""
    found = {standing.axis: standing for standing in standings(courses)}.get(comparison.budget)
    if found is None or any(course.state in UNDERWAY for course in courses):
        return say("compare.guess.made", guess=names[guessed])
    if guessed == found.best and found.is_clear:
        return say("compare.guess.right", guess=names[guessed])
    if guessed in (found.best, found.second) and not found.is_clear:
        return say("compare.guess.open", guess=names[guessed])
    return say("compare.guess.wrong", guess=names[guessed], best=names[found.best])


def _standing(found: Standing, names: Sequence[str], seeds: int) -> list[str]:
    """Return the sentences about the first two arms, with the test of their difference."""
    values: dict[str, Any] = {**_losses(found, names), "seeds": seeds}
    if found.p is None:
        return [say("compare.one_seed", **values)]
    values["p"] = rough(found.p)
    if found.ratio is None or found.low is None or found.high is None:
        key = "compare.diverged" if found.is_clear else "compare.diverged.unclear"
        text = say(key, count=found.diverged[found.second], lost=found.diverged[found.best], **values)
    else:
        values |= {"ratio": times(found.ratio), "low": times(found.low), "high": times(found.high)}
        key = "equal" if found.equal else "wins" if found.is_clear else "unclear"
        text = say(f"compare.{key}", percent=100 * (1 - 1 / found.ratio), **values)
    least = 2.0 ** (1 - seeds)  # the smallest p of so many pairs
    if least < LEVEL or found.equal:
        return [text]
    return [text, say("compare.few_seeds", seeds=seeds, least=rough(least), enough=DEFAULT_SEEDS)]


def _trained(courses: Sequence[Course]) -> list[int]:
    return [arm for arm, course in enumerate(courses) if len(course.checked)]


def _rest(found: Standing, trained: Sequence[int], names: Sequence[str], seeds: int) -> list[str]:
    """Return the sentences about the trained arms after the first two, if there are any."""
    rest = [arm for arm in trained if arm not in (found.best, found.second)]
    rest.sort(key=lambda arm: (found.diverged[arm], found.losses[arm]))
    sentences = [_one_of_the_rest(found, arm, names, seeds) for arm in rest]
    return [say("compare.rest"), *sentences] if sentences else []


def _one_of_the_rest(found: Standing, arm: int, names: Sequence[str], seeds: int) -> str:
    if found.diverged[arm]:
        return say("compare.rest.diverged", arm=names[arm], count=found.diverged[arm], seeds=seeds)
    ratio = found.losses[arm] / found.losses[found.best]
    values = {"arm": names[arm], "loss": loss_text(found.losses[arm]), "best": names[found.best]}
    if ratio <= math.exp(MARGIN):
        return say("compare.rest.near", **values)
    return say("compare.rest.far", times=times(ratio), **values)


def _losses(found: Standing, names: Sequence[str]) -> dict[str, str]:
    """Return the words for the first two arms and their losses."""
    return {
        "budget": _equal_budget(found),
        "best": names[found.best],
        "second": names[found.second],
        "loss": loss_text(found.losses[found.best]),
        "other": loss_text(found.losses[found.second]),
        "measure": say(f"measure.{found.measure}"),
    }


def _outcome(found: Standing) -> tuple[int, bool, bool]:
    return found.best, found.is_clear, found.equal


def _by_other_budget(found: Standing, names: Sequence[str]) -> str:
    values = {"budget": _equal_budget(found), "best": names[found.best], "second": names[found.second]}
    if found.equal:
        return say("compare.otherwise.equal", **values)
    if not found.is_clear or found.ratio is None:
        return say("compare.otherwise.unclear", **values)
    return say("compare.otherwise.ahead", times=times(found.ratio), **values)


def _equal_budget(found: Standing) -> str:
    at = duration(found.at) if found.axis == "seconds" else number(float(f"{found.at:.4g}"))
    return say(f"equal_budget.{found.axis}", at=at)


def held(comparison: Comparison) -> str:
    """Return the data and models that are trained, what all arms have in common, and how they differ."""
    named = differences(comparison.arms, is_tuned=comparison.is_tuned) + ["lr"] * comparison.is_tuned
    return say(
        "compare.held",
        data=comparison.arms[0].dataset,
        models=words().listed(list(dict.fromkeys(_model(arm) for arm in comparison.arms))),
        fixed=words().listed([say(f"fixed.{name}") for name in held_fixed(comparison)]),
        differences=words().listed([label(name) for name in named]) or say("none"),
    )


def _model(arm: RunConfig) -> str:
    return f"{arm.model} {plain(arm.hidden)}" if arm.uses("hidden") else arm.model


COLUMNS = (
    "arm",
    "state",
    "updates",
    "examples",
    "lr",
    "excess",
    "train",
    "validation",
    "accuracy",
    "seconds",
    "peak",
)


def table(comparison: Comparison, courses: Sequence[Course], names: Sequence[str]) -> str:
    """Return the results of all arms as an HTML table: means over the seeds, with the lowest and the highest.

    The loss above the optimum is a column only if the optimum is known.
    """
    is_known = any("excess_loss" in course.checks for course in courses)
    columns = [name for name in COLUMNS if is_known or name != "excess"]
    rows = []
    for name, course in zip(names, courses, strict=True):
        cells = _cells(name, course)
        rows.append([cells[column] for column in columns])
    head = [say(f"compare.table.{name}") for name in columns]
    return html_table(head, rows, label=say("compare.table.label"))


def _cells(name: str, course: Course) -> dict[str, str]:
    none = say("none")
    made = float(course.updates[-1]) if len(course.updates) else 0.0
    took = made if course.state == "stopped" else course.planned
    accuracy = course.newest("validation_accuracy")
    return {
        "arm": name,
        "state": say(f"compare.arm_state.{course.state}"),
        "updates": number(made),
        "examples": number(float(course.along(np.array([made]), "examples")[0])),
        "lr": _rate(course.lr) if course.lr else none,
        "excess": _losses_of(course.newest("excess_loss")),
        "train": _losses_of(course.newest("training_loss")),
        "validation": _losses_of(course.newest("validation_loss")),
        "accuracy": _range(accuracy, np.mean, lambda share: percent(share, 1)),
        "seconds": duration(took * course.seconds_per_update) if took and course.seconds_per_update else none,
        "peak": mib(course.peak_bytes) if course.peak_bytes else none,
    }


def _rate(rate: float) -> str:
    return number(float(f"{rate:.3g}"))


def _losses_of(values: Floats) -> str:
    """Return losses as in the verdict: their geometric mean and their range."""
    return _range(values, geometric_mean, loss_text)


def _range(values: Floats, mean: Callable[[Floats], float | np.floating[Any]], form: Callable[[float], str]) -> str:
    """Return the mean over the seeds that did not diverge, with their range."""
    good = values[np.isfinite(values)]
    if not len(good):
        return say("none")
    middle, low, high = (form(float(value)) for value in (mean(good), good.min(), good.max()))
    return middle if low == high else say("compare.table.range", middle=middle, low=low, high=high)
