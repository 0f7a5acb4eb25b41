"""Draw the arms of a comparison over each other: the median of the seeds, and a band that holds them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa

from core.comparison.course import Axis, Course, Floats
from core.words.units import MIB
from ui.charts.columns import columns
from ui.charts.memory import units
from ui.charts.pointer import add_pointer, nearest, pointer, zooming
from ui.charts.reach import step
from ui.charts.style import (
    ALARM,
    ANY,
    BLUE,
    DATA,
    EXTENT,
    GREY,
    LIMIT_COLOUR,
    PLACE,
    TEAL,
    Rows,
    Say,
    Spec,
    held_open,
    label,
    linear,
    logarithmic,
    only,
    spec,
    title_from_data,
)
from ui.charts.style import TITLE as X_TITLE

ARM_COLOURS = (BLUE, "#d9730d", TEAL, "#c2255c", "#2f9e44", GREY)  # the first two are A and B on every page
ARM_DASHES = ([1, 0], [7, 3], [2, 2], [8, 3, 2, 3], [4, 2], [1, 3])
ARM_SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down")
NAMES = ("", "", *"ABCDEF")  # a title, a line of settings, and the names of the arms
BAND, LINE = "band", "line"
LINE_HEIGHT = 17  # pixels of a line of the legend
SYMBOL = 24  # pixels of its symbol, with the space after it
ROOM = 1.1
EMPTY = (0.1, 1.0)  # the range of an axis without values


def compare_logarithmic(say: Say, names: Sequence[str] = NAMES) -> Spec:
    """Draw one figure of all arms on a logarithmic axis, which leaves out values that are not above 0.

    `names` are the title, a line of settings, and the names of the arms.
    """
    return _course(say, names, is_logarithmic=True)


def compare_linear(say: Say, names: Sequence[str] = NAMES) -> Spec:
    """Draw one figure of all arms on a linear axis; `names` as in `compare_logarithmic`."""
    return _course(say, names, is_logarithmic=False)


def _course(say: Say, names: Sequence[str], *, is_logarithmic: bool) -> Spec:
    title, _, *arms = names
    y = alt.Y("value:Q", title=None)
    y = logarithmic(y) if is_logarithmic else linear(y, ticks=5, zero=False)
    x = linear(alt.X("x:Q", title=PLACE), ticks=5, nice=False)
    key = legend()
    colour = alt.Color("row:N", legend=key).scale(domain=arms, range=list(ARM_COLOURS[: len(arms)]))
    dash = alt.StrokeDash("row:N", legend=key).scale(domain=arms, range=list(ARM_DASHES[: len(arms)]))
    base = alt.Chart(DATA).encode(x, y, colour)
    low = alt.Y("low:Q", title=None)
    band = base.mark_area(opacity=0.18, tooltip=None, clip=True).encode(y=low, y2="high:Q")
    line = base.mark_line(strokeWidth=2.2, tooltip=None, clip=True).encode(dash)
    layers = [
        zooming(held_open(x, y)),
        pointer((say("axis.x"), ANY), *((name, "") for name in arms)),
        band.transform_filter(only(BAND)),
        line.transform_filter(only(LINE)),
        title_from_data(),
    ]
    seen = {"value": say("axis.median"), "low": say("axis.lowest"), "high": say("axis.highest")}
    return _panel(
        layers,
        names,
        columns(say, row=say("axis.arm"), x=say("column.x"), **{code: f"{title}, {of}" for code, of in seen.items()}),
    )


def _panel(layers: Sequence[alt.Chart], names: Sequence[str], named: Mapping[str, str]) -> Spec:
    title, settings, *arms = names
    height = 190 + LINE_HEIGHT * (len(arms) + 1)  # the plot with its axis, and a line for the settings and each arm
    return spec(alt.layer(*layers), height=height, title=title, subtitle=settings, columns=named)


def legend(**symbols: Any) -> alt.Legend:
    """Return a legend with a line for each arm, so that it goes along in full screen and in a picture."""
    looks: dict[str, Any] = {"symbolType": "stroke", "symbolSize": 300, "symbolStrokeWidth": 2.5, "offset": 6} | symbols
    return alt.Legend(
        title=None,
        orient="top",
        columns=1,
        labelLimit=alt.expr(f"width - {SYMBOL}"),
        rowPadding=1,
        padding=0,
        symbolOpacity=1,
        **looks,
    )


def heading(name: str, courses: Sequence[Course], say: Callable[..., str]) -> str:
    """Return what the chart of one of FIGURES shows."""
    return say(f"compare.chart.{courses[0].measure if name == JUDGED else name}")


JUDGED = "judged"  # the loss above the optimum where the optimum is known, else the training loss
FIGURES = ("loss", JUDGED, "validation_loss", "rate", "gradient_norm", "update_length", "angle")
LINEAR = ("rate", "angle")  # the others are drawn on a logarithmic axis


def comparison_table(
    name: str, courses: Sequence[Course], names: Sequence[str], say: Callable[..., str], *, axis: Axis
) -> pa.Table:
    """Return the columns of one of FIGURES: series, row (arm), label, x, value (the median), low, high and exact."""
    rows = Rows("series", "row", "label", "x", "value", "low", "high", "exact")
    shown = courses[0].measure if name == JUDGED else name
    unit = say(f"axis.{axis}")
    planned, reached, lowest = 0.0, 0.0, np.inf
    lines: list[tuple[Floats, Floats]] = []
    for arm, course in zip(names, courses, strict=True):
        if course.planned:
            planned = max(planned, float(course.along(np.array([float(course.planned)]), axis)[0]))
        x, values = _points(shown, course, axis)
        seen = np.where(values > 0, values, np.nan) if name not in LINEAR else values
        some = np.isfinite(seen).any(axis=1)
        x, seen = x[some], seen[some]
        if not len(x):
            lines.append((x, x))
            continue
        reached = max(reached, float(x[-1]))
        median, low, high = np.nanmedian(seen, axis=1), np.nanmin(seen, axis=1), np.nanmax(seen, axis=1)
        lowest = min(lowest, float(low.min()))
        lines.append((x, median))
        rows.add(series=LINE, row=arm, label=unit, x=x, value=median, low=low, high=high)
        rows.add(series=BAND, row=arm, x=x, low=low, high=high, value=median)
    at = np.unique(np.concatenate([x for x, _ in lines])) if lines else np.zeros(0)
    add_pointer(rows, at, *(nearest(*line, at) for line in lines))
    held = [lowest, lowest] if np.isfinite(lowest) else list(EMPTY)
    end = max(reached, min(step(reached), planned)) if reached else planned or 1.0
    rows.add(series=EXTENT, x=[0.0, end], value=held)
    rows.add(series=X_TITLE, label=unit)
    return rows.table()


def _points(series: str, course: Course, axis: Axis) -> tuple[Floats, Floats]:
    """Return the positions of a series' points on an axis, and their values (points, seeds)."""
    if series == "rate":
        return course.along(course.updates - 1, axis), course.rate[:, None]  # an update with that rate begins there
    if series in course.checks:
        return course.along(course.checked, axis), course.checks[series]
    if series not in course.series:
        return np.zeros(0), np.zeros((0, 1))
    return course.along(course.updates, axis), course.series[series]


