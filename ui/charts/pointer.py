"""Let the pointer read a line chart: the values of all series where it stands, and the range of the x axis.

The browser needs no server for either, and keeps a chosen range while the chart is refreshed.
"""

from __future__ import annotations

import altair as alt
import numpy as np
from numpy.typing import NDArray

from ui.charts.style import DATA, GREY, Rows, evenly, only

POINTER = "pointer"
MISSING = "\u2013"
Values = NDArray[np.float64]


def zooming(frame: alt.Chart) -> alt.Chart:
    """Let the wheel and a drag change the range of the x axis, and a double click restore it."""
    zoom = alt.selection_interval(name="zoom", bind="scales", encodings=["x"])
    zoomed: alt.Chart = frame.properties(name="frame").add_params(zoom)
    return zoomed


def pointer(x: alt.X, heading: tuple[str, str], *told: tuple[str, str]) -> alt.Chart:
    """Return invisible bands of full height; the one at the pointer is shaded and tells the values there.

    `heading` and `told` are the names of the values with their formats, in the order of `add_pointer`.
    """
    values = [f"split(datum.label, '|')[{number}]" for number in range(1 + len(told))]
    written = [
        f"format(toNumber({value}), '{form}')" for value, (_, form) in zip(values, (heading, *told), strict=True)
    ]
    lines = [f"'title': {heading[0] + ' '!r} + {written[0]}"]
    for (name, _), value, text in zip(told, values[1:], written[1:], strict=True):
        lines.append(f"{name!r}: {value} === '' ? '{MISSING}' : {text}")
    here = alt.selection_point(name="pointer", on="pointerover", clear="pointerout", empty=False)
    bands: alt.Chart = (
        alt.Chart(DATA)
        .mark_rect(color=GREY, clip=True)
        .encode(
            x,
            x2="exact:Q",
            y=alt.value(0),
            y2=alt.value("height"),
            opacity=alt.when(here).then(alt.value(0.18)).otherwise(alt.value(0)),
            tooltip=alt.value(alt.expr("{" + ", ".join(lines) + "}")),
        )
        .properties(name="pointer_bands")
        .add_params(here)
        .transform_filter(only(POINTER))
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
    labels = ["|".join("" if value != value else repr(value) for value in row) for row in zip(*columns, strict=True)]
    rows.add(series=POINTER, x=edges[:-1], exact=edges[1:], label=labels)


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
