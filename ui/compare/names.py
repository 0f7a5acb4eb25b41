"""Name each arm of a comparison by the settings that distinguish it, in the language of the reader."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from core.comparison.setup import differences
from core.run.config import RunConfig
from ui.shell.text import label, plain, say


def arm_names(arms: Sequence[RunConfig], *, is_tuned: bool = False) -> list[str]:
    """Return a name for each arm, such as "Batch size 100". Arms with the same settings are numbered."""
    settings = differences(arms, is_tuned=is_tuned) if len(arms) > 1 else ["batch_size"]
    columns = [_texts(name, [getattr(arm, name) for arm in arms]) for name in settings]
    names = [reduce(_joined, texts) for texts in zip(*columns, strict=True)] or [say("compare.arm")] * len(arms)
    return [
        name if names.count(name) == 1 else say("compare.arm.alike", name=name, number=names[:count].count(name))
        for count, name in enumerate(names, 1)
    ]


def _joined(first: str, second: str) -> str:
    return say("compare.arm.joined", first=first, second=second)


def _texts(setting: str, values: list[Any]) -> list[str]:
    """Return the text of a setting in each arm. Rates have three digits if these distinguish them."""
    short = [float(f"{value:.3g}") for value in values] if setting == "lr" else values
    shown = short if len(set(short)) == len(set(values)) else values
    return [_text(setting, value) for value in shown]


def _text(setting: str, value: Any) -> str:
    if setting == "schedule_batch_size":
        return say("compare.own_horizon") if value is None else say("compare.other_horizon", size=plain(value))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return say("compare.arm.number" if is_number else "compare.arm.word", setting=label(setting), value=plain(value))
