"""Draw the arms of a comparison over each other: the median of the seeds, and a band that holds them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import altair as alt
import numpy as np
import pyarrow as pa

from core.comparison.course import Axis, Course, Floats
from core.words.units import MIB
from ui.charts.pointer import zooming
from ui.charts.reach import step
from ui.charts.style import (
    ANY,
    BLUE,
    DATA,
    EXTENT,
    FONT,
    GREY,
    LIMIT_COLOUR,
    PLACE,
    SIZE,
    TEAL,
    Rows,
    Say,
    Spec,
    held_open,
    hover,
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
ARMS = tuple(f"arm_{number}" for number in range(1, len(ARM_COLOURS) + 1))
NAMES = ("", *ARMS)  # a heading and the names of the arms
BAND, LINE = "band", "line"
LINE_HEIGHT = 17  # pixels of a line of the legend
ROOM = 1.1
EMPTY = (0.1, 1.0)  # the range of an axis without values


def compare_logarithmic(say: Say, names: Sequence[str] = NAMES) -> Spec:
    """Draw one figure of all arms on a logarithmic axis, which leaves out values that are not above 0.

    `names` are the heading and the names of the arms.
    """
    return _course(say, names, is_logarithmic=True)


def compare_linear(say: Say, names: Sequence[str] = NAMES) -> Spec:
    """Draw one figure of all arms on a linear axis; `names` as in `compare_logarithmic`."""
    return _course(say, names, is_logarithmic=False)


def _course(say: Say, names: Sequence[str], *, is_logarithmic: bool) -> Spec:
    y = alt.Y("value:Q", title=None)
    y = logarithmic(y) if is_logarithmic else y.scale(zero=False, nice=True).axis(tickCount=5, format=ANY)
    x = linear(alt.X("x:Q", title=PLACE), ticks=5, nice=False)
    arms, key = list(ARMS[: len(names) - 1]), _legend(names)
    colour = alt.Color("row:N", legend=key).scale(domain=arms, range=list(ARM_COLOURS[: len(arms)]))
    dash = alt.StrokeDash("row:N", legend=key).scale(domain=arms, range=list(ARM_DASHES[: len(arms)]))
    base = alt.Chart(DATA).encode(x, y, colour)
    tooltip = [
        alt.Tooltip("label:N", title=say("axis.arm")),
        alt.Tooltip("x:Q", title=say("axis.x"), format=ANY),
        alt.Tooltip("value:Q", title=say("axis.median"), format=".4~g"),
        alt.Tooltip("low:Q", title=say("axis.lowest"), format=".4~g"),
        alt.Tooltip("high:Q", title=say("axis.highest"), format=".4~g"),
    ]
    low = alt.Y("low:Q", title=None)
    band = base.mark_area(opacity=0.18, tooltip=None, clip=True).encode(y=low, y2="high:Q")
    line = base.mark_line(strokeWidth=2.2, tooltip=None, clip=True).encode(dash)
    points = hover(base, LINE, *tooltip)
    return spec(
        alt.layer(
            zooming(held_open(x, y)),
            band.transform_filter(only(BAND)),
            line.transform_filter(only(LINE)),
            points,
            title_from_data(),
        ),
        height=_height(names),
    )


def _legend(names: Sequence[str]) -> alt.Legend:
    """Return a legend with a line for each arm, so that it goes along in full screen and in a picture."""
    pairs = ", ".join(f"{arm!r}: {name!r}" for arm, name in zip(ARMS, names[1:], strict=False))
    return alt.Legend(
        title=names[0],
        titleFontSize=FONT + 1,
        titlePadding=4,
        orient="top",
        columns=1,
        labelExpr=f"({{{pairs}}})[datum.label]",
        labelFontSize=FONT,
        labelLimit=0,
        rowPadding=1,
        padding=0,
        offset=6,
        symbolType="stroke",
        symbolSize=300,
        symbolStrokeWidth=2.5,
        symbolOpacity=1,
        titleFontWeight="bold",
    )


def _height(names: Sequence[str]) -> int:
    """Return the height of a chart in pixels: the plot with its x axis, and a line for the heading and each arm."""
    return 190 + LINE_HEIGHT * len(names)


def heading(name: str, courses: Sequence[Course], say: Callable[..., str]) -> str:
    """Return what the chart of one of FIGURES shows."""
    return say(f"compare.chart.{courses[0].measure if name == JUDGED else name}")


JUDGED = "judged"  # the loss above the optimum where the optimum is known, else the training loss
FIGURES = ("loss", JUDGED, "validation_loss", "rate", "gradient_norm", "update_length", "angle")
LINEAR = ("rate", "angle")  # the others are drawn on a logarithmic axis


def comparison_table(
    name: str, courses: Sequence[Course], names: Sequence[str], say: Callable[..., str], *, axis: Axis
) -> pa.Table:
    """Return the columns of one of FIGURES: series, row (arm), label, x, value, low, high."""
    rows = Rows("series", "row", "label", "x", "value", "low", "high")
    rows.add(series=X_TITLE, label=say(f"axis.{axis}"))
    shown = courses[0].measure if name == JUDGED else name
    planned, reached, lowest = 0.0, 0.0, np.inf
    for arm, label, course in zip(ARMS, names, courses, strict=False):
        if course.planned:
            planned = max(planned, float(course.along(np.array([float(course.planned)]), axis)[0]))
        x, values = _points(shown, course, axis)
        if not len(x):
            continue
        seen = np.where(values > 0, values, np.nan) if name not in LINEAR else values
        some = np.isfinite(seen).any(axis=1)
        x, seen = x[some], seen[some]
        if not len(x):
            continue
        reached = max(reached, float(x[-1]))
        median, low, high = np.nanmedian(seen, axis=1), np.nanmin(seen, axis=1), np.nanmax(seen, axis=1)
        lowest = min(lowest, float(low.min()))
        rows.add(series=BAND, row=arm, label=label, x=x, low=low, high=high, value=median)
        _add_line(rows, arm, label, x, median, low, high)
    held = [lowest, lowest] if np.isfinite(lowest) else list(EMPTY)
    end = max(reached, min(step(reached), planned)) if reached else planned or 1.0
    rows.add(series=EXTENT, x=[0.0, end], value=held)
    return rows.table()


def _add_line(rows: Rows, arm: str, label: str, x: Floats, median: Floats, low: Floats, high: Floats) -> None:
    count = len(x)
    texts = {"row": [arm] * count, "label": [label] * count}
    rows.add(series=LINE, x=x, value=median, low=low, high=high, **texts)
    rows.add(series=f"{LINE}_hover", x=x, value=median, low=low, high=high, **texts)


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
    """Draw the peak memory of each arm as a bar, and the limit of the simulated device."""
    x = linear(alt.X("value:Q", title=say("axis.peak")), ticks=5)
    y = alt.Y("row:N", title=None, sort=None).axis(labels=False, ticks=False, domain=False)
    colour = alt.Color("row:N", legend=None).scale(domain=list(ARMS), range=list(ARM_COLOURS))
    base = alt.Chart(DATA).encode(x, y)
    tooltip = [
        alt.Tooltip("label:N", title=say("axis.arm")),
        alt.Tooltip("value:Q", title=say("axis.peak"), format=SIZE),
    ]
    bars = base.mark_bar(height=10, opacity=0.85).encode(colour, tooltip=tooltip)
    words = base.mark_text(align="left", baseline="bottom", dy=-6, fontSize=FONT, color=GREY, tooltip=None)
    limit = alt.Chart(DATA).encode(x)
    rule = limit.mark_rule(color=LIMIT_COLOUR, strokeDash=[6, 4], strokeWidth=2, tooltip=None)
    named = limit.mark_text(align="right", baseline="top", dx=-4, fontSize=FONT, color=LIMIT_COLOUR, tooltip=None)
    return spec(
        alt.layer(
            held_open(x),
            bars.transform_filter(only(LINE)),
            words.encode(x=alt.value(0), text="label:N").transform_filter(only(LINE)),
            rule.transform_filter(only("limit")),
            named.encode(y=alt.value(0), text="label:N").transform_filter(only("limit")),
        ),
        height=_height(names),
        title=names[0],
    )


def compare_memory_table(
    courses: Sequence[Course], names: Sequence[str], limit_bytes: int | None, say: Callable[..., str]
) -> pa.Table:
    """Return the columns of `compare_memory`: series, row (arm), label, value (MiB)."""
    rows = Rows("series", "row", "label", "value")
    highest = 0.0
    for arm, label, course in zip(ARMS, names, courses, strict=False):
        if course.peak_bytes:
            size = course.peak_bytes / MIB
            highest = max(highest, size)
            rows.add(series=LINE, row=arm, label=label, value=size)
    limit_mb = (limit_bytes or 0) / MIB
    if 0 < limit_mb < 3 * highest:
        rows.add(series="limit", label=say("compare.limit"), value=limit_mb)
        highest = max(highest, limit_mb)
    rows.add(series=EXTENT, value=[0.0, ROOM * highest or 1.0])
    return rows.table()
