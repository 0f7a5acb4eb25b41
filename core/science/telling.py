"""Format the numbers of a statistical test for people. No torch."""

from __future__ import annotations

from core.words.catalogue import Catalogue

MINUS = "\u2212"


def p_text(p: float | None, words: Catalogue) -> str:
    """Return a p-value with two significant digits, or with one if it is below 0.0001; "" for None."""
    return "" if p is None else words.formatted(p, ".2g" if p >= 0.0001 else ".0e")
