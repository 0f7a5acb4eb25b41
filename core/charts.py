"""Turn recorded metrics into frames, and say in Altair how each frame is drawn. No Streamlit, no torch.

A chart keeps its place in the browser only while its specification stays the same to the byte. Everything that
changes, thresholds and extents included, is therefore in the frame; the frames' columns never change.
`say` turns a key into the words of a reader's language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.config import RunConfig
from core.events import CATEGORIES, Peak
from core.schedules import PLATEAU, factor
from core.store.reader import POINTS, RunReader

Say = Callable[[str], str]
Spec = dict[str, Any]

MIB = 2**20
BLUE, TEAL, RED, GREY = "#4c6ef5", "#0c9aa8", "#e03131", "#868e96"
FAINT_BLUE = "rgba(76, 110, 245, 0.4)"
CATEGORY_COLOURS = {  # Okabe and Ito's, in the order of CATEGORIES; activations are the same purple everywhere
    "parameters": "#4c6ef5",
    "gradients": "#d9730d",
    "optimizer state": "#2f9e44",
    "activations": "#ae3ec9",
    "batch": "#0c9aa8",
    "temporary": "#c99700",
}
COUNT, LOSS, RATE, SIZE = ",.0f", ".4f", ".3~e", ",.2f"
LABELLED_SHARE = 0.13  # of the axis: a narrower piece has no room for its label

LOSS_SERIES = {"loss": "each update", "smoothed_loss": "smoothed", "validation_loss": "validation"}
WHOLE_PLAN = 100_000  # updates up to which the whole plan is on the axis
EXTENT = "extent"  # an invisible series that holds the axes open


def loss(say: Say) -> Spec:
    """Draw the loss of each update faint, smoothed strong, and of the validation as diamonds."""
    names = list(LOSS_SERIES)
    key = alt.Legend(title=None, orient="top-right", labelExpr=_labels(say, names), symbolStrokeWidth=3)
    colour = alt.Color("series:N", legend=key).scale(domain=names, range=[FAINT_BLUE, BLUE, TEAL])
    x = (
        alt.X("x:Q", title=say("axis.update"))
        .scale(zero=True, nice=False)
        .axis(format=COUNT, tickCount=8, tickMinStep=1)
    )
    y = alt.Y("value:Q", title=say("axis.loss")).scale(zero=True).axis(tickCount=6)
    tooltip = [
        alt.Tooltip("x:Q", title=say("axis.update"), format=COUNT),
        alt.Tooltip("value:Q", title=say("axis.loss"), format=LOSS),
        alt.Tooltip("series:N", title=say("axis.series")),
    ]
    base = alt.Chart(alt.NamedData("d")).encode(x, y, colour)
    raw = base.mark_line(strokeWidth=1).encode(tooltip=tooltip).transform_filter("datum.series == 'loss'")
    smoothed = base.mark_line(strokeWidth=2.5).encode(tooltip=tooltip)
    points = base.mark_point(shape="diamond", size=70, filled=True).encode(tooltip=tooltip)
    hold = alt.Chart(alt.NamedData("d")).mark_point(opacity=0, tooltip=None).encode(x, y)
    return _spec(
        alt.layer(
            hold.transform_filter(f"datum.series == '{EXTENT}'"),
            raw,
            smoothed.transform_filter("datum.series == 'smoothed_loss'"),
            points.transform_filter("datum.series == 'validation_loss'"),
        ),
        height=440,
    )


def loss_frame(reader: RunReader | None, planned: int | None) -> pd.DataFrame:
    """Return the columns series, x and value of `loss`, over the `planned` updates or the part that is reached."""
    end = float(_far_enough(reader.updates if reader else 0, planned))
    drawn = reader.series(("loss", "smoothed_loss", "validation_loss")) if reader else None
    top = 1.0 if drawn is None or not drawn.value.notna().any() else 0.0
    rows = [pd.DataFrame({"series": [EXTENT, EXTENT], "x": [0.0, end], "value": [0.0, top]})]
    if drawn is not None:
        rows.append(drawn.astype({"series": "str"}))
    return _typed(pd.concat(rows, ignore_index=True))


def _far_enough(updates: int, planned: int | None) -> int:
    """Return where the axis ends: at the planned updates, or, in a run so long that its beginning would be a
    stripe, at a number that seldom doubles."""
    end = WHOLE_PLAN
    while end < updates:
        end *= 2
    return max(updates, min(planned, end)) if planned else max(updates, 1)


def rate(say: Say) -> Spec:
    """Draw the planned learning rate dashed and the actual one over it."""
    names = ["planned", "actual"]
    key = alt.Legend(title=None, orient="top-right", labelExpr=_labels(say, names), symbolStrokeWidth=2)
    x = (
        alt.X("x:Q", title=say("axis.update"))
        .scale(zero=True, nice=False)
        .axis(format=COUNT, tickCount=6, tickMinStep=1)
    )
    y = alt.Y("value:Q", title=say("axis.rate")).scale(zero=True).axis(tickCount=4, format="~g")
    dash = alt.StrokeDash("series:N", legend=key).scale(domain=names, range=[[5, 4], [1, 0]])
    colour = alt.Color("series:N", legend=key).scale(domain=names, range=[GREY, BLUE])
    tooltip = [
        alt.Tooltip("x:Q", title=say("axis.update"), format=COUNT),
        alt.Tooltip("value:Q", title=say("axis.rate"), format=RATE),
        alt.Tooltip("series:N", title=say("axis.series")),
    ]
    base = alt.Chart(alt.NamedData("d")).encode(x, y)
    series = base.encode(colour, dash, tooltip=tooltip)
    actual = series.mark_line(strokeWidth=5, opacity=0.5).transform_filter("datum.series == 'actual'")
    planned = series.mark_line(strokeWidth=1.5).transform_filter("datum.series == 'planned'")
    hold = base.mark_point(opacity=0, tooltip=None).transform_filter(f"datum.series == '{EXTENT}'")
    return _spec(alt.layer(hold, actual, planned), height=165)


def rate_frame(config: RunConfig, horizon: int | None, reader: RunReader | None) -> pd.DataFrame:
    """Return the columns series, x and value of `rate`; nothing is planned without a horizon, nor under plateau."""
    end = float(max(horizon or 1, reader.updates if reader else 0))
    rows = [pd.DataFrame({"series": [EXTENT, EXTENT], "x": [0.0, end], "value": [0.0, config.lr]})]
    if horizon and config.schedule != PLATEAU:
        rows.append(planned_rates(config, horizon))
    if reader:
        actual = reader.series(("rate",))
        rows.append(pd.DataFrame({"series": "actual", "x": actual.x, "value": actual.value}))
    return _typed(pd.concat(rows, ignore_index=True))


def planned_rates(config: RunConfig, horizon: int) -> pd.DataFrame:
    """Return the planned rate of at most POINTS of the updates 1 ... U, the first and the last among them."""
    updates = np.unique(np.linspace(0, horizon - 1, min(horizon, POINTS)).round().astype(int))
    rates = [config.lr * factor(config.schedule, int(t), horizon, warmup=config.warmup) for t in updates]
    return pd.DataFrame({"series": "planned", "x": updates + 1.0, "value": rates})


def memory(say: Say) -> Spec:
    """Draw the peak by category as stacked bars, predicted over measured, against the limit's dashed rule."""
    rows, kinds = ["predicted", "measured"], list(CATEGORIES)
    key = alt.Legend(
        title=None, orient="bottom", columns=2, labelExpr=_labels(say, kinds), symbolType="square", symbolStrokeWidth=0
    )
    x = alt.X("start:Q", title=say("axis.memory")).scale(zero=True, nice=False).axis(tickCount=5, format="~g")
    y = alt.Y("row:N", title=None, sort=rows, axis=alt.Axis(labelExpr=_labels(say, rows), ticks=False, domain=False))
    y = y.scale(domain=rows)
    colour = alt.Color("series:N", legend=key).scale(domain=kinds, range=[CATEGORY_COLOURS[kind] for kind in kinds])
    tooltip = [
        alt.Tooltip("series:N", title=say("axis.category")),
        alt.Tooltip("value:Q", title=say("axis.memory"), format=SIZE),
        alt.Tooltip("row:N", title=say("axis.row")),
    ]
    base = alt.Chart(alt.NamedData("d"))
    bars = base.mark_bar(height={"band": 0.7}).encode(x, y, colour, tooltip=tooltip)
    bars = bars.encode(x2="end:Q").transform_filter(alt.FieldOneOfPredicate(field="series", oneOf=kinds))
    inside = base.mark_text(color="white", fontSize=10).encode(x=alt.X("middle:Q"), y=y, text="label:N")
    inside = inside.transform_filter("datum.label != '' && datum.series != 'limit'")
    limit = base.transform_filter("datum.series == 'limit'")
    rule = limit.mark_rule(color=RED, strokeDash=[6, 4], strokeWidth=2).encode(x=x)
    words = limit.mark_text(color=RED, align="right", dx=-5, baseline="bottom", fontSize=11).encode(
        x=x, y=alt.value(-2), text="label:N"
    )
    hold = base.mark_point(opacity=0, tooltip=None).encode(x=x).transform_filter(f"datum.series == '{EXTENT}'")
    return _spec(alt.layer(hold, bars, inside, rule, words), height=225)


