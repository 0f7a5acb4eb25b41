"""Draw the arms of a comparison over each other: the median of the seeds, and a band that holds them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import altair as alt
import numpy as np
import pyarrow as pa

from core.comparison.course import Axis, Course, Floats
from core.words.units import MIB
from ui.charts.style import (
    ANY,
    BLUE,
    DATA,
    EXTENT,
    GREY,
    LIMIT_COLOUR,
    SIZE,
    TEAL,
    Rows,
    Say,
    Spec,
    held_open,
    hover,
    only,
    spec,
    title_from_data,
)
from ui.charts.style import TITLE as X_TITLE

ARM_COLOURS = (BLUE, "#d9730d", TEAL, "#c2255c", "#2f9e44", GREY)  # the first two are A and B on every page
ARM_DASHES = ([1, 0], [7, 3], [2, 2], [8, 3, 2, 3], [4, 2], [1, 3])
ARM_SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down")
ARMS = tuple(f"arm_{number}" for number in range(1, len(ARM_COLOURS) + 1))
BAND, LINE, NAME = "band", "line", "name"
ROOM = 1.1
EMPTY = (0.1, 1.0)  # the range of an axis without values


def compare_logarithmic(say: Say) -> Spec:
    """Draw one figure of all arms on a logarithmic axis, which leaves out values that are not above 0."""
    return _course(say, logarithmic=True)


def compare_linear(say: Say) -> Spec:
    """Draw one figure of all arms on a linear axis."""
    return _course(say, logarithmic=False)


def _course(say: Say, *, logarithmic: bool) -> Spec:
    scale = alt.Scale(type="log", nice=False, padding=6) if logarithmic else alt.Scale(zero=False, nice=True)
    ticks = [digit * 10.0**power for power in range(-9, 7) for digit in (1, 2, 5)]
    axis = alt.Axis(values=ticks, format="~g", labelOverlap=True) if logarithmic else alt.Axis(tickCount=5, format=ANY)
    x = alt.X("x:Q", title=None).scale(zero=True, nice=False).axis(format=ANY, tickCount=5)
    y = alt.Y("value:Q", title=None, scale=scale, axis=axis)
    colour = alt.Color("row:N", legend=None).scale(domain=list(ARMS), range=list(ARM_COLOURS))
    dash = alt.StrokeDash("row:N", legend=None).scale(domain=list(ARMS), range=list(ARM_DASHES))
    base = alt.Chart(DATA).encode(x, y, colour)
    tooltip = [
        alt.Tooltip("label:N", title=say("axis.arm")),
        alt.Tooltip("x:Q", title=say("axis.x"), format=ANY),
        alt.Tooltip("value:Q", title=say("axis.median"), format=".4~g"),
        alt.Tooltip("low:Q", title=say("axis.lowest"), format=".4~g"),
        alt.Tooltip("high:Q", title=say("axis.highest"), format=".4~g"),
    ]
    band = base.mark_area(opacity=0.18, tooltip=None).encode(y=alt.Y("low:Q", title=None, scale=scale), y2="high:Q")
    line = base.mark_line(strokeWidth=2.2, tooltip=None).encode(dash)
    points = hover(base, LINE, *tooltip)
    words = alt.Chart(DATA).mark_text(
        align="left", baseline="bottom", dy=-6, fontSize=12, fontWeight="bold", color=GREY, tooltip=None
    )
    return spec(
        alt.layer(
            held_open(x, y),
            band.transform_filter(only(BAND)),
            line.transform_filter(only(LINE)),
            points,
            words.encode(x=alt.value(0), y=alt.value(0), text="label:N").transform_filter(only(NAME)),
            title_from_data(),
        ),
        height=210,
    )


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
    rows.add(series=NAME, label=say(f"compare.chart.{shown}"))
    end, lowest = 0.0, np.inf
    for arm, label, course in zip(ARMS, names, courses, strict=False):
        if course.planned:
            end = max(end, float(course.along(np.array([float(course.planned)]), axis)[0]))
        x, values = _points(shown, course, axis)
        if not len(x):
            continue
        seen = np.where(values > 0, values, np.nan) if name not in LINEAR else values
        some = np.isfinite(seen).any(axis=1)
        x, seen = x[some], seen[some]
        if not len(x):
            continue
        median, low, high = np.nanmedian(seen, axis=1), np.nanmin(seen, axis=1), np.nanmax(seen, axis=1)
        lowest = min(lowest, float(low.min()))
        rows.add(series=BAND, row=arm, label=label, x=x, low=low, high=high, value=median)
        _add_line(rows, arm, label, x, median, low, high)
    held = [lowest, lowest] if np.isfinite(lowest) else list(EMPTY)
    rows.add(series=EXTENT, x=[0.0, end or 1.0], value=held)
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


def compare_memory(say: Say) -> Spec:
    """Draw the peak memory of each arm as a bar, and the limit of the simulated device."""
    x = alt.X("value:Q", title=say("axis.peak")).scale(zero=True, nice=True).axis(format=ANY, tickCount=5)
    y = alt.Y("row:N", title=None, sort=None).axis(labels=False, ticks=False, domain=False)
    colour = alt.Color("row:N", legend=None).scale(domain=list(ARMS), range=list(ARM_COLOURS))
    base = alt.Chart(DATA).encode(x, y)
    tooltip = [
        alt.Tooltip("label:N", title=say("axis.arm")),
        alt.Tooltip("value:Q", title=say("axis.peak"), format=SIZE),
    ]
    bars = base.mark_bar(height=10, opacity=0.85).encode(colour, tooltip=tooltip)
    words = base.mark_text(align="left", baseline="bottom", dy=-6, fontSize=11, color=GREY, tooltip=None)
    limit = alt.Chart(DATA).encode(x)
    rule = limit.mark_rule(color=LIMIT_COLOUR, strokeDash=[6, 4], strokeWidth=2, tooltip=None)
    named = limit.mark_text(align="right", baseline="top", dx=-4, fontSize=11, color=LIMIT_COLOUR, tooltip=None)
    return spec(
        alt.layer(
            held_open(x),
            bars.transform_filter(only(LINE)),
            words.encode(x=alt.value(0), text="label:N").transform_filter(only(LINE)),
            rule.transform_filter(only("limit")),
            named.encode(y=alt.value(0), text="label:N").transform_filter(only("limit")),
        ),
        height=210,
    )


def compare_memory_table(
    courses: Sequence[Course], names: Sequence[str], limit_mb: float | None, say: Callable[..., str]
) -> pa.Table:
    """Return the columns of `compare_memory`: series, row (arm), label, value (MiB)."""
    rows = Rows("series", "row", "label", "value")
    highest = 0.0
    for arm, label, course in zip(ARMS, names, courses, strict=False):
        if course.peak_bytes:
            size = course.peak_bytes / MIB
            highest = max(highest, size)
            rows.add(series=LINE, row=arm, label=label, value=size)
    if limit_mb is not None and limit_mb < 3 * highest:
        rows.add(series="limit", label=say("compare.limit"), value=limit_mb)
        highest = max(highest, limit_mb)
    rows.add(series=EXTENT, value=[0.0, ROOM * highest or 1.0])
    return rows.table()
