"""Draw the simulated peak by category against its limit, and the real memory of the process over time."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import numpy as np
import pyarrow as pa

from core.run.events import CATEGORIES, Peak
from core.store.reader import RunReader
from core.words.catalogue import Catalogue
from core.words.units import MIB
from ui.charts.columns import columns
from ui.charts.memory import units
from ui.charts.memory.limit import beside_limit
from ui.charts.pointer import add_pointer, pointer, zooming
from ui.charts.style import (
    ANY,
    BLUE,
    CAPTION,
    CATEGORY_COLOURS,
    DATA,
    EXTENT,
    FAR,
    FONT,
    GREY,
    INK,
    LIMIT_COLOUR,
    Rows,
    Say,
    Spec,
    caption_from_data,
    held_open,
    labels,
    linear,
    only,
    spec,
)

LABELLED_SHARE = 0.13  # share of the axis below which a segment has no room for its label on any screen
SPAN = "scale('x', datum.end) - scale('x', datum.start)"  # pixels of a segment
LETTER = 6.5  # pixels that a letter of its label needs
LIMIT, LIMIT_NAME, REAL = "limit", "limit_name", "real"


def memory(say: Say) -> Spec:
    """Draw the peak by category as stacked bars, predicted above measured, against the dashed rule of the limit."""
    rows, kinds = ["predicted", "measured"], list(CATEGORIES)
    key = alt.Legend(
        title=None,
        orient="bottom",
        columns=2,
        columnPadding=4,
        labelOffset=2,
        labelExpr=labels(say, kinds),
        symbolType="square",
        symbolStrokeWidth=0,
        offset=4,
        rowPadding=1,
    )
    x = alt.X("start:Q", title=say("axis.memory")).scale(zero=True, nice=False)
    x = units.axis(x, titlePadding=2)
    y = alt.Y("row:N", title=None, sort=rows, axis=alt.Axis(labelExpr=labels(say, rows), ticks=False, domain=False))
    y = y.scale(domain=rows)
    colour = alt.Color("series:N", legend=key).scale(domain=kinds, range=[CATEGORY_COLOURS[kind] for kind in kinds])
    tooltip = [
        alt.Tooltip("series:N", title=say("axis.category")),
        units.tooltip("value", say("axis.memory")),
        alt.Tooltip("row:N", title=say("axis.row")),
    ]
    base = alt.Chart(DATA)
    bars = units.written(base, "value").mark_bar(height={"band": 0.72}).encode(x, y, colour, tooltip=tooltip)
    bars = bars.encode(x2="end:Q").transform_filter(alt.FieldOneOfPredicate(field="series", oneOf=kinds))
    inside = base.mark_text(color=alt.expr(INK), fontSize=FONT, tooltip=None).encode(
        x=alt.X("middle:Q"),
        y=y,
        text=alt.value(alt.expr(f"{SPAN} > {LETTER} * length(datum.label) ? datum.label : ''")),
    )
    inside = inside.transform_filter(
        {"and": [alt.FieldOneOfPredicate(field="series", oneOf=kinds), "datum.label != ''"]}
    )
    rule = (
        base.mark_rule(color=LIMIT_COLOUR, strokeDash=[6, 4], strokeWidth=2).encode(x=x).transform_filter(only(LIMIT))
    )
    words = base.mark_text(color=LIMIT_COLOUR, align="right", baseline="bottom", dx=6, fontSize=FONT, tooltip=None)
    words = words.encode(x=x, y=alt.value(-20), text="label:N").transform_filter(only(LIMIT_NAME))
    real = base.mark_text(color=GREY, align="left", baseline="bottom", fontSize=FONT, tooltip=None)
    real = real.encode(x=alt.value(0), y=alt.value(-3), text="label:N").transform_filter(only(REAL))
    return spec(alt.layer(held_open(x), bars, inside, rule, words, real), height=240, title=say("chart.memory"))


def memory_table(
    peaks: Mapping[str, Peak | None], limit_bytes: int | None, words: Catalogue, *, rss: str = ""
) -> pa.Table:
    """Return the rows of `memory`: row, series, start, end, middle and value in MiB, and label.

    `peaks` is keyed "predicted" and "measured". `rss` is the sentence about the real memory of the process. A limit
    far beyond the bars is named but not drawn.
    """
    largest = max([peak.bytes for peak in peaks.values() if peak] or [0]) / MIB
    limit = limit_bytes / MIB if limit_bytes else None
    far = bool(limit and largest and limit > FAR * largest)
    end = (largest * 1.1 if far or not limit else max(largest, limit)) or 1.0
    rows = Rows("row", "series", "start", "end", "middle", "value", "label")
    rows.add(series=EXTENT, start=[0.0, end * 1.02])
    rows.add(series=REAL, label=rss)
    for name, peak in peaks.items():
        sizes = np.array([peak.by_category.get(category, 0) if peak else 0 for category in CATEGORIES]) / MIB
        ends = np.cumsum(sizes)
        spans = np.array([beside_limit(high - size, high, limit) for size, high in zip(sizes, ends, strict=True)])
        wide = spans[:, 1] - spans[:, 0] > LABELLED_SHARE * end
        labels = [
            words.say(f"series.{category}") if fits else "" for category, fits in zip(CATEGORIES, wide, strict=True)
        ]
        rows.add(
            row=name,
            series=list(CATEGORIES),
            start=ends - sizes,
            end=ends,
            middle=spans.mean(1),
            value=sizes,
            label=labels,
        )
    if limit:
        text = words.say("chart.memory.far" if far else "chart.memory.limit", limit=words.mib(limit_bytes or 0))
        rows.add(series=LIMIT_NAME, start=end if far else limit, value=limit, label=text)
        if not far:
            rows.add(series=LIMIT, start=limit, value=limit)
    return rows.table()


def rss(say: Say) -> Spec:
    """Draw the resident memory of the training process over time."""
    x = linear(alt.X("x:Q", title=say("axis.seconds")), ticks=8, nice=False)
    y = linear(alt.Y("value:Q", title=say("axis.rss")), ticks=5)
    line = alt.Chart(DATA).encode(x, y).mark_line(strokeWidth=2, color=BLUE, tooltip=None, clip=True)
    bands = pointer((say("axis.seconds"), ANY), (say("axis.rss"), ",.1f"))
    layers = zooming(held_open(x, y)), bands, line.transform_filter(only("rss_bytes")), caption_from_data(line=1)
    named = columns(say, x=say("axis.seconds"), value=say("axis.rss"))
    return spec(alt.layer(*layers), height=280, title=say("chart.rss"), columns=named)


def rss_table(reader: RunReader | None, *, caption: str = "") -> pa.Table:
    """Return the columns series, label, x (seconds of training), exact and value (MiB) of `rss`."""
    rows = Rows("series", "label", "x", "exact", "value")
    if reader and reader.updates:
        ((name, places, values),) = reader.curves(("rss_bytes",), x="seconds")
        rows.add(series=name, x=places, value=values / MIB)
        add_pointer(rows, places, values / MIB)
    rows.add(series=EXTENT, x=0.0, value=0.0)
    if not (reader and reader.updates):
        rows.add(series=EXTENT, x=1.0, value=1.0)
    rows.add(series=CAPTION, label=caption)
    return rows.table()
