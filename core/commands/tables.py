"""Write a JSON object of numbers as a table that a person can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.words.catalogue import Catalogue


def table(values: Mapping[str, Any], words: Catalogue) -> str:
    """Return one line for each value, with nested values indented and bytes also in the unit of their size.

    The names are those of the JSON object.
    """
    rows = list(_rows(values, words))
    wide = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{wide}}  {text}".rstrip() for name, text in rows)


def _rows(values: Mapping[str, Any], words: Catalogue, *, indent: str = "", are_bytes: bool = False) -> Any:
    for name, value in values.items():
        sized = are_bytes or name.endswith("_bytes")
        if isinstance(value, Mapping):
            yield f"{indent}{name}", "" if value else words.say("command.table.none")
            yield from _rows(value, words, indent=f"{indent}  ", are_bytes=True)
        elif isinstance(value, bool) or value is None:
            key = {True: "yes", False: "no", None: "none"}[value]
            yield f"{indent}{name}", words.say(f"command.table.{key}")
        elif isinstance(value, int):
            size = f"  {words.mib(value):>16}" if sized else ""
            yield f"{indent}{name}", f"{words.number(value):>16}{size}"
        else:
            yield f"{indent}{name}", str(value)