def compare_memory(say: Say, names: Sequence[str] = NAMES) -> Spec:
    """Draw the peak memory of each arm as a bar, and the limit of the simulated device; `names` as in the others."""
    _, _, *arms = names
    x = units.axis(alt.X("value:Q", title=say("axis.peak")).scale(zero=True, nice=False))
    y = alt.Y("row:N", title=None, sort=None).axis(labels=False, ticks=False, domain=False)
    key = legend(symbolType="square", symbolSize=90, symbolStrokeWidth=0, offset=22)  # above the limit's name
    colour = alt.Color("row:N", legend=key).scale(domain=arms, range=list(ARM_COLOURS[: len(arms)]))
    base = alt.Chart(DATA).encode(x, y)
    line = f"{{'title': datum.row, {say('axis.peak')!r}: {units.text('datum.value')}}}"
    bars = base.mark_bar(height=10).encode(colour, tooltip=alt.value(alt.expr(line)))
    size = alt.Text("value_text:N")
    inside = units.written(base, "value").encode(x=alt.value(0))
    sizes = label(inside, LINE, text=size, align="left", baseline="bottom", dx=2, dy=-6)
    limit = alt.Chart(DATA).encode(x)
    rule = limit.mark_rule(color=LIMIT_COLOUR, strokeDash=[6, 4], strokeWidth=2, tooltip=None)
    limit_name = limit.mark_text(align="right", baseline="bottom", color=ALARM, tooltip=None)
    layers = [
        held_open(x),
        bars.transform_filter(only(LINE)),
        rule.transform_filter(only("limit")),
        *sizes,
        limit_name.encode(y=alt.value(-4), text="label:N").transform_filter(only("limit")),
    ]
    return _panel(layers, names, columns(say, row=say("axis.arm"), value=say("axis.peak.mib")))


def compare_memory_table(
    courses: Sequence[Course], names: Sequence[str], limit_bytes: int | None, say: Callable[..., str]
) -> pa.Table:
    """Return the columns of `compare_memory`: series, row (arm), label, value (MiB)."""
    rows = Rows("series", "row", "label", "value")
    highest = 0.0
    for arm, course in zip(names, courses, strict=True):
        if course.peak_bytes:
            size = course.peak_bytes / MIB
            highest = max(highest, size)
            rows.add(series=LINE, row=arm, value=size)
    limit_mb = (limit_bytes or 0) / MIB
    if 0 < limit_mb < 3 * highest:
        rows.add(series="limit", label=say("compare.limit"), value=limit_mb)
        highest = max(highest, limit_mb)
    rows.add(series=EXTENT, value=[0.0, ROOM * highest or 1.0])
    return rows.table()
