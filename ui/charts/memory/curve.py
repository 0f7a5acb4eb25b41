"""Draw peak memory against batch size: stacked by category, with the limit and the peaks of real runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.forecast.records import Curve
from core.run.events import CATEGORIES
from core.words.catalogue import Catalogue
from core.words.units import MIB
from ui.charts.memory import units
from ui.charts.memory.limit import add_limit, beside_limit, limit_layers
from ui.charts.pointer import zooming
from ui.charts.style import (
    CAPTION,
    CATEGORY_COLOURS,
    COUNT,
    DATA,
    EXTENT,
    FONT,
    GREY,
    INK,
    LINE_HEIGHT,
    Rows,
    Say,
    Spec,
    caption_from_data,
    held_open,
    labels,
    logarithmic,
    only,
    readable,
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
LABELLED_SHARE = 0.08  # share of the axis below which a layer has no room for its name
NAME_WIDTH = 0.26  # share of the axis on a phone
LEAST_SHARE = 0.01  # share of the smallest total; smaller values would stretch a logarithmic axis over empty decades
ROOM = 1.1  # multiple of the highest point; the label of the largest batch size that fits stands above it
HALF = 48  # pixels from the middle of the name of this batch size to its ends
MEET = 170  # pixels between two rules whose names would meet
SHORT = 100  # batch sizes on an axis without a curve


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
    at = alt.Tooltip("x:Q", title=say("axis.batch_size"), format=COUNT)
    total = units.tooltip(TOTAL, say("axis.total"))
    parts = [units.tooltip(name, say(f"series.{name}")) for name in LAYERS]
    exact = [
        units.tooltip("end", say("axis.measured")),
        units.tooltip("value", say("axis.predicted")),
        alt.Tooltip("error:Q", title=say("axis.error"), format="+.2f"),
    ]
    top, bottom, base = alt.value(0), alt.value("height"), alt.Chart(DATA).encode(x)
    pointed = alt.selection_point(name="pointed", on="pointerover", clear="pointerout", empty=False)
    columns = units.written(alt.Chart(DATA), TOTAL, *LAYERS)
    columns = columns.mark_rect(color=GREY, clip=True).add_params(pointed)
    columns = columns.encode(
        alt.X("left:Q", title=say("axis.batch_size")),
        x2="right:Q",
        y=top,
        y2=bottom,
        opacity=alt.when(pointed).then(alt.value(0.25)).otherwise(alt.value(0)),
        tooltip=[at, total, *parts],
    )
    # The names of the rules stand above the plot, where no line crosses them: the one of this batch size a line higher
    # where it would meet the other.
    place = "scale('x', datum.x)"
    visible = alt.expr(f"{place} >= 0 && {place} <= width ? 1 : 0")  # the chart can be zoomed
    above: dict[str, Any] = {"fontSize": FONT, "color": GREY, "baseline": "bottom", "tooltip": None, "clip": False}
    above["opacity"] = visible
    meets = f"isValid(datum.right) && abs({place} - scale('x', datum.right)) < {MEET}"
    side = f"{place} < {HALF} ? 'left' : {place} > width - {HALF} ? 'right' : 'center'"
    here = base.mark_text(dy=alt.expr(f"{meets} ? {-4 - LINE_HEIGHT} : -4"), align=alt.expr(side), **above)
    fits = base.mark_text(fontWeight="bold", dy=-4, align=alt.expr(f"{place} > width / 2 ? 'right' : 'left'"), **above)
    ring = base.encode(y=y)
    thin: dict[str, Any] = {"color": GREY, "tooltip": None, "clip": True}
    layers = [
        zooming(held_open(x, y)),
        *drawn,
        columns.transform_filter(only(COLUMN)),
        *names,
        base.mark_rule(opacity=0.6, **thin).encode(y=top, y2=bottom).transform_filter(only(HERE)),
        here.encode(y=top, text="label:N").transform_filter(only(HERE)),
        *limit_layers(y),
        base.mark_rule(strokeDash=[2, 3], **thin).encode(y=y, y2=top).transform_filter(only(FITS)),
        fits.encode(y=top, text="label:N").transform_filter(only(FITS)),
        units.written(base, TOTAL)
        .mark_point(
            shape="diamond", filled=True, size=120, color=GREY, opacity=1, stroke="white", strokeWidth=1.5, clip=True
        )
        .encode(y=y, tooltip=[at, total])
        .transform_filter(only(FITS)),
        # A dark ring within a light one stands out from any background.
        ring.mark_point(
            filled=False, size=80, stroke="white", strokeWidth=4.5, opacity=1, tooltip=None, clip=True
        ).transform_filter(only(MEASURED)),
        units.written(ring, "end", "value")
        .mark_point(filled=False, size=80, stroke="#1f2329", strokeWidth=2, opacity=1, clip=True)
        .encode(tooltip=[at, *exact])
        .transform_filter(only(MEASURED)),
        caption_from_data(line=1),
    ]
    return spec(alt.layer(*layers), height=430, title=say("chart.curve"))


def curve_table(
    curve: Curve | None,
    limit_bytes: int | None,
    measured: Sequence[tuple[int, int]],
    words: Catalogue,
    *,
    batch_size: int | None,
    caption: str = "",
) -> pa.Table:
    """Return the rows of `curve` and `log_curve`. Sizes are in MiB.

    series, label  the kind of mark and its text
    x              the batch size
    start, end     a layer's edges; middle is the height of its name
    value          a layer's size if a logarithmic axis has room for it, or the predicted peak of a measured run
    error          the measured peak minus the predicted one, in percent
    left, right    the range of x in which a tooltip shows the total and the size of each category; the right one of
                   HERE is the largest batch size that fits

    `measured` holds batch sizes and peaks in bytes of real runs. Runs outside the curve are left out.
    """
    rows = Rows("series", "label", "x", "left", "right", "start", "end", "middle", "value", "error", TOTAL, *LAYERS)
    points = sorted(curve.points, key=lambda point: point.batch_size) if curve else []
    places = np.array([point.batch_size for point in points], float)
    sizes = (
        np.array(
            [
                [*(point.peak.by_category.get(name, 0) for name in CATEGORIES), point.peak.workspace_bytes]
                for point in points
            ],
            float,
        ).reshape(len(points), len(LAYERS))
        / MIB
    )
    total = sizes.sum(1)
    end = add_limit(rows, limit_bytes, total.max(initial=0.0), words, room=ROOM)
    rows.add(series=CAPTION, label=caption)
    largest = np.nan
    if curve and points:
        limit = limit_bytes / MIB if limit_bytes else None
        _add_layers(rows, places, sizes, end, words, limit=limit, here=batch_size)
        if limit_bytes and curve.largest_batch_size:
            size, largest = words.number(curve.largest_batch_size), min(curve.largest_batch_size, places[-1])
            if curve.largest_batch_size > places[-1]:
                rows.add(series=FITS, x=places[-1], label=words.say("chart.curve.fits.beyond", size=size))
            else:
                highest = np.interp(curve.largest_batch_size, places, total)
                rows.add(
                    series=FITS,
                    x=curve.largest_batch_size,
                    end=highest,
                    total=highest,
                    label=words.say("chart.curve.fits", size=size),
                )
        for measured_size, needed in measured:
            if places[0] <= measured_size <= places[-1]:
                mib, predicted = needed / MIB, np.interp(measured_size, places, total)
                error = 100 * (mib - predicted) / predicted
                rows.add(series=MEASURED, x=measured_size, end=mib, value=predicted, error=error)
    if batch_size:
        here = words.say("chart.curve.here", size=words.number(batch_size))
        rows.add(series=HERE, x=batch_size, right=largest, label=here)
    lowest = sizes[_is_seen(sizes)].min(initial=end)
    first, last = (places[0], places[-1]) if points else (1.0, float(max(SHORT, 2 * (batch_size or 0))))
    rows.add(series=EXTENT, x=[first, last], end=[lowest, end])
    return rows.table()


def readable_curve(table: pa.Table, words: Catalogue) -> pa.Table:
    """Return what is shown as the data of `curve` and `log_curve`."""
    sizes = {name: words.say("axis.in_mib", name=words.say(f"series.{name}")) for name in (TOTAL, *LAYERS)}
    return readable(table, {"x": words.say("axis.batch_size")} | sizes, COLUMN)


def _add_layers(
    rows: Rows,
    places: NDArray[np.float64],
    sizes: NDArray[np.float64],
    end: float,
    words: Catalogue,
    *,
    limit: float | None,
    here: int | None,
) -> None:
    """Add the stacked layers, their total, and the columns that show tooltips around each point."""
    ends = np.cumsum(sizes, axis=1)
    total = ends[:, -1]
    values = np.where(_is_seen(sizes), sizes, np.nan)
    left = max(places[-1] * (1 - NAME_WIDTH), places[0])
    along = np.array([left, *places[places > left]])
    is_crossed = here is not None and left < here < places[-1]  # by the rule of the batch size
    for name, size, top, value in zip(LAYERS, sizes.T, ends.T, values.T, strict=True):
        # A name is level and a layer seldom is, so it needs a level band within the right end of the layer.
        low, high = np.interp(along, places, top - size).max(), np.interp(along, places, top).min()
        low, high = beside_limit(low, high, limit)
        name_fits = high - low > LABELLED_SHARE * end and not is_crossed
        rows.add(
            series=name,
            x=places,
            start=top - size,
            end=top,
            value=value,
            middle=(low + high) / 2,
            label=[""] * (len(places) - 1) + [words.say(f"series.{name}") if name_fits else ""],
        )
    rows.add(series=TOTAL, x=places, end=total, value=total)
    middles = (places[1:] + places[:-1]) / 2
    rows.add(
        series=COLUMN,
        x=places,
        left=[*places[:1], *middles],
        right=[*middles, *places[-1:]],
        total=total,
        **dict(zip(LAYERS, sizes.T, strict=True)),
    )


def _is_seen(sizes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return a mask (points, layers) of the sizes that a logarithmic axis has room for."""
    seen: NDArray[np.bool_] = sizes >= LEAST_SHARE * sizes.sum(1).min(initial=np.inf)
    return seen
