"""Name each arm of a comparison as the user did, or by the settings that distinguish it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import count, zip_longest
from typing import Any

from core.comparison.setup import Comparison, differences, matched
from core.run.config import RunConfig
from ui.compare import described
from ui.compare.state import CompareState
from ui.shell.session import Session
from ui.shell.text import harmless, label, plain, say


def arm_names(arms: Sequence[RunConfig], given: Sequence[str] = (), *, is_tuned: bool = False) -> list[str]:
    """Return the given name of each arm, or one such as "Batch size 100". Arms with the same name are numbered."""
    settings = differences(arms, is_tuned=is_tuned) if len(arms) > 1 else ["batch_size"]
    columns = [_texts(name, [getattr(arm, name) for arm in arms], is_alone=len(settings) == 1) for name in settings]
    automatic = [reduce(_joined, texts) for texts in zip(*columns, strict=True)] or [say("compare.arm")] * len(arms)
    names = [
        str(harmless(name)) if name else usual
        for usual, name in zip_longest(automatic, given[: len(arms)], fillvalue="")
    ]
    single = {name for name in names if names.count(name) == 1}
    taken = set(names)
    return [name if name in single else _numbered(name, taken) for name in names]


def _numbered(name: str, taken: set[str]) -> str:
    """Return a name with the first number that makes it one of its own, and add it to those `taken`."""
    numbered = (say("compare.arm.alike", name=name, number=number) for number in count(1))
    free = next(each for each in numbered if each not in taken)
    taken.add(free)
    return free


def shown_names(session: Session, comparison: Comparison) -> list[str]:
    """Return the names of the arms of the shown comparison. A new name of an arm in the form counts for its curve."""
    given = [name for _, name in zip_longest(comparison.arms, comparison.names, fillvalue="")]
    arms = session.state(CompareState).arms or ()
    described_here, _ = described.wanted(session)
    configs = described_here.arms if described_here else [arm.config for arm in arms]
    for arm, place in zip(arms, matched(configs, comparison.arms), strict=True):
        if place is not None:
            given[place] = arm.name
    return arm_names(comparison.arms, given, is_tuned=comparison.is_tuned)


def _joined(first: str, second: str) -> str:
    return say("compare.arm.joined", first=first, second=second)


def _texts(setting: str, values: list[Any], *, is_alone: bool) -> list[str]:
    """Return the text of a setting in each arm. Rates have three digits if these distinguish them.

    Beside other settings, a schedule says no more than which one it is.
    """
    if setting == "schedule" and not is_alone:
        return [plain(value) for value in values]
    short = [float(f"{value:.3g}") for value in values] if setting == "lr" else values
    shown = short if len(set(short)) == len(set(values)) else values
    return [_text(setting, value) for value in shown]


def _text(setting: str, value: Any) -> str:
    if setting == "schedule_batch_size":
        return say("compare.own_horizon") if value is None else say("compare.other_horizon", size=plain(value))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return say("compare.arm.number" if is_number else "compare.arm.word", setting=label(setting), value=plain(value))
