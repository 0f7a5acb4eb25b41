"""Say what came out of a comparison: who is ahead, what was held fixed, and the numbers in a table."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from core.comparison.course import Course, Floats
from core.comparison.result import Standing, standings
from core.comparison.setup import Comparison, differences, held_fixed
from ui.text import duration, label, loss_text, mib, number, say


def verdict(comparison: Comparison, courses: Sequence[Course], names: Sequence[str]) -> str:
    """Return who is ahead by the budget that was made equal, and by which other way of counting it is another."""
    short = [
        say("compare.out_of_memory", arm=name, peak=mib(course.peak_bytes), limit=mib(arm.memory_limit_bytes or 0))
        for name, course, arm in zip(names, courses, comparison.arms, strict=True)
        if course.state == "out_of_memory"
    ]
    found = {standing.axis: standing for standing in standings(courses)}
    first = found.pop(comparison.budget, None)
    told = list(short)
    if first is not None:
        told.append(_standing(first, names, comparison.seeds))
        others = [_otherwise(each, names) for each in found.values() if _outcome(each) != _outcome(first)]
        if others:
            falls = any(arm.schedule != "constant" for arm in comparison.arms)
            told.append(say("compare.otherwise.falling" if falls else "compare.otherwise", others="; ".join(others)))
    elif courses and all(course.is_lost for course in courses):
        told.append(say("compare.all_diverged"))
    told += [say("compare.at_edge", arm=name, rate=f"{course.lr:.3g}")
             for name, course in zip(names, courses, strict=True) if course.at_edge]  # fmt: skip
    return " ".join(told) or "\u00a0"


def _standing(found: Standing, names: Sequence[str], seeds: int) -> str:
    best, second = names[found.best], names[found.second]
    values = {
        "axis": say(f"axis_word.{found.axis}"), "at": _place(found), "best": best, "second": second, "seeds": seeds,
        "loss": loss_text(found.losses[found.best]), "other": loss_text(found.losses[found.second]),
        "measure": say(f"measure.{found.measure}"),
    }  # fmt: skip
    if found.p is None:
        return say("compare.one_seed", **values)
    values["p"] = f"{found.p:.2g}"
    if found.ratio is None or found.low is None or found.high is None:
        key = "compare.diverged" if found.is_clear else "compare.diverged.unclear"
        return say(key, lost=found.diverged[found.best], count=found.diverged[found.second], **values)
    values |= {"ratio": f"{found.ratio:.3g}", "low": f"{found.low:.3g}", "high": f"{found.high:.3g}",
               "percent": f"{100 * (1 - 1 / found.ratio):.2g}"}  # fmt: skip
    key = "equal" if found.equal else "wins" if found.is_clear else "unclear"
    return say(f"compare.{key}", **values)


def _outcome(found: Standing) -> tuple[int, bool, bool]:
    return found.best, found.is_clear, found.equal


def _otherwise(found: Standing, names: Sequence[str]) -> str:
    values = {"axis": say(f"axis_word.{found.axis}"), "best": names[found.best]}
    if found.equal:
        return say("compare.otherwise.equal", **values)
    if not found.is_clear or found.ratio is None:
        return say("compare.otherwise.unclear", **values)
    return say("compare.otherwise.one", times=f"{found.ratio:.3g}", **values)


def _place(found: Standing) -> str:
    return duration(found.at) if found.axis == "seconds" else number(float(f"{found.at:.4g}"))


def held(comparison: Comparison) -> str:
    """Return what all arms have in common, and in what they differ."""
    named = differences(comparison.arms)
    fixed = ", ".join(say(f"fixed.{name}") for name in held_fixed(comparison))
    return say("compare.held", fixed=fixed, differences=", ".join(label(name).lower() for name in named) or say("none"))


COLUMNS = ("arm", "state", "updates", "examples", "lr", "train", "validation", "accuracy", "seconds", "peak")


def table(comparison: Comparison, courses: Sequence[Course], names: Sequence[str]) -> str:
    """Return configurations and results as a table: means over the seeds, and from the lowest to the highest."""
    head = "".join(f"<th>{html.escape(say(f'compare.table.{name}'))}</th>" for name in COLUMNS)
    rows = []
    for name, course in zip(names, courses, strict=True):
        cells = _cells(name, course)
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    return f"<div class='wide'><table class='results'><tr>{head}</tr>{''.join(rows)}</table></div>"


def _cells(name: str, course: Course) -> list[str]:
    none = say("none")
    made = float(course.updates[-1]) if len(course.updates) else 0.0
    last = {key: values[-1] for key, values in course.checks.items() if len(values)}
    accuracy = last.get("validation_accuracy")
    return [
        name,
        say(f"compare.arm_state.{course.state}"),
        number(made),
        number(float(course.along(np.array([made]), "examples")[0])),
        f"{course.lr:.3g}",
        _range(course.final_loss),
        _range(last.get("validation_loss", np.zeros(0))),
        none if accuracy is None else _range(100 * accuracy, "{:.1f}%"),
        duration(course.planned * course.seconds_per_update) if course.seconds_per_update else none,
        mib(course.peak_bytes) if course.peak_bytes else none,
    ]


def _range(values: Floats, form: str = "{:.3g}") -> str:
    """Return the mean over the seeds that did not diverge, and from where to where they go."""
    good = values[np.isfinite(values)]
    if not len(good):
        return say("none")
    middle, low, high = (form.format(value) for value in (good.mean(), good.min(), good.max()))
    return middle if low == high else say("compare.table.range", middle=middle, low=low, high=high)
