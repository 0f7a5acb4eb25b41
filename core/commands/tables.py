"""Write a JSON object of numbers as a table that a person can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.words.units import MIB


def table(values: Mapping[str, Any]) -> str:
    """Return one line for each value, those within an object indented; bytes with their MiB beside them."""
    rows = list(_rows(values))
    wide = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{wide}}  {text}".rstrip() for name, text in rows)


def _rows(values: Mapping[str, Any], *, indent: str = "", are_bytes: bool = False) -> Any:
    for name, value in values.items():
        sized = are_bytes or name.endswith("_bytes")
        if isinstance(value, Mapping):
            yield f"{indent}{name}", "" if value else "none"
            yield from _rows(value, indent=f"{indent}  ", are_bytes=True)
        elif isinstance(value, bool) or value is None:
            yield f"{indent}{name}", {True: "yes", False: "no", None: "none"}[value]
        elif isinstance(value, int):
            yield f"{indent}{name}", f"{value:>16,}" + (f"  {value / MIB:>12,.2f} MiB" if sized else "")
        else:
            yield f"{indent}{name}", str(value)
