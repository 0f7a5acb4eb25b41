"""Name the columns of a chart's table for those who read them under "Show data".

The functions of `ui.charts` use short codes in tables and specifications. Both get the names where they are drawn.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from ui.charts.style import FRAME, Say, Spec

UNREAD = ("labelExpr", "domain", "title")  # a label is the `datum` of the first; the others hold names of users


def columns(say: Say, **names: str) -> dict[str, str]:
    """Return the names of a table's columns: the given ones, and those that are the same in every chart."""
    return {name: say(f"column.{name}") for name in ("series", "row", "label", "exact", "order", "low", "high")} | names


def named(table: pa.Table, made: Spec) -> pa.Table:
    """Return a chart's table with the names that its specification has for the columns."""
    columns: dict[str, str] = made["usermeta"]["columns"]
    return table.rename_columns([columns.get(name, name) for name in table.column_names])


def with_names(made: Spec) -> Spec:
    """Return a chart's specification as it reads each column by its name."""
    columns: dict[str, str] = made["usermeta"]["columns"]
    if not columns:
        return made

    def renamed(part: Any, key: str = "") -> Any:
        if isinstance(part, dict):
            return {name: renamed(inner, name) for name, inner in part.items()}
        if isinstance(part, list):
            return [renamed(inner, key) for inner in part]
        if not isinstance(part, str) or key in UNREAD:
            return part
        if key == "field":
            return re.sub(r"([.\\\[\]'\"])", r"\\\1", columns.get(part, part))
        return re.sub(r"\bdatum\.(\w+)", lambda found: f"datum[{columns.get(found[1], found[1])!r}]", part)

    words: Spec = renamed(made)
    for layer, before in zip(words["layer"], made["layer"], strict=True):
        if layer.get("name") == FRAME:  # the signal of a selection has the name of the field
            for axis in made["params"][0]["select"]["encodings"]:
                layer["encoding"][axis]["field"] = axis
                named_so = columns.get(before["encoding"][axis]["field"], axis)
                layer["transform"].append({"calculate": f"datum[{named_so!r}]", "as": axis})
    return words
