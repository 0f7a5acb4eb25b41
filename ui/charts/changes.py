"""Mark where the settings of a run were changed: a thin dashed rule with the changes next to its top."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np

from core.store.reader import Axis, RunReader
from ui.charts.style import DATA, GREY, Rows, label, only

CHANGE, RIGHT, LEFT = "change", "change_right", "change_left"  # the label stands on the side that has room
LETTER = 0.02  # approximate width of a letter, as a share of the axis of a narrow chart
LINE = 14  # pixels between two lines of labels

Marks = Sequence[tuple[int, str]]  # after how many updates, and the label of the change


def change_layers(x: alt.X) -> list[alt.Chart]:
    """Return the layers that draw the marks of the table."""
    base, top = alt.Chart(DATA).encode(x), alt.value(alt.expr("datum.value"))
    rule = base.mark_rule(color=GREY, strokeDash=[5, 4], strokeWidth=1.2, tooltip=None)
    rule = rule.encode(y=top, y2=alt.value("height")).transform_filter(only(CHANGE))
    words = base.encode(y=top)
    right = label(words, RIGHT, align="left", baseline="top", dx=4)
    return [rule, *right, *label(words, LEFT, align="right", baseline="top", dx=-4)]


def add_changes(
    rows: Rows,
    marks: Marks,
    reader: RunReader | None,
    *,
    end: float,
    top: int,
    lines: int,
    x: Axis = "updates",
    after: bool = True,
    log_from: float | None = None,
) -> None:
    """Add a mark for each change. Each rule begins next to its own label, so it crosses no other.

    The axis ends at `end`; a logarithmic one begins at `log_from`. There are at most `lines` lines of labels, the first
    of them `top` pixels below the top. If the changes need more room, only the newest have a label. `after` puts a
    label to the right of its rule where both sides have room.
    """
    if not marks or reader is None:
        return
    marks = [mark for mark in marks if mark[0] <= reader.updates]
    places = reader.places(np.array([updates for updates, _ in marks], dtype=np.int64), x)
    shares = (np.log(places / log_from) / np.log(end / log_from) if log_from else places / end).tolist()
    widths = [LETTER * len(text) for _, text in marks]
    for first in range(len(marks) + 1):
        labelled = _lines(shares[first:], widths[first:], after=after)
        if max((line for _, line in labelled), default=0) < lines:
            break
    for place in places[:first].tolist():
        rows.add(series=CHANGE, x=place, value=0.0)
    for place, (_, text), (side, line) in zip(places[first:].tolist(), marks[first:], labelled, strict=True):
        pixels = float(top + LINE * line)
        rows.add(series=CHANGE, x=place, value=pixels)
        rows.add(series=side, x=place, value=pixels, label=text)


def _lines(places: Sequence[float], widths: Sequence[float], *, after: bool) -> list[tuple[str, int]]:
    """Return the side of its rule and the line of each label; places and widths are shares of the axis.

    A label on the right may reach over later rules, whose labels begin lower; one on the left over earlier rules.
    """
    lines = [0] * len(places)
    right = [each for each, at in enumerate(places) if _is_right(at, widths[each], after=after)]
    left = [each for each in reversed(range(len(places))) if each not in right]
    for side in (right, left):
        for number, each in enumerate(side):
            over = [lines[other] for other in side[:number] if abs(places[other] - places[each]) < widths[other]]
            lines[each] = max(over, default=-1) + 1
    reached = max((places[each] + widths[each] for each in right), default=0.0)
    if any(places[each] - widths[each] < reached for each in left):
        below = max((lines[each] for each in right), default=-1) + 1
        for each in left:
            lines[each] += below
    return [(RIGHT if each in right else LEFT, line) for each, line in enumerate(lines)]


def _is_right(place: float, width: float, *, after: bool) -> bool:
    fits_after, fits_before = place + width <= 1, place >= width
    if fits_after and fits_before:
        return after
    return fits_after or (not fits_before and place < 0.5)
