"""Say what a key or a code means, and write numbers as people read them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from core.run.config import FIELDS
from core.words.messages import sentence
from ui.shell.english import ENGLISH

LANGUAGE = "en"
MIB = 2**20
LARGE = 1e12  # from here on a loss is written as a power
LONGEST = 200  # characters of a value in a sentence
# As their full-width twins: a backslash before them would be shown where a value stands in quotation marks.
FULL_WIDTH = {sign: chr(ord(sign) + 0xFEE0) for sign in "[]<>`*$~|"}
MARKDOWN = re.compile("[" + re.escape("".join(FULL_WIDTH)) + "]")
AS_WRITTEN = {"unknown_field", "store_corrupt", "store_unavailable", "store_newer", "recording_damaged", "error"}
SETTING = re.compile(
    "^(" + "|".join(FIELDS) + r")\b|\b(lr|" + "|".join(name for name in FIELDS if "_" in name) + r")\b"
)


def say(key: str, **values: Any) -> str:
    """Return the words for a key. Raises KeyError for an unknown key or a missing value."""
    return ENGLISH[key].format(**values)


def explain(code: str, values: Mapping[str, Any]) -> str:
    """Return the sentence for a code of the engine: settings by their labels, bytes as MiB where it is the screen's."""
    if code in ENGLISH:
        return say(code, **{name: mib(value) if isinstance(value, int) else value for name, value in values.items()})
    text = sentence(code, **{name: harmless(value) for name, value in values.items()})
    if code not in AS_WRITTEN:
        text = SETTING.sub(lambda name: label(name[0])[0].lower() + label(name[0])[1:], text)
    return text[0].upper() + text[1:]


def harmless(value: Any) -> Any:
    """Return a text that may come from an address, short and without Markdown: no link, picture or colour."""
    if not isinstance(value, str):
        return value
    short = value if len(value) <= LONGEST else f"{value[:LONGEST]}\u2026"
    return MARKDOWN.sub(lambda sign: FULL_WIDTH[sign[0]], short)


def label(setting: str) -> str:
    """Return what a setting is called on the screen."""
    return ENGLISH.get(f"setting.{setting}") or say(f"form.{setting}")


def coloured(sign: str, colour: str) -> str:
    """Return a sign in a colour of the charts, as HTML in Markdown."""
    return f"<span style='color:{colour}'>{sign}</span>"


def number(value: float) -> str:
    """Return a number with thousands separators and no more digits than it has."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,g}"


def rough(value: float) -> str:
    """Return a number with two significant digits: what a chart shows anyway."""
    return number(float(f"{value:.2g}"))


def plain(value: Any) -> str:
    """Return a setting's value as it is written in the form."""
    if value is None:
        return say("none")
    if isinstance(value, list | tuple):
        return "-".join(map(str, value))
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def mib(size: float, digits: int = 2) -> str:
    """Return bytes in MiB; in KiB or bytes below a tenth of one, in GiB from 1,024 on."""
    size_mib = size / MIB
    if 0 < size < 1024:
        return f"{size:.0f} B"
    if 0 < size_mib < 0.1:
        return f"{1024 * size_mib:,.1f} KiB"
    if size_mib >= 1024:
        return f"{size_mib / 1024:,.4g} GiB"
    return f"{number(size_mib) if float(size_mib).is_integer() else f'{size_mib:,.{digits}f}'} MiB"


def duration(seconds: float) -> str:
    """Return a time as a person says it: 28 ms, 0.4 s, 12 s, 3 min 5 s, 2 h 10 min."""
    if 0 < seconds < 0.095:
        return f"{max(1, round(1_000 * seconds))} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{number(hours)} h {minutes} min"


def times(ratio: float) -> str:
    """Return how many times as much something is, with three digits or all of a whole number's."""
    return f"{ratio:,.0f}" if ratio >= 999.5 else f"{ratio:.3g}"


def loss_text(value: float) -> str:
    """Return a loss with three significant digits; in words or as a sign where it has none."""
    if math.isnan(value):
        return "no number"
    if math.isinf(value):
        return "\u221e" if value > 0 else "\u2212\u221e"
    value += 0.0  # -0.0 is 0
    readable = 999.5 <= abs(value) < LARGE  # 999.7 would be 1e+03
    text = f"{value:,.0f}" if readable else f"{value:,.3g}"
    return text.replace("-", "\u2212", 1) if value < 0 else text
