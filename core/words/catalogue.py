"""Turn keys, codes and values into sentences, and numbers into text, in one language.

A language is a folder of TOML files next to this module, one file per feature. Each entry is one whole sentence; its
plural forms are entries of their own ("card.epochs.one", "card.epochs.other"), named as CLDR names them.
"""

from __future__ import annotations

import math
import os
import sys
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Literal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.numbers import NumberPattern, parse_pattern
from babel.units import format_unit

from core.words.units import MIB

ListStyle = Literal["standard", "standard-narrow"]

DEFAULT = "en"
RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
LARGE = 1e12  # a number from here on is written as a power of ten


class Catalogue:
    """All words of one language.

    Raises FileNotFoundError for a language without a folder, ValueError for a key that appears in two files.
    """

    def __init__(self, language: str = DEFAULT, *, folder: Path | None = None) -> None:
        self.language = language
        self.locale = _locale(language)
        self.entries = _read((folder or languages_folder()) / language)
        self._formatter = _Formatter(self)

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def say(self, key: str, **values: Any) -> str:
        """Return the sentence for a key, with its values. Raises KeyError for an unknown key or a missing value."""
        return self._formatter.vformat(self.entries[key], (), values)

    def count(self, key: str, count: float, **values: Any) -> str:
        """Return the sentence for a key in the plural form of a count; the entry may show it as {count:,}."""
        form = f"{key}.{self.locale.plural_form(count)}"
        return self.say(form if form in self.entries else f"{key}.other", count=count, **values)

    def explain(self, code: str, **values: Any) -> str:
        """Return the sentence for a code of the engine (`core.words.errors.Problem`, or why a run ended)."""
        return self.say(f"problem.{code}", **values)

    def listed(self, items: list[str], *, style: ListStyle = "standard") -> str:
        """Return items as a list in a sentence: "a, b, and c"; in a narrow style, as on a chart: "a, b, c"."""
        # Babel accepts every style of CLDR, but its annotation lacks the narrow one.
        return format_list(items, style=style, locale=self.locale)  # type: ignore[arg-type]

    def number(self, value: float) -> str:
        """Return a number with grouped digits, and at most six significant ones unless it is whole."""
        return self.formatted(value, ",.0f" if float(value).is_integer() else ",g")

    def rough(self, value: float) -> str:
        """Return a number with two significant digits, which is as much as a chart shows."""
        return self.number(float(f"{value:.2g}"))

    def percent(self, share: float, digits: int = 0) -> str:
        """Return a share of one in percent."""
        return str(_pattern(f"0.{'0' * digits}%" if digits else "0%").apply(share, self.locale))

    def times(self, ratio: float) -> str:
        """Return a ratio with three significant digits, or all digits of a whole number from 1,000 on."""
        return self.formatted(ratio, ".3g")

    def mib(self, size: float, digits: int = 2) -> str:
        """Return bytes in MiB; in KiB or bytes below a tenth of one, in GiB from 1,024 on."""
        size_mib = size / MIB
        if 0 < size < 1024:
            return f"{self.formatted(size, '.0f')} B"
        if 0 < size_mib < 0.1:
            return f"{self.formatted(1024 * size_mib, ',.1f')} KiB"
        if size_mib >= 1024:
            return f"{self.formatted(size_mib / 1024, ',.4g')} GiB"
        return f"{self.formatted(size_mib, ',.0f' if float(size_mib).is_integer() else f',.{digits}f')} MiB"

    def duration(self, seconds: float) -> str:
        """Return a time in at most two units: 28ms, 0.4s, 12s, 3m 5s, 2h 10m."""
        if 0 < seconds < 0.095:
            return self._unit(max(1, round(1_000 * seconds)), "millisecond")
        if seconds < 9.95:
            return self._unit(seconds, "second", digits="0.0")
        whole = round(seconds)
        if whole < 60:
            return self._unit(whole, "second")
        minutes, rest = divmod(whole, 60)
        if minutes < 60:
            return f"{self._unit(minutes, 'minute')} {self._unit(rest, 'second')}"
        hours, minutes = divmod(minutes, 60)
        return f"{self._unit(hours, 'hour')} {self._unit(minutes, 'minute')}"

    def loss(self, value: float) -> str:
        """Return a loss with three significant digits, as charts write it; NaN becomes words and infinity a sign."""
        if math.isnan(value):
            return self.say("number.nan")
        if math.isinf(value):
            return "\u221e" if value > 0 else "\u2212\u221e"
        return self.formatted(value + 0.0, ",.3g").replace("-", "\u2212")  # -0.0 is 0

    def date(self, day: date) -> str:
        """Return a date with its month in letters."""
        return format_date(day, "long", locale=self.locale)

    def time(self, moment: datetime) -> str:
        """Return the time of day of a moment, in hours and minutes of its own time zone."""
        return format_time(moment, "short", tzinfo=moment.tzinfo, locale=self.locale)

    def formatted(self, value: float | Decimal, spec: str) -> str:
        """Return a number as `format(value, spec)` does, with the signs of this language and without the letter e.

        Python chooses the digits; Babel groups them and writes the decimal sign. Where Python chooses a power of ten,
        a large number gets all its whole digits, 1,234 for 1.23e+03, and others a raised power, 2×10⁻⁵ for 2e-05.
        """
        digits, _, power = format(value, spec.replace(",", "")).partition("e")
        if power.startswith("+") and spec.endswith("g") and -LARGE < value < LARGE:
            return self.formatted(value, ",.0f")
        whole, _, fraction = digits.partition(".")
        if not (whole.lstrip("-") + fraction).isdigit():
            return digits
        pattern = _pattern(("#,##0" if "," in spec else "0") + ("." + "0" * len(fraction) if fraction else ""))
        text = str(pattern.apply(Decimal(digits), self.locale))
        if not power:
            return text
        factor = text.removesuffix("1") if text in {"1", "-1"} else f"{text}\u00d7"
        return f"{factor}10{str(int(power)).translate(RAISED)}"

    def _unit(self, value: float, unit: str, digits: str | None = None) -> str:
        return format_unit(value, unit, length="narrow", format=digits, locale=self.locale)


