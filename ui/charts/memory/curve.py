"""Draw peak memory against batch size: stacked by category, with the limit and the peaks of real runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from ui.charts.memory import units
from ui.charts.memory.limit import limit_layers
from ui.charts.pointer import zooming
from ui.charts.style import (
    CATEGORY_COLOURS,
    COUNT,
    DATA,
    FONT,
    GREY,
    INK,
    LINE_HEIGHT,
    Say,
    Spec,
    caption_from_data,
    held_open,
    labels,
    logarithmic,
    only,
    spec,
)

WORKSPACE, TOTAL, COLUMN = "workspace", "total", "column"
FITS, HERE, MEASURED = "fits", "here", "measured"
LAYERS = {**CATEGORY_COLOURS, WORKSPACE: GREY}  # from bottom to top
DASHES = {
    TOTAL: [1, 0],
    "parameters": [8, 3],
    "gradients": [4, 2],
    "optimizer state": [8, 2, 2, 2],
    "activations": [1, 0],
    "batch": [5, 4],
    "temporary": [2, 3],
    WORKSPACE: [12, 4],
}
HALF = 48  # pixels from the middle of the name of this batch size to its ends
MEET = 170  # pixels between two rules whose names would meet


def curve(say: Say) -> Spec:
    """Draw the categories as stacked layers on linear axes from 0."""
    x = alt.X("x:Q", title=say("axis.batch_size")).scale(zero=True, nice=False)
    x = x.axis(format=COUNT, tickCount=8, tickMinStep=1)
    y = units.axis(alt.Y("end:Q", title=say("axis.memory")).scale(zero=True, nice=False))
    names = list(LAYERS)
    key = _key(say, names, symbolType="square", symbolStrokeWidth=0)
    colour = alt.Color("series:N", legend=key).scale(domain=names, range=list(LAYERS.values()))
    base = alt.Chart(DATA).encode(x, y)
    one_of = alt.FieldOneOfPredicate(field="series", oneOf=names)
    areas = base.mark_area(opacity=1, tooltip=None, clip=True).encode(colour, y2="start:Q").transform_filter(one_of)
    inside = base.mark_text(color=alt.expr(INK), align="right", dx=-6, fontSize=FONT, tooltip=None, clip=True)
    inside = inside.encode(y=alt.Y("middle:Q"), text="label:N")
    inside = inside.transform_filter({"and": [one_of, "datum.label != ''"]})
    edge = base.mark_line(color=GREY, strokeWidth=1.5, tooltip=None, clip=True).transform_filter(only(TOTAL))
    return _curve(say, x, y, [areas, edge], inside)


def log_curve(say: Say) -> Spec:
    """Draw the total and each category as lines on logarithmic axes, where layers cannot be stacked."""
    x = logarithmic(alt.X("x:Q", title=say("axis.batch_size")))
    y = alt.Y("end:Q", title=say("axis.memory")).scale(type="log", nice=False, padding=8)
    y = units.log_axis(y, labelOverlap="greedy")
    names = [TOTAL, *LAYERS]
    key = _key(say, names, symbolType="stroke", symbolSize=200, symbolStrokeWidth=2.5)
    colour = alt.Color("series:N", legend=key).scale(domain=names, range=[GREY, *LAYERS.values()])
    dash = alt.StrokeDash("series:N", legend=key).scale(domain=names, range=[DASHES[name] for name in names])
    base = alt.Chart(DATA).encode(x, y, colour, dash)
    value = alt.Y("value:Q", title=say("axis.memory"))
    lines = base.mark_line(strokeWidth=2.5, tooltip=None, clip=True).encode(y=value)
    lines = lines.transform_filter(
        {"and": [alt.FieldOneOfPredicate(field="series", oneOf=list(LAYERS)), "isValid(datum.value)"]}
    )
    total = base.mark_line(strokeWidth=4, tooltip=None, clip=True).transform_filter(only(TOTAL))
    return _curve(say, x, y, [lines, total])


def _key(say: Say, names: Sequence[str], **looks: Any) -> alt.Legend:
    return alt.Legend(
        title=None,
        orient="bottom",
        columns=3,  # as many as fit on a phone: Vega would not make room for more lines in a chart that gets narrower
        columnPadding=8,
        labelExpr=labels(say, names),
        offset=6 + LINE_HEIGHT,  # the caption stands above the legend
        **looks,
    )


def _curve(say: Say, x: alt.X, y: alt.Y, drawn: Sequence[alt.Chart], *names: alt.Chart) -> Spec:
    """Return the chart with its limit, markers and tooltips around the marks of the curve and its `names`."""
    base, top, bottom = alt.Chart(DATA).encode(x), alt.value(0), alt.value("height")
    here, fits = _names_of_rules(base)
    thin: dict[str, Any] = {"color": GREY, "tooltip": None, "clip": True}
    layers = [
        zooming(held_open(x, y)),
        *drawn,
        _columns(say),
        *names,
        base.mark_rule(opacity=0.6, **thin).encode(y=top, y2=bottom).transform_filter(only(HERE)),
        here,
        *limit_layers(y),
        base.mark_rule(strokeDash=[2, 3], **thin).encode(y=y, y2=top).transform_filter(only(FITS)),
        fits,
        *_marks(say, base, y),
        caption_from_data(line=1),
    ]
    return spec(alt.layer(*layers), height=430, title=say("chart.curve"))


def _columns(say: Say) -> alt.Chart:
    """Return invisible columns of full height; the one at the pointer is shaded and tells the sizes there."""
    pointed = alt.selection_point(name="pointed", on="pointerover", clear="pointerout", empty=False)
    columns = units.written(alt.Chart(DATA), TOTAL, *LAYERS)
    columns = columns.mark_rect(color=GREY, clip=True).add_params(pointed)
    shaded: alt.Chart = columns.encode(
        alt.X("left:Q", title=say("axis.batch_size")),
        x2="right:Q",
        y=alt.value(0),
        y2=alt.value("height"),
        opacity=alt.when(pointed).then(alt.value(0.25)).otherwise(alt.value(0)),
        tooltip=[*_where_and_total(say), *(units.tooltip(name, say(f"series.{name}")) for name in LAYERS)],
    )
    return shaded.transform_filter(only(COLUMN))


def _names_of_rules(base: alt.Chart) -> tuple[alt.Chart, alt.Chart]:
    """Return the names of the rules of this batch size and of the largest one that fits.

    They stand above the plot, where no line crosses them: the first a line higher where it would meet the other.
    """
    place = "scale('x', datum.x)"
    visible = alt.expr(f"{place} >= 0 && {place} <= width ? 1 : 0")  # the chart can be zoomed
    above: dict[str, Any] = {"fontSize": FONT, "color": GREY, "baseline": "bottom", "tooltip": None, "clip": False}
    above["opacity"] = visible
    meets = f"isValid(datum.right) && abs({place} - scale('x', datum.right)) < {MEET}"
    side = f"{place} < {HALF} ? 'left' : {place} > width - {HALF} ? 'right' : 'center'"
    here = base.mark_text(dy=alt.expr(f"{meets} ? {-4 - LINE_HEIGHT} : -4"), align=alt.expr(side), **above)
    fits = base.mark_text(fontWeight="bold", dy=-4, align=alt.expr(f"{place} > width / 2 ? 'right' : 'left'"), **above)
    top = alt.value(0)
    return (
        here.encode(y=top, text="label:N").transform_filter(only(HERE)),
        fits.encode(y=top, text="label:N").transform_filter(only(FITS)),
    )


def _marks(say: Say, base: alt.Chart, y: alt.Y) -> list[alt.Chart]:
    """Return the diamond of the largest batch size that fits and the rings of measured runs."""
    ring, place = base.encode(y=y), _where_and_total(say)
    exact = [
        units.tooltip("end", say("axis.measured")),
        units.tooltip("value", say("axis.predicted")),
        alt.Tooltip("error:Q", title=say("axis.error"), format="+.2f"),
    ]
    return [
        units.written(base, TOTAL)
        .mark_point(
            shape="diamond", filled=True, size=120, color=GREY, opacity=1, stroke="white", strokeWidth=1.5, clip=True
        )
        .encode(y=y, tooltip=place)
        .transform_filter(only(FITS)),
        # A dark ring within a light one stands out from any background.
        ring.mark_point(
            filled=False, size=80, stroke="white", strokeWidth=4.5, opacity=1, tooltip=None, clip=True
        ).transform_filter(only(MEASURED)),
        units.written(ring, "end", "value")
        .mark_point(filled=False, size=80, stroke="#1f2329", strokeWidth=2, opacity=1, clip=True)
        .encode(tooltip=[place[0], *exact])
        .transform_filter(only(MEASURED)),
    ]


def _where_and_total(say: Say) -> list[alt.Tooltip]:
    at = alt.Tooltip("x:Q", title=say("axis.batch_size"), format=COUNT)
    return [at, units.tooltip(TOTAL, say("axis.total"))]
