"""Write the numbers of a test as people read them, for claims and schedules alike. No torch."""

from __future__ import annotations


def p_text(p: float | None) -> str:
    """Return a p-value with two significant digits, or one below 0.0001; nothing for None."""
    return "" if p is None else f"{p:.2g}" if p >= 0.0001 else f"{p:.0e}"
