"""Draw the loss: each update faint, the smoothed loss strong, validation as diamonds, the previous run as a ghost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.run.config import RunConfig
from core.store.reader import BETA, Axis, RunReader, Series
from ui.charts.changes import Marks, add_changes, change_layers
from ui.charts.columns import columns
from ui.charts.pointer import add_pointer, latest, nearest, pointer, spread, zooming
from ui.charts.reach import reach
from ui.charts.style import (
    ANY,
    BLUE,
    CAPTION,
    DATA,
    EXTENT,
    FAINT_BLUE,
    GREY,
    LOSS,
    PLACE,
    TEAL,
    TITLE,
    Rows,
    Say,
    Spec,
    caption_from_data,
    held_open,
    label,
    linear,
    logarithmic,
    only,
    row_of_names,
    spec,
    title_from_data,
    written,
)

Curve = tuple[Series, NDArray[np.float64], NDArray[np.float64]]
SERIES: tuple[Series, ...] = ("loss", "smoothed_loss", "validation_loss")
GHOST, GHOST_NAME, CUT, ONLY_ONE, NOTE = "ghost", "ghost_name", "cut", "only_one", "note"
EXPLODED = 20.0  # multiple of the initial loss; an axis up to a higher loss would show only a vertical stroke
HIGHEST = "{}"  # the browser writes the number in its place
WIDE = 440  # pixels from which the row of the legend has room for the name of the previous run
GHOST_POINTS = 200  # half of those of this run; the server sends them at every refresh
UNDER_CUT = 18  # pixels from the top, below the label of a spike
SPIKE, ROOM = 1.5, 1.2  # a raw loss above 1.5 times the highest smoothed one would flatten the chart: cut at 1.2 times


def loss(say: Say) -> Spec:
    """Draw on linear axes from 0."""
    return _loss(say)


def log_loss(say: Say) -> Spec:
    """Draw the loss on a logarithmic axis."""
    return _loss(say, log=True)


def loss_over_log_x(say: Say) -> Spec:
    """Draw the updates on a logarithmic axis."""
    return _loss(say, log_x=True)


def log_loss_over_log_x(say: Say) -> Spec:
    """Draw both on logarithmic axes."""
    return _loss(say, log=True, log_x=True)


CHARTS = {
    (False, False): loss,
    (True, False): log_loss,
    (False, True): loss_over_log_x,
    (True, True): log_loss_over_log_x,
}


def _loss(say: Say, *, log: bool = False, log_x: bool = False) -> Spec:
    names = list(SERIES)
    key = row_of_names(say, names)
    colour = alt.Color("series:N", legend=key).scale(domain=names, range=[FAINT_BLUE, BLUE, TEAL])
    x = logarithmic(alt.X("x:Q", title=PLACE)) if log_x else linear(alt.X("x:Q", title=PLACE), ticks=8, nice=False)
    y = alt.Y("value:Q", title=say("axis.loss"))
    y = logarithmic(y) if log else linear(y, ticks=6)
    base = alt.Chart(DATA).encode(x, y)
    coloured = base.encode(colour)
    ghost = base.mark_line(
        strokeWidth=2, strokeDash=[1, 3], strokeCap="round", color=GREY, tooltip=None, clip=True
    ).transform_filter(only(GHOST))
    smoothed = coloured.mark_line(strokeWidth=2.5, tooltip=None, clip=True).properties(name="smoothed")
    point = base.mark_point(filled=True, size=60, color=BLUE, opacity=1, tooltip=None, clip=True)
    validation = coloured.mark_point(shape="diamond", size=70, filled=True, opacity=1, tooltip=None, clip=True)
    # The name of the previous run stands in the row of the legend or, on a phone, right below it.
    name = alt.Chart(DATA).encode(x=alt.value("width"), y=alt.value(alt.expr(f"width > {WIDE} ? -12 : 8")))
    corner = alt.Chart(DATA).encode(x=alt.value("width"), y=alt.value(0))
    highest = f"replace(datum.label, '{HIGHEST}', {written('datum.exact')})"
    cut = label(corner, CUT, text=alt.value(alt.expr(highest)), align="right", baseline="top", dx=-4, dy=3)
    note = alt.Chart(DATA).mark_text(tooltip=None)
    note = note.encode(x=alt.value(alt.expr("width / 2")), y=alt.value(alt.expr("height / 2")), text="label:N")
    kinds = [(say(f"series.{series}"), LOSS) for series in ("smoothed_loss", "loss", "validation_loss", "before")]
    return spec(
        alt.layer(
            zooming(held_open(x, y)),
            pointer((say("axis.x"), ANY), *kinds),
            coloured.mark_line(strokeWidth=1, tooltip=None, clip=True).transform_filter(only("loss")),
            ghost,
            smoothed.transform_filter(only("smoothed_loss")),
            point.transform_filter(only(ONLY_ONE)),
            validation.transform_filter(only("validation_loss")),
            *change_layers(x),
            *label(name, GHOST_NAME, align="right", clip=False),
            *cut,
            note.transform_filter(only(NOTE)),
            title_from_data(),
            caption_from_data(),
        ),
        height=388,
        columns=columns(say, x=say("column.x"), value=say("axis.loss"), exact=say("column.exact.loss")),
    )


def loss_table(
    config: RunConfig | None,
    reader: RunReader | None,
    planned: int | None,
    say: Callable[..., str],
    *,
    x: Axis = "updates",
    beta: float = BETA,
    ghost_beta: float = BETA,
    log: bool = False,
    log_x: bool = False,
    whole: bool = False,
    ghost: RunReader | None = None,
    ghost_name: str = "",
    marks: Marks = (),
    caption: str = "",
    empty: str = "",
) -> pa.Table:
    """Return the columns series, x, value (as drawn), exact and label of `loss` and `log_loss`.

    The axis follows what has run, in the unit of `x`; with `whole` it spans the plan.
    """
    curves = reader.curves(SERIES, x=x, beta=beta) if reader else []
    calm = _calm(curves, log=log)
    end = reach(config, reader, planned, x, whole=whole)
    rows = Rows("series", "x", "value", "exact", "label")
    unit = say(f"axis.{x}")
    for name, places, values in curves:
        drawn, highest = values, np.nanmax(values, initial=0.0)
        if log:
            drawn = np.where(values > 0, values, np.nan)
        elif highest > SPIKE * calm > 0:
            drawn = np.minimum(values, ROOM * calm)
            if name == "loss":
                rows.add(series=CUT, exact=highest, label=say("chart.loss.cut", highest=HIGHEST))
        if name == "smoothed_loss" and len(places) == 1:  # a single point draws no line
            rows.add(series=ONLY_ONE, x=places, value=drawn)
        rows.add(series=name, x=places, value=drawn, exact=values, label=unit)
    before = ghost.curves(("smoothed_loss",), x=x, beta=ghost_beta, points=GHOST_POINTS)[0] if ghost else None
    if before:
        end = _add_ghost(rows, before, ghost_name, end, unit, log=log)
    if reader:
        numbers = spread(reader.updates, log=log_x)
        at = reader.places(numbers, x)
        told = [_finite(series[numbers - 1]) for series in (reader.smoothed(beta), reader.losses)]
        validation = latest(*curves[-1][1:], at)
        ghost_there = nearest(*before[1:], at) if before else np.full(len(at), np.nan)
        add_pointer(rows, at, *told, validation, ghost_there)
    first = _first(curves, end) if log_x else None
    add_changes(rows, marks, reader, end=end, top=UNDER_CUT, lines=4, x=x, log_from=first)
    if not calm:
        rows.add(series=NOTE, label=empty)
    top = calm or (_chance(config) if config else 1.0)
    held = [top, top] if log else [0.0, 0.0 if calm else top]
    rows.add(series=EXTENT, x=[first or 0.0, end], value=held)
    rows.add(series=TITLE, label=unit)
    rows.add(series=CAPTION, label=caption)
    return rows.table()


def _chance(config: RunConfig) -> float:
    """Return the loss at which a run will about begin: a classifier's of guessing."""
    return math.log(config.spec.outputs) if config.spec.task == "classification" else 1.0


