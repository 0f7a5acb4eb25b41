"""Draw the timeline of an update: the bytes alive after every allocation and release."""

from __future__ import annotations

from typing import Any

import altair as alt

from ui.charts.memory import units
from ui.charts.memory.limit import limit_layers
from ui.charts.style import (
    CATEGORY_COLOURS,
    COUNT,
    DATA,
    FONT,
    GREY,
    LINE_HEIGHT,
    RED,
    Say,
    Spec,
    caption_from_data,
    held_open,
    labels,
    only,
    spec,
)

BAND = 32  # pixels at the top for the names of the peaks
SHORTEST = 48  # pixels for the name of a peak, however narrow its event is
STEP, EVENT, PHASE, BOUND, PEAK, PEAK_NAME = "step", "event", "phase", "bound", "peak", "peak_name"
TICK, FAILED, ASIDE, FAILED_NAME = "tick", "failed", "set_aside", "failed_name"
SPAN_PX = "(scale('x', datum.end_x) - scale('x', datum.x))"  # pixels of the span that a name belongs to


def timeline(say: Say) -> Spec:
    """Draw the categories as stacked steps, one event after another, each with its phases and its peak."""
    x = alt.X("x:Q", title=say("axis.changes")).scale(nice=False, zero=False)
    x = x.axis(labels=False, ticks=False, grid=False, titlePadding=20)  # each event has numbers of its own
    y = units.axis(alt.Y("end:Q", title=say("axis.memory")).scale(zero=True, nice=False))
    names = list(CATEGORY_COLOURS)
    key = alt.Legend(
        title=None,
        orient="bottom",
        columns=3,
        offset=6 + LINE_HEIGHT,  # the caption stands above the legend
        labelExpr=labels(say, names),
        symbolType="square",
        symbolStrokeWidth=0,
    )
    colour = alt.Color("series:N", legend=key).scale(domain=names, range=list(CATEGORY_COLOURS.values()))
    top, bottom, base = alt.value(0), alt.value("height"), alt.Chart(DATA).encode(x)
    areas = base.mark_area(interpolate="step-after", tooltip=None).encode(y, colour, y2="start:Q", detail="panel:N")
    columns = (
        units.written(base, "live")
        .mark_rect(opacity=0)
        .encode(x2="end_x:Q", y=top, y2=bottom, tooltip=_change_tooltip(say))
    )
    bounds = base.mark_rule(color=GREY, opacity=0.5, tooltip=None).encode(y=alt.value(BAND + 16), y2=bottom)
    leader = base.mark_rule(color=GREY, strokeDash=[2, 3], tooltip=None).encode(y=y, y2=alt.value(BAND))
    peak = base.mark_point(shape="diamond", filled=True, size=60, color=GREY, opacity=1, stroke="white", tooltip=None)
    box = units.written(base, "value", "over").mark_rect(
        fill=RED, fillOpacity=0.2, stroke=RED, strokeWidth=2, strokeDash=[4, 3]
    )
    aside = base.mark_rect(fill=GREY, fillOpacity=0.5, stroke=GREY, tooltip=None)
    words = base.encode(text="label:N", y=top)
    tick = base.mark_text(color=GREY, baseline="top", dy=6, fontSize=FONT, tooltip=None)
    return spec(
        alt.layer(
            held_open(x, y),
            areas.transform_filter(alt.FieldOneOfPredicate(field="series", oneOf=names)),
            bounds.transform_filter(only(BOUND)),
            columns.transform_filter(only(STEP)),
            leader.transform_filter(only(PEAK)),
            peak.encode(y=y).transform_filter(only(PEAK)),
            _peak_name(words).transform_filter(only(PEAK_NAME)),
            aside.encode(y=y, x2="end_x:Q", y2="start:Q").transform_filter(only(ASIDE)),
            box.encode(y=y, x2="end_x:Q", y2="start:Q", tooltip=_request_tooltip(say)).transform_filter(only(FAILED)),
            _failed_name(words).transform_filter(only(FAILED_NAME)),
            _event(words).transform_filter(only(EVENT)),
            _phase(words).transform_filter(only(PHASE)),
            tick.encode(y=bottom, text=alt.Text("number:Q", format=COUNT)).transform_filter(only(TICK)),
            *limit_layers(y),
            caption_from_data(line=1),
        ),
        height=436,
        title=say("chart.timeline"),
    )


def _change_tooltip(say: Say) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("number:Q", title=say("axis.change"), format=COUNT),
        alt.Tooltip("row:N", title=say("axis.phase")),
        alt.Tooltip("label:N", title=say("axis.operation")),
        alt.Tooltip("value:Q", title=say("axis.change_bytes"), format="+,.0f"),
        units.tooltip("live", say("axis.live")),
    ]


def _request_tooltip(say: Say) -> list[alt.Tooltip]:
    """Return the tooltip of the allocation that did not fit."""
    return [
        alt.Tooltip("row:N", title=say("axis.phase")),
        alt.Tooltip("label:N", title=say("axis.operation")),
        units.tooltip("value", say("axis.asked")),
        units.tooltip("over", say("axis.over")),
    ]


def _event(words: Any) -> Any:
    """Draw the name of an event above its span, or to the left of its end where the chart ends."""
    no_room = "scale('x', datum.x) + 6.2 * length(datum.label) > width + 10"  # to the right of x
    return words.mark_text(
        color=GREY,
        baseline="bottom",
        fontSize=FONT,
        fontWeight="bold",
        tooltip=None,
        dy=alt.expr(f"{no_room} ? -29 : -17"),
        align=alt.expr(f"{no_room} ? 'right' : 'left'"),
        dx=alt.expr(f"{no_room} ? {SPAN_PX} : 2"),
        limit=alt.expr(f"{no_room} ? width : max({SPAN_PX} + 4, {SHORTEST})"),
    )


def _phase(words: Any) -> Any:
    """Draw the name of a phase above its span, if it is wide enough."""
    return words.mark_text(
        color=GREY,
        baseline="bottom",
        align="left",
        dx=2,
        dy=-3,
        fontSize=FONT,
        tooltip=None,
        opacity=alt.expr(f"{SPAN_PX} > 5.5 * length(datum.label) + 4 ? 1 : 0"),
    )


def _peak_name(words: Any) -> Any:
    """Draw the name of a peak at the top of its event."""
    return words.mark_text(
        color=GREY,
        baseline="top",
        align="left",
        dx=2,
        dy=3,
        fontSize=FONT,
        lineBreak="\n",
        limit=alt.expr(f"max({SPAN_PX} - 2, {SHORTEST})"),
        tooltip=None,
    )


def _failed_name(words: alt.Chart) -> alt.Chart:
    """Draw the label of the allocation that did not fit."""
    label: alt.Chart = words.mark_text(
        color=RED,
        baseline="top",
        align="right",
        dy=18,
        fontSize=FONT,
        lineBreak="\n",
        limit=alt.expr("width"),
        tooltip=None,
    )
    return label