def memory_frame(peaks: Mapping[str, Peak | None], limit_bytes: int | None, limit_label: str) -> pd.DataFrame:
    """Return the columns row, series, start, end, middle, value (MiB) and label of `memory`.

    `peaks` has the rows "predicted" and "measured". The limit is drawn where it is not far off the bars: a rule
    ten times as far out would leave nothing to see of them, so the label then stands at the axis' end with an arrow.
    """
    largest = max([peak.bytes for peak in peaks.values() if peak] or [0]) / MIB
    limit = limit_bytes / MIB if limit_bytes else None
    end = max(largest, limit or 0.0) or 1.0
    if limit and largest and limit > 10 * largest:
        end, limit_label, limit = largest * 1.25, f"{limit_label} \u2192", None
    rows: list[tuple[str, str, float, float, float, str]] = [
        ("", EXTENT, 0.0, 0.0, 0.0, ""),
        ("", EXTENT, end * 1.02, 0.0, 0.0, ""),
    ]
    for name, peak in peaks.items():
        start = 0.0
        for category in CATEGORIES:
            size = (peak.by_category.get(category, 0) if peak else 0) / MIB
            label = category if size > LABELLED_SHARE * end else ""
            rows.append((name, category, start, start + size, size, label))
            start += size
    if limit_bytes:
        place = limit if limit else end
        rows.append(("", "limit", place, place, limit_bytes / MIB, limit_label))
    frame = pd.DataFrame(rows, columns=["row", "series", "start", "end", "value", "label"])
    frame["middle"] = (frame["start"] + frame["end"]) / 2
    return _typed(frame)


def _labels(say: Say, names: Sequence[str]) -> str:
    """Return the Vega expression that shows the words of a code."""
    pairs = ", ".join(f"'{name}': {say(f'series.{name}')!r}" for name in names)
    return f"({{{pairs}}})[datum.value]"


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the columns the same types whatever is in them."""
    texts = ("series", "row", "label")
    return frame.astype({name: "str" if name in texts else "float64" for name in frame.columns})


def _spec(chart: alt.LayerChart | alt.FacetChart, *, height: int) -> Spec:
    """Return a chart as Streamlit takes it: without data, which come beside it."""
    spec = chart.properties(height=height).to_dict()
    for name in ("$schema", "data", "config"):
        spec.pop(name, None)
    for layer in spec["layer"]:
        layer.pop("data", None)
    return spec
