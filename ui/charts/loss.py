"""Draw the loss: each update faint, the smoothed loss strong, validation as diamonds, the previous run as a ghost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.run.changes import position
from core.run.config import RunConfig
from core.run.plan import plan
from core.store.reader import BETA, Axis, RunReader, Series
from ui.charts.changes import Marks, add_changes, change_layers
from ui.charts.style import (
    ANY,
    BLUE,
    DATA,
    EXTENT,
    FAINT_BLUE,
    GREY,
    LOSS,
    TEAL,
    TITLE,
    Rows,
    Say,
    Spec,
    held_open,
    hover,
    labels,
    only,
    spec,
    title_from_data,
)

SERIES: tuple[Series, ...] = ("loss", "smoothed_loss", "validation_loss")
GHOST, GHOST_NAME, CUT, ONLY_ONE = "ghost", "ghost_name", "cut", "only_one"
EXPLODED = 20.0  # multiple of the initial loss; an axis up to a higher loss would show only a vertical stroke
WHOLE_PLAN = 100_000  # updates: a longer plan is not shown whole on the axis
UNDER_CUT = 18  # pixels from the top, below the label of a spike
SPIKE, ROOM = 1.5, 1.2  # a raw loss above 1.5 times the highest smoothed one would flatten the chart: cut at 1.2 times


def loss(say: Say) -> Spec:
    """Draw on a linear axis from 0."""
    return _loss(say, alt.Scale(zero=True), alt.Axis(tickCount=6, format=ANY))


def log_loss(say: Say) -> Spec:
    """Draw on a logarithmic axis."""
    ticks = [digit * 10.0**power for power in range(-6, 7) for digit in (1, 2, 5)]
    return _loss(say, alt.Scale(type="log", nice=False, padding=8), alt.Axis(values=ticks, format=ANY))


def _loss(say: Say, scale: alt.Scale, axis: alt.Axis) -> Spec:
    names = list(SERIES)
    key = alt.Legend(
        title=None,
        orient="top",
        direction="horizontal",
        labelExpr=labels(say, names),
        offset=2,
        symbolStrokeWidth=3,
        symbolOpacity=1,
        labelFontSize=11,
        columnPadding=8,
    )
    colour = alt.Color("series:N", legend=key).scale(domain=names, range=[FAINT_BLUE, BLUE, TEAL])
    x = alt.X("x:Q", title=None).scale(zero=True, nice=False).axis(format=ANY, tickCount=8)
    y = alt.Y("value:Q", title=say("axis.loss"), scale=scale, axis=axis)
    at, exact = alt.Tooltip("x:Q", title=say("axis.x"), format=ANY), partial(alt.Tooltip, "exact:Q", format=LOSS)
    base = alt.Chart(DATA).encode(x, y)
    coloured = base.encode(colour)
    ghost = base.mark_line(strokeWidth=2, strokeDash=[1, 3], strokeCap="round", color=GREY, tooltip=None)
    name = base.mark_text(align="right", baseline="bottom", dy=-4, color=GREY, fontSize=11, tooltip=None)
    smoothed = coloured.mark_line(strokeWidth=2.5, tooltip=None).properties(name="smoothed")
    validation = coloured.mark_point(shape="diamond", size=70, filled=True, opacity=1)
    cut = alt.Chart(DATA).mark_text(align="right", baseline="top", dx=-4, dy=3, color=GREY, fontSize=11, tooltip=None)
    return spec(
        alt.layer(
            held_open(x, y),
            coloured.mark_line(strokeWidth=1, tooltip=None).transform_filter(only("loss")),
            *change_layers(x),
            ghost.transform_filter(only(GHOST)),
            name.encode(text="label:N").transform_filter(only(GHOST_NAME)),
            smoothed.transform_filter(only("smoothed_loss")),
            base.mark_point(filled=True, size=60, color=BLUE, opacity=1, tooltip=None).transform_filter(only(ONLY_ONE)),
            hover(base, "smoothed_loss", at, exact(title=say("series.smoothed_loss"))),
            validation.encode(tooltip=[at, exact(title=say("series.validation_loss"))]).transform_filter(
                only("validation_loss")
            ),
            cut.encode(x=alt.value("width"), y=alt.value(0), text="label:N").transform_filter(only(CUT)),
            title_from_data(),
        ),
        height=388,
    )


def loss_table(
    config: RunConfig | None,
    reader: RunReader | None,
    planned: int | None,
    say: Callable[..., str],
    *,
    x: Axis = "updates",
    beta: float = BETA,
    log: bool = False,
    ghost: RunReader | None = None,
    ghost_name: str = "",
    marks: Marks = (),
) -> pa.Table:
    """Return the columns series, x, value (as drawn), exact and label of `loss` and `log_loss`.

    The axis spans the planned updates in the unit of `x`, or as many as have been reached.
    """
    curves = reader.curves(SERIES, x=x, beta=beta) if reader else []
    calm = _calm(curves, log=log)
    end = _end(config, reader, planned, x)
    rows = Rows("series", "x", "value", "exact", "label")
    rows.add(series=TITLE, label=say(f"axis.{x}"))
    for name, places, values in curves:
        drawn, highest = values, np.nanmax(values, initial=0.0)
        if log:
            drawn = np.where(values > 0, values, np.nan)
        elif highest > SPIKE * calm > 0:
            drawn = np.minimum(values, ROOM * calm)
            if name == "loss":
                rows.add(series=CUT, label=say("chart.loss.cut", highest=float(highest)))
        if name == "smoothed_loss" and len(places) == 1:  # a single point draws no line
            rows.add(series=ONLY_ONE, x=places, value=drawn)
        add = rows.add_line if name == "smoothed_loss" else rows.add
        add(series=name, x=places, value=drawn, exact=values)
    if ghost:
        end = _add_ghost(rows, ghost, ghost_name, end, x, beta, log=log)
    add_changes(rows, marks, reader, end=end, top=UNDER_CUT, lines=4, x=x)
    held = [calm or 1.0] * 2 if log else [0.0, 0.0 if calm else 1.0]
    rows.add(series=EXTENT, x=[0.0, end], value=held)
    return rows.table()


def _calm(curves: Sequence[tuple[Series, NDArray[np.float64], NDArray[np.float64]]], *, log: bool) -> float:
    """Return the highest smoothed value; on a linear axis at most EXPLODED times the initial smoothed loss."""
    calm = max((np.nanmax(values, initial=0.0) for name, _, values in curves if name != "loss"), default=0.0)
    smoothed = next((values for name, _, values in curves if name == "smoothed_loss" and len(values)), None)
    if log or smoothed is None or not smoothed[0] > 0:
        return float(calm)
    return float(min(calm, EXPLODED * smoothed[0]))


def _add_ghost(rows: Rows, ghost: RunReader, name: str, end: float, x: Axis, beta: float, *, log: bool) -> float:
    """Add the previous run, at most twice as far as this one goes; return where the axis ends then.

    Losses that exploded are left out, because they would flatten the curve of this run.
    """
    ((_, places, values),) = ghost.curves(("smoothed_loss",), x=x, beta=beta)
    good = np.isfinite(values) & (values > 0 if log else values <= EXPLODED * max(values[:1], default=0.0))
    if not good.any():
        return end
    last = float(places[-1])
    end = max(end, min(last, 2 * end))
    near = places <= end
    places, values, good = places[near], values[near], good[near]
    rows.add(series=GHOST, x=places, value=np.where(good, values, np.nan), exact=values)
    if good.any():
        at = np.flatnonzero(good)[-1]
        label = f"{name} \u2192" if last > end else name
        rows.add(series=GHOST_NAME, x=places[at], value=values[at], label=label)
    return end


def _end(config: RunConfig | None, reader: RunReader | None, planned: int | None, x: Axis) -> float:
    """Return where the x axis ends: at the planned updates, as far as they are known in its unit."""
    updates = float(_far_enough(reader.updates if reader else 0, planned))
    if config is None or x == "updates":
        return updates
    if reader and (inherited := reader.inherited):  # counted as if they had the run's own batch size
        updates += position(config, int(reader.examples_seen[inherited - 1])) - inherited
    last = reader.last if reader else None
    if x == "seconds":
        budget = config.budget_value if config.budget == "seconds" else 0.0
        return max(budget, last.seconds if last else 0.0) or 1.0
    counts = plan(config)
    if x == "epochs":
        return updates / counts.updates_per_epoch
    epochs, rest = divmod(updates, counts.updates_per_epoch)
    return epochs * counts.examples_per_epoch + rest * config.effective_batch_size


def _far_enough(updates: int, planned: int | None) -> int:
    """Return where the axis ends: at the planned updates or, in a very long run, at a number that doubles as needed."""
    end = WHOLE_PLAN
    while end < updates:
        end *= 2
    return max(updates, min(planned, end)) if planned else max(updates, 1)
