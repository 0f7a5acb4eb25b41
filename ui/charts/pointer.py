"""Let the pointer read a line chart: the values of all series where it stands, and the range of the x axis.

The browser needs no server for either, and keeps a chosen range while the chart is refreshed.
"""

from __future__ import annotations

from typing import Any, Literal

import altair as alt
import numpy as np
from numpy.typing import NDArray

from ui.charts.style import DATA, FRAME, GREY, HOVERED, ZOOM, Rows, evenly, only, written

POINTER = "pointer"
MISSING = "\u2013"
Values = NDArray[np.float64]


def zooming(frame: alt.Chart, *axes: Literal["x", "y"]) -> alt.Chart:
    """Let the wheel and a drag change the range of the axes (by default x), and a double click restore it."""
    zoom = alt.selection_interval(name=ZOOM, bind="scales", encodings=list(axes or ("x",)))
    zoomed: alt.Chart = frame.properties(name=FRAME).add_params(zoom)
    return zoomed


def told(*lines: tuple[str, str, str], title: str = "") -> Any:
    """Return the tooltip of a mark: for each line its name, the expression of its number, and a format or nothing.

    `title` is the expression of a text.
    """
    written_out = [f"'title': {title}"] if title else []
    for name, value, form in lines:
        written_out.append(f"{_plain(name)!r}: isValid({value}) ? ({written(value, form)}) : '{MISSING}'")
    return alt.value(alt.expr("{" + ", ".join(written_out) + "}"))


def _plain(name: str) -> str:
    """Return a name as a key of a tooltip: one that Vega or `ui.charts.columns` would read is told apart, invisibly."""
    return f"{name}\u200b" if name in ("title", "image") else name.replace("datum.", "datum\u200b.")


def pointer(heading: tuple[str, str], *values: tuple[str, str]) -> alt.Chart:
    """Return invisible bands of full height; the one at the pointer is shaded and tells the values there.

    `heading` and `values` are the names of the values with their formats, in the order of `add_pointer`.
    """
    numbers = {f"p{number}": f"toNumber(split(datum.label, '|')[{number}])" for number in range(1 + len(values))}
    (place, *others), (name, form) = [f"datum.{number}" for number in numbers], heading
    title = f"{name + ' '!r} + ({written(place, form)})"
    lines = [(name, number, form) for (name, form), number in zip(values, others, strict=True)]
    here = alt.selection_point(name="pointer", on="pointerover", clear="pointerout", empty=False)
    bands: alt.Chart = (
        alt.Chart(DATA)
        .mark_rect(color=GREY, clip=True)
        .encode(
            x=alt.value(alt.expr("scale('x', datum.x)")),  # a field would widen the axis
            x2=alt.value(alt.expr("scale('x', datum.exact)")),
            y=alt.value(0),
            y2=alt.value("height"),
            opacity=alt.when(here).then(alt.value(0.18)).otherwise(alt.value(0)),
            tooltip=told(*lines, title=title),
        )
        .properties(name="pointer_bands")
        .add_params(here)
        .transform_filter(only(POINTER))
        .transform_calculate(**numbers)  # the tooltip has each of them ten times
    )
    return bands


def add_pointer(rows: Rows, places: Values, *values: Values) -> None:
    """Add the bands of `pointer` around an even choice of places, to a table with the columns x, exact and label.

    A value that is NaN is told as missing.
    """
    if not len(places):
        return
    chosen = evenly(len(places))
    at = places[chosen]
    between = (at[1:] + at[:-1]) / 2
    reach = at[-1] - between[-1] if len(between) else at[-1] / 2
    edges = np.concatenate(([at[0] - min(reach, at[0] / 2)], between, [at[-1] + reach]))
    columns = [column[chosen].tolist() for column in (places, *values)]
    texts = [["" if value != value else f"{value:.12g}" for value in column] for column in columns]
    rows.add(series=POINTER, x=edges[:-1], exact=edges[1:], label=["|".join(row) for row in zip(*texts, strict=True)])


def spread(updates: int, *, log: bool = False) -> NDArray[np.int64]:
    """Return the numbers, from 1, of the updates at which the pointer reads a run, even on the axis."""
    if log and updates > HOVERED:
        return np.unique(np.geomspace(1, updates, HOVERED).round().astype(np.int64))
    return evenly(updates) + 1


def nearest(places: Values, values: Values, at: Values) -> Values:
    """Return for each position the value at the nearest of a line's places; NaN beyond the line's ends."""
    if not len(places):
        return np.full(len(at), np.nan)
    after = np.searchsorted(places, at).clip(0, len(places) - 1)
    before = (after - 1).clip(0)
    closest = np.where(at - places[before] <= places[after] - at, before, after)
    found: Values = np.where((at < places[0]) | (at > places[-1]), np.nan, values[closest])
    return found


def latest(places: Values, values: Values, at: Values) -> Values:
    """Return for each position the last value at or before it; NaN before the first."""
    number = np.searchsorted(places, at, side="right") - 1
    found: Values = np.where(number < 0, np.nan, values[number.clip(0)]) if len(places) else np.full(len(at), np.nan)
    return found
