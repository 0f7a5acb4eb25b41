"""Say what a key or a code means in the language of the reader, and write numbers as people read them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from core.run.fields import FIELD_SPECS
from core.words.catalogue import DEFAULT, Catalogue, ListStyle, catalogue
from core.words.errors import Problem

LONGEST = 200  # characters of a value in a sentence
# Full-width twins of the signs of Markdown. An escaped sign would show its backslash inside quotation marks.
FULL_WIDTH = {sign: chr(ord(sign) + 0xFEE0) for sign in "[]<>`*$~|"}
MARKDOWN = re.compile("[" + re.escape("".join(FULL_WIDTH)) + "]")
# Sentences that show names as they are written in a URL, a path or an error.
AS_WRITTEN = {
    "unknown_field",
    "misspelt_field",
    "store_corrupt",
    "store_unavailable",
    "store_newer",
    "recording_damaged",
    "error",
}
# A setting that opens a sentence, or a name inside a sentence that no English word looks like.
SETTING = re.compile(
    "^(" + "|".join(FIELD_SPECS) + r")\b|\b(lr|" + "|".join(name for name in FIELD_SPECS if "_" in name) + r")\b"
)


def language() -> str:
    """Return the language that the pages are shown in."""
    return os.environ.get("BATCHLAB_LANGUAGE") or DEFAULT


def words() -> Catalogue:
    """Return the words of the reader's language."""
    return catalogue(language())


def say(key: str, **values: Any) -> str:
    """Return the sentence for a key. Raises KeyError for an unknown key or a missing value."""
    return words().say(key, **values)


def count(key: str, count: float, **values: Any) -> str:
    """Return the sentence for a key in the plural form of a count."""
    return words().count(key, count, **values)


def explain(code: str, values: Mapping[str, Any]) -> str:
    """Return the sentence for a code of the engine, with settings called by their names on the screen.

    Where the screen has a sentence of its own ("problem.<code>.screen"), its whole numbers are bytes and shown in MiB.
    """
    if f"problem.{code}.screen" in words():
        return say(
            f"problem.{code}.screen",
            **{name: mib(value) if isinstance(value, int) else value for name, value in values.items()},
        )
    text = _sentence(Problem(code, values))
    return text[0].upper() + text[1:]


def _sentence(problem: Problem) -> str:
    """Return the sentence for a problem, and for those among its values, without a capital letter."""
    values = {
        name: _sentence(value) if isinstance(value, Problem) else harmless(value)
        for name, value in problem.values.items()
    }
    text = words().explain(problem.code, **values)
    if problem.code in AS_WRITTEN:
        return text
    return SETTING.sub(lambda name: setting(name[0]), text)


def harmless(value: Any) -> Any:
    """Return a text that may come from a URL, cut short and without Markdown: no link, picture or colour."""
    if not isinstance(value, str):
        return value
    short = value if len(value) <= LONGEST else f"{value[:LONGEST]}\u2026"
    return MARKDOWN.sub(lambda sign: FULL_WIDTH[sign[0]], short)


def setting(name: str, *, budget: str | None = None) -> str:
    """Return the name of a setting inside a sentence; that of a budget's value is the unit of the `budget`."""
    return say(f"setting.{name}.{budget}" if budget and name == "budget_value" else f"setting.{name}")


def label(name: str) -> str:
    """Return the name of a setting in front of its value."""
    key = f"label.{name}"
    return say(key if key in words() else f"form.{name}")


def listed(items: list[str], *, style: ListStyle = "standard") -> str:
    """Return items as a list in a sentence: "a, b, and c"; in a narrow style, as on a chart: "a, b, c"."""
    return words().listed(items, style=style)


def coloured(sign: str, colour: str) -> str:
    """Return a sign in a colour of the charts, as HTML in Markdown."""
    return f"<span style='color:{colour}'>{sign}</span>"


def number(value: float) -> str:
    """Return a number with grouped digits, and at most six significant ones unless it is whole."""
    return words().number(value)


def rough(value: float) -> str:
    """Return a number with two significant digits, which is as much as a chart shows."""
    return words().rough(value)


def plain(value: Any) -> str:
    """Return the value of a setting as it reads inside a sentence."""
    if value is None:
        return say("none")
    if isinstance(value, bool):
        return say("switch.on" if value else "switch.off")
    if isinstance(value, list | tuple):
        return "-".join(map(str, value))
    return number(value) if isinstance(value, int | float) else str(value)


def mib(size: float, digits: int = 2) -> str:
    """Return bytes in MiB; in KiB or bytes below a tenth of one, in GiB from 1,024 on."""
    return words().mib(size, digits)


def duration(seconds: float) -> str:
    """Return a time in at most two units: 28ms, 0.4s, 12s, 3m 5s, 2h 10m."""
    return words().duration(seconds)


def times(ratio: float) -> str:
    """Return a ratio with three significant digits, or all digits of a whole number from 1,000 on."""
    return words().times(ratio)


def percent(share: float, digits: int = 0) -> str:
    """Return a share of one in percent."""
    return words().percent(share, digits)


def day(date: date) -> str:
    """Return a date with its month in letters."""
    return words().date(date)


def loss_text(value: float) -> str:
    """Return a loss with three significant digits; NaN becomes words and infinity a sign."""
    return words().loss(value)