class _Formatter(Formatter):
    """Format like `str.format`, but write numbers as the language does."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return format(value, format_spec)
        return self._cut_short(value) if _is_huge(value) else self.catalogue.formatted(value, format_spec)

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return self._cut_short(value) if conversion and _is_huge(value) else super().convert_field(value, conversion)

    def _cut_short(self, value: float) -> str:
        return self.catalogue.formatted(Decimal(value).normalize(), ".12g")


@cache
def catalogue(language: str = DEFAULT) -> Catalogue:
    """Return the words of a language, read once."""
    return Catalogue(language)


def languages_folder() -> Path:
    """Return the folder of languages: BATCHLAB_WORDS, in which a translation can be tried, or the project's own."""
    return Path(os.environ.get("BATCHLAB_WORDS") or Path(__file__).parent)


def languages(folder: Path | None = None) -> list[str]:
    """Return the available languages."""
    folder = folder or languages_folder()
    return sorted(path.name for path in folder.iterdir() if any(path.glob("*.toml")))


def _read(folder: Path) -> Mapping[str, str]:
    if not folder.is_dir():
        raise FileNotFoundError(f"no words for the language {folder.name!r}: {folder} does not exist")
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        if twice := found.keys() & entries.keys():
            raise ValueError(f"{path.name} repeats {', '.join(sorted(twice))}")
        found |= entries
    return found


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language)
    except UnknownLocaleError:  # a pseudo-language such as en_XA uses the locale of its base language
        return Locale.parse(language.split("_")[0])


@cache
def _pattern(text: str) -> NumberPattern:
    return parse_pattern(text)


def _is_huge(value: Any) -> bool:
    """Return whether a value is an integer too large for a float."""
    return isinstance(value, int) and abs(value) > sys.float_info.max
