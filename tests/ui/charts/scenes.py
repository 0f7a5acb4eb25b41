"""Let Vega lay a chart out without a browser, and measure its texts and lines."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import vl_convert

from ui.charts.style import Spec

VERSION = "6.4"  # the Vega-Lite of Streamlit
WIDE, PHONE = 760, 330  # pixels of a chart on a laptop and on a phone
LETTER = 0.5  # mean width of a letter in the font of the pages, as a share of its size
EDGE = 2  # pixels: a line that touches no more of a text than this does not strike it through
ALIGN = {"left": 0.0, "center": 0.5, "right": 1.0}
BASELINE = {"top": 0.0, "middle": 0.5, "bottom": 1.0, "alphabetic": 0.8}


@dataclass(frozen=True)
class Box:
    """The place of a text, in pixels from the upper left corner of the plot."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    role: str
    size: float
    colour: str
    ends_early: bool = False  # its limit cuts it


@dataclass(frozen=True)
class Stroke:
    """A rule, or a piece of a line, from one place to another."""

    start: tuple[float, float]
    end: tuple[float, float]

    def crosses(self, box: Box) -> bool:
        """Return whether it strikes a text through."""
        first, last = 0.0, 1.0  # the share of the stroke that lies within the box
        sides = (box.left + EDGE, box.right - EDGE), (box.top + EDGE, box.bottom - EDGE)
        for start, end, (low, high) in zip(self.start, self.end, sides, strict=True):
            if start == end:
                if not low < start < high:
                    return False
                continue
            enters, leaves = sorted(((low - start) / (end - start), (high - start) / (end - start)))
            first, last = max(first, enters), min(last, leaves)
        return first < last


@dataclass(frozen=True)
class Scene:
    """What a chart draws."""

    texts: list[Box]
    strokes: list[Stroke]
    plot: tuple[float, float]
    picture: tuple[float, float, float, float]

    def of(self, role: str) -> list[str]:
        """Return the visible texts of a role, such as "mark" or "axis-label"."""
        return [box.text for box in self.texts if box.role == role]

    def struck(self) -> list[str]:
        """Return the labels within and around the plot that a line strikes through."""
        labels = [box for box in self.texts if box.role == "mark"]
        return [box.text for box in labels if any(stroke.crosses(box) for stroke in self.strokes)]

    def cut(self) -> list[str]:
        """Return the labels that reach beyond the picture; Vega makes room for those of axes and legends itself."""
        left, right, top, bottom = self.picture
        return [
            box.text
            for box in self.texts
            if box.role == "mark"
            and (box.left < left or box.right > right or box.top < top - EDGE or box.bottom > bottom + EDGE)
        ]


def scene(spec: Spec, table: pa.Table, *, width: int = WIDE) -> Scene:
    """Return the scene of a chart whose specification takes its data from `table`."""
    config = spec["config"] | {"autosize": {"type": "fit", "contains": "padding"}}
    drawn = spec | {"width": width, "config": config, "data": {"name": "d"}, "datasets": {"d": _rows(table)}}
    found = vl_convert.vegalite_to_scenegraph(drawn, vl_version=VERSION)
    texts: list[Box] = []
    strokes: list[Stroke] = []
    for mark, item, x, y in _items(found["scenegraph"], 0.0, 0.0):
        if item.get("opacity", 1) == 0:
            continue
        if mark["marktype"] == "text" and item.get("text") and item.get("fillOpacity", 1):
            texts.append(_box(item, x, y, mark["role"]))
        elif mark["role"] == "mark" and mark["marktype"] in ("rule", "line"):
            strokes += _strokes(mark, item, x, y)
    picture = -math.inf, math.inf, -math.inf, math.inf  # unknown if a layer of lines has none
    if None not in found["origin"]:
        left, top = (-each for each in found["origin"])
        picture = left, left + found["width"], top, top + found["height"]
    return Scene(texts, strokes, _plot(found["scenegraph"]), picture)


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows of a table as they reach the browser: a missing number is null."""
    return [
        {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
        for row in table.to_pylist()
    ]


def _items(mark: dict[str, Any], x: float, y: float) -> Iterator[tuple[dict[str, Any], dict[str, Any], float, float]]:
    for item in mark.get("items", []):
        if mark["marktype"] == "group":
            for inner in item.get("items", []):
                yield from _items(inner, x + (item.get("x") or 0), y + (item.get("y") or 0))
        else:
            yield mark, item, x, y


def _box(item: dict[str, Any], x: float, y: float, role: str) -> Box:
    text, size, colour = item["text"], item.get("fontSize", 11), item.get("fill", "")
    lines = text if isinstance(text, list) else text.split("\n") if item.get("lineBreak") else [str(text)]
    wide = LETTER * size * max(map(len, lines))
    limit = item.get("limit") or wide
    wide, ends_early = min(wide, limit), wide > limit
    high = size + (len(lines) - 1) * (item.get("lineHeight") or size + 2)
    align, baseline = ALIGN[item.get("align", "left")], BASELINE[item.get("baseline", "alphabetic")]
    if len(lines) > 1 and item.get("baseline") == "bottom":
        baseline = size / high  # Vega puts the first line there, and the others below
    across, down = ((item.get(name) or 0) + item.get(f"d{name}", 0) for name in "xy")
    if item.get("angle"):  # the title of a y axis
        return Box(
            lines[0], x + across - high, x + across + high, y + down - wide / 2, y + down + wide / 2, role, size, colour
        )
    left, top = x + across - align * wide, y + down - baseline * high
    return Box(" ".join(lines), left, left + wide, top, top + high, role, size, colour, ends_early)


def _strokes(mark: dict[str, Any], item: dict[str, Any], x: float, y: float) -> list[Stroke]:
    if mark["marktype"] == "rule":
        start = item.get("x") or 0, item.get("y") or 0
        end = item.get("x2", start[0]), item.get("y2", start[1])
        return [Stroke((x + start[0], y + start[1]), (x + end[0], y + end[1]))]
    if item is not mark["items"][0]:
        return []
    points = [(x + (each.get("x") or 0), y + (each.get("y") or 0)) for each in mark["items"]]
    return [Stroke(start, end) for start, end in zip(points, points[1:], strict=False)]


def _plot(root: dict[str, Any]) -> tuple[float, float]:
    (group,) = root["items"]
    return group.get("width", 0.0), group.get("height", 0.0)


def powers(labels: list[str]) -> bool:
    """Return whether all labels of an axis are 1, 10, 100, ... or 0.1, 0.01, ..."""
    return bool(labels) and all(re.fullmatch(r"0\.0*1|1[0,]*", label) for label in labels)
