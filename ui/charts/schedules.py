"""Draw the comparison of schedules: the loss and the rate of each, and how its peak rate was found. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import cycle

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.schedule_bench.arms import ARMS, CONSTANT, EPOCHS, EXAMPLES, ONE_RATE, RATES
from core.schedule_bench.plans import rate_plan
from core.schedule_bench.results import Bench, Trained
from ui.charts.pointer import add_pointer, latest, nearest, pointer, zooming
from ui.charts.style import (
    BLUE,
    CAPTION,
    COUNT,
    DATA,
    EXTENT,
    GREY,
    HOVERED,
    NUMBER,
    TEAL,
    Rows,
    Say,
    Spec,
    caption_from_data,
    held_open,
    in_words,
    logarithmic,
    only,
    readable,
    spec,
)

Floats = NDArray[np.float64]

OTHER, CHOSEN, BAND, EXACT, POINT = "other", "chosen", "band", "exact", "point"
BEST, RULE = "best", "rule"
COLOURS = (GREY, "#d9730d", "#2f9e44", "#c2255c", BLUE, TEAL, "#ae3ec9", "#a98400", "#9c6644")
DASHES = ([1, 0], [7, 3], [2, 2], [8, 3, 2, 3])
COLOUR_OF = dict(zip(ARMS, cycle(COLOURS), strict=False)) | {EXACT: GREY}
DASH_OF = dict(zip(ARMS, cycle(DASHES), strict=False)) | {EXACT: [1, 4]}
LOWEST, HIGHEST = 4e-4, 0.5  # excess losses drawn; the differences are near the optimum
SEEN = float(EPOCHS * EXAMPLES)  # examples seen at the end
ROOM = 1.2  # factor by which the axis extends beyond the rates
POINTS = 256  # most points drawn of one plan


def schedule_curves(say: Say) -> Spec:
    """Draw the excess loss of every arm against examples; the chosen one has a band and its expectation."""
    x, y = _examples(say), logarithmic(alt.Y("value:Q", title=say("axis.schedules.excess")))
    base = alt.Chart(DATA).encode(x, y)
    tooltip = [
        *_tooltip(say, "axis.schedules.seen", COUNT, "axis.schedules.excess", NUMBER),
        alt.Tooltip("low:Q", title=say("axis.schedules.lowest"), format=NUMBER),
        alt.Tooltip("high:Q", title=say("axis.schedules.highest"), format=NUMBER),
    ]
    names = _names(say, with_expectation=True)
    band = base.mark_area(opacity=0.16, tooltip=None, clip=True).encode(_look(names)[0], y2="high:Q")
    return spec(
        alt.layer(
            zooming(held_open(x, y)),
            band.transform_filter(only(BAND)),
            *_lines(base, say),
            _pointer(say, "axis.schedules.seen", COUNT, NUMBER),
            _points(base, tooltip),
            caption_from_data(line=1),
        ),
        height=570,
        title=say("chart.schedule_curves"),
    )


def schedule_curves_table(
    trained: Mapping[str, Trained], chosen: str, batch_size: int, say: Callable[..., str], *, caption: str = ""
) -> pa.Table:
    """Return the columns of `schedule_curves`: series, row (an arm), label, x, exact, value, low, high."""
    rows = Rows("series", "row", "label", "x", "exact", "value", "low", "high")
    rows.add(series=EXTENT, x=[0.0, SEEN], value=[LOWEST, HIGHEST])
    rows.add(series=CAPTION, label=caption)
    lines: dict[str, tuple[Floats, Floats]] = {}
    for arm in ARMS:
        each, plan = trained[arm], rate_plan(arm, batch_size)
        x = plan.seen[plan.marks].astype(float)
        middle, low, high, exact = (np.array(values) for values in (each.middle, each.lowest, each.highest, each.exact))
        told = high < HIGHEST
        lines[arm] = x[told], middle[told]
        _add_line(rows, arm, chosen, *lines[arm])
        name = say(f"schedules.arm.{arm}")
        rows.add(series=POINT, row=arm, label=name, x=x[told], value=middle[told], low=low[told], high=high[told])
        if arm == chosen:
            rows.add(series=BAND, row=arm, x=x[told], value=low[told], high=high[told])
            rows.add(series=EXACT, row=EXACT, x=x[exact < HIGHEST], value=exact[exact < HIGHEST])
            lines[EXACT] = x[exact < HIGHEST], exact[exact < HIGHEST]
    at = np.unique(np.concatenate([lines[CONSTANT][0], lines[chosen][0]]))
    add_pointer(rows, at, *(nearest(*lines[name], at) for name in COLOUR_OF))
    return rows.table()


def schedule_rates(say: Say) -> Spec:
    """Draw the rate / batch size of every arm against examples, relative to its first value."""
    x = _examples(say)
    y = alt.Y("value:Q", title=say("axis.schedules.share")).scale(domain=[0, 1.05], nice=False)
    base = alt.Chart(DATA).encode(x, y.axis(tickCount=4, format="~%"))
    return spec(
        alt.layer(
            zooming(held_open(x, y)),
            *_lines(base, say, with_expectation=False),
            _pointer(say, "axis.schedules.seen", COUNT, ".1~%", with_expectation=False),
            _points(base, _tooltip(say, "axis.schedules.seen", COUNT, "axis.schedules.share", ".1~%")),
            caption_from_data(line=1),
        ),
        height=320,
        title=say("chart.schedule_rates"),
    )


def schedule_rates_table(
    trained: Mapping[str, Trained], chosen: str, batch_size: int, say: Callable[..., str], *, caption: str = ""
) -> pa.Table:
    """Return the columns of `schedule_rates`: series, row (an arm), label, x, exact, value."""
    rows = Rows("series", "row", "label", "x", "exact", "value")
    rows.add(series=EXTENT, x=[0.0, SEEN], value=[0.0, 1.0])
    rows.add(series=CAPTION, label=caption)
    at, told = np.linspace(0.0, SEEN, HOVERED), []
    for arm in ARMS:
        x, value = _in_epochs(trained[arm].shares) if trained[arm].shares else _planned(arm, batch_size)
        _add_line(rows, arm, chosen, x, value)
        told.append(latest(x, value, at))
        rows.add(series=POINT, row=arm, label=say(f"schedules.arm.{arm}"), x=at, value=told[-1])
    add_pointer(rows, at, *told)
    return rows.table()


def schedule_tuning(say: Say) -> Spec:
    """Draw the final loss of every arm at each peak rate tried; the chosen one has its expectation."""
    x = alt.X("x:Q", title=say("axis.schedules.peak")).scale(type="log", base=2, nice=False, padding=6)
    x = x.axis(values=list(RATES), format="~g", labelOverlap=True, labelFlush=True, grid=False)
    y = logarithmic(alt.Y("value:Q", title=say("axis.schedules.excess")))
    base = alt.Chart(DATA).encode(x, y)
    ring = base.mark_point(size=150, filled=False, stroke=BLUE, strokeWidth=2, opacity=1, tooltip=None, clip=True)
    rule = alt.Chart(DATA).mark_rule(color=GREY, strokeDash=[2, 3], tooltip=None, clip=True).encode(x)
    return spec(
        alt.layer(
            zooming(held_open(x, y)),
            rule.transform_filter(only(RULE)),
            *_lines(base, say),
            ring.transform_filter(only(BEST)),
            _pointer(say, "axis.schedules.peak", "~g", NUMBER),
            _points(base, _tooltip(say, "axis.schedules.peak", "~g", "axis.schedules.excess", NUMBER)),
            caption_from_data(line=1),
        ),
        height=340,
        title=say("chart.schedule_tuning"),
    )


def schedule_tuning_table(bench: Bench, chosen: str, say: Callable[..., str], *, caption: str = "") -> pa.Table:
    """Return the columns of `schedule_tuning`: series, row (an arm), label, x, exact, value."""
    rows, rates = Rows("series", "row", "label", "x", "exact", "value"), np.array(RATES)
    rows.add(series=EXTENT, x=[RATES[0] / ROOM, RATES[-1] * ROOM], value=[LOWEST, HIGHEST])
    rows.add(series=CAPTION, label=caption)
    rows.add(series=RULE, x=ONE_RATE)
    told = []
    for arm in ARMS:
        ends = np.array(bench.tried[arm])
        drawn = ends < HIGHEST
        told.append(np.where(drawn, ends, np.nan))
        _add_line(rows, arm, chosen, rates[drawn], ends[drawn])
        rows.add(series=POINT, row=arm, label=say(f"schedules.arm.{arm}"), x=rates[drawn], value=ends[drawn])
    expected = np.array(bench.expected[chosen])
    rows.add(series=EXACT, row=EXACT, x=rates[expected < HIGHEST], value=expected[expected < HIGHEST])
    peak = bench.tuned[chosen].peak
    rows.add(series=BEST, x=peak, value=min(bench.tried[chosen][RATES.index(peak)], HIGHEST))
    add_pointer(rows, rates, *told, np.where(expected < HIGHEST, expected, np.nan))
    return rows.table()


def readable_lines(table: pa.Table, say: Say, x: str, value: str) -> pa.Table:
    """Return what is shown as the data of these charts; `x` and `value` are the keys of two names."""
    names = {"label": say("axis.schedules.arm"), "x": say(x), "value": say(value)}
    if "low" in table.column_names:
        names |= {"low": say("axis.schedules.lowest"), "high": say("axis.schedules.highest")}
    return readable(table, names, POINT)


# Shared parts


def _examples(say: Say) -> alt.X:
    x = alt.X("x:Q", title=say("axis.schedules.seen")).scale(zero=True, nice=False)
    return x.axis(format=COUNT, tickCount=5, grid=False)


def _names(say: Say, *, with_expectation: bool) -> dict[str, str]:
    names = {arm: say(f"schedules.arm.{arm}") for arm in ARMS}
    return names | {EXACT: say("schedules.expectation")} if with_expectation else names


def _tooltip(say: Say, x: str, x_format: str, value: str, value_format: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title=say("axis.schedules.arm")),
        alt.Tooltip("x:Q", title=say(x), format=x_format),
        alt.Tooltip("value:Q", title=say(value), format=value_format),
    ]


def _look(names: Mapping[str, str]) -> tuple[alt.Color, alt.StrokeDash]:
    """Return the colour and the dashes of each line, with their legend."""
    key = alt.Legend(
        title=None,
        orient="top",
        columns=2,  # as many as fit on a phone: Vega would not make room for more lines when a chart gets narrower
        labelExpr=in_words(names),
        labelLimit=0,
        symbolType="stroke",
        symbolSize=300,
        symbolStrokeWidth=2.5,
        symbolOpacity=1,
        columnPadding=8,
        rowPadding=1,
        padding=0,
        offset=6,
    )
    codes = list(names)
    return (
        alt.Color("row:N", legend=key).scale(domain=codes, range=[COLOUR_OF[code] for code in codes]),
        alt.StrokeDash("row:N", legend=key).scale(domain=codes, range=[DASH_OF[code] for code in codes]),
    )


def _lines(base: alt.Chart, say: Say, *, with_expectation: bool = True) -> list[alt.Chart]:
    """Return the lines of the other arms, of the chosen one, and of its expectation, with their legend."""
    lines = base.encode(*_look(_names(say, with_expectation=with_expectation)))
    drawn = [
        lines.mark_line(strokeWidth=1.5, opacity=0.8, tooltip=None, clip=True).transform_filter(only(OTHER)),
        lines.mark_line(strokeWidth=3.5, tooltip=None, clip=True).transform_filter(only(CHOSEN)),
    ]
    if with_expectation:
        exact = lines.mark_line(strokeWidth=2.5, strokeCap="round", tooltip=None, clip=True)
        drawn.append(exact.transform_filter(only(EXACT)))
    return drawn


def _pointer(
    say: Say, heading: str, heading_format: str, value_format: str, *, with_expectation: bool = True
) -> alt.Chart:
    """Return the bands that tell the values of all lines where no point tells those of one."""
    told = [(name, value_format) for name in _names(say, with_expectation=with_expectation).values()]
    return pointer((say(heading), heading_format), *told)


def _points(base: alt.Chart, tooltip: list[alt.Tooltip]) -> alt.Chart:
    points: alt.Chart = base.mark_point(opacity=0, size=70, filled=True, clip=True).encode(tooltip=tooltip)
    return points.transform_filter(only(POINT))


def _add_line(rows: Rows, arm: str, chosen: str, x: Floats, value: Floats) -> None:
    rows.add(series=CHOSEN if arm == chosen else OTHER, row=arm, x=x, value=value)


@lru_cache(maxsize=64)
def _planned(arm: str, batch_size: int) -> tuple[Floats, Floats]:
    """Return examples seen and rate / batch size relative to the first, for at most POINTS updates and the end."""
    plan = rate_plan(arm, batch_size)
    some = np.unique(np.linspace(0, plan.updates - 1, POINTS).round().astype(int))
    value = plan.shares * batch_size / plan.batch_sizes
    return np.append(plan.seen[some], SEEN), np.append(value[some], value[-1])


def _in_epochs(shares: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Return the corners of a line that is constant within each epoch."""
    ends = np.arange(EPOCHS + 1) * float(EXAMPLES)
    return np.repeat(ends, 2)[1:-1], np.repeat(np.array(shares), 2)