def _calm(curves: Sequence[Curve], *, log: bool) -> float:
    """Return the highest smoothed value; on a linear axis at most EXPLODED times the initial smoothed loss."""
    calm = max((np.nanmax(values, initial=0.0) for name, _, values in curves if name != "loss"), default=0.0)
    smoothed = next((values for name, _, values in curves if name == "smoothed_loss" and len(values)), None)
    if log or smoothed is None or not smoothed[0] > 0:
        return float(calm)
    return float(min(calm, EXPLODED * smoothed[0]))


def _first(curves: Sequence[Curve], end: float) -> float:
    """Return where a logarithmic x axis begins: at the first update, or a thousandth of the way to its end."""
    first = min((float(places[0]) for _, places, _ in curves if len(places)), default=end / 1_000)
    return first if 0 < first < end else end / 10


def _finite(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the values in double precision; those that are not finite become NaN, which is told as missing."""
    return np.where(np.isfinite(values), values, np.nan).astype(np.float64)


def _add_ghost(rows: Rows, before: Curve, name: str, end: float, unit: str, *, log: bool) -> float:
    """Add the previous run, at most twice as far as this one goes; return where the axis ends then.

    Losses that exploded are left out, because they would flatten the curve of this run.
    """
    _, places, values = before
    good = np.isfinite(values) & (values > 0 if log else values <= EXPLODED * max(values[:1], default=0.0))
    if not good.any():
        return end
    last = float(places[-1])
    end = max(end, min(last, 2 * end))
    near = places <= end
    places, values, good = places[near], values[near], good[near]
    rows.add(series=GHOST, x=places, value=np.where(good, values, np.nan), exact=values, label=unit)
    if good.any():
        rows.add(series=GHOST_NAME, label=f"\u2508 {name} \u2192" if last > end else f"\u2508 {name}")
    return end
