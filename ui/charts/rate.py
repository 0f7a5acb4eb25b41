"""Draw the learning rate: the planned rate dashed, the actual one over it, and the current update."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.run.choices.schedules import SCHEDULES
from core.run.config import RunConfig
from core.run.plan import is_planned_otherwise, rate_factor
from core.store.facts import Facts
from core.store.reader import POINTS, RunReader
from ui.charts.changes import Marks, add_changes, change_layers
from ui.charts.columns import columns
from ui.charts.pointer import add_pointer, pointer, spread, zooming
from ui.charts.style import (
    BLUE,
    CAPTION,
    COUNT,
    DATA,
    EXTENT,
    GREY,
    Rows,
    Say,
    Spec,
    caption_from_data,
    evenly,
    held_open,
    linear,
    only,
    row_of_names,
    spec,
)

Line = NDArray[np.float64]
INTENDED, INTENDED_NAME = "intended", "intended_name"
HERE, HERE_NAME = "here", "here_name"
BESIDE_KEY, BESIDE_TITLE = -3, -24  # pixels above the plot: the row of the legend, and that of the title


def rate(say: Say) -> Spec:
    """Draw the chart next to the loss."""
    return _rate(say, is_preview=False)


def small_rate(say: Say) -> Spec:
    """Draw the preview in the form, which shows only the plan."""
    return _rate(say, is_preview=True)


def _rate(say: Say, *, is_preview: bool) -> Spec:
    names = ["planned", "actual"]
    legend = None if is_preview else row_of_names(say, names)
    x = linear(alt.X("x:Q", title=say("axis.update")), ticks=4 if is_preview else 6, nice=False)
    y = alt.Y("value:Q", title=say("axis.rate.short" if is_preview else "axis.rate"))
    y = linear(y, ticks=2 if is_preview else 4)
    dash = alt.StrokeDash("series:N", legend=legend).scale(domain=names, range=[[5, 4], [1, 0]])
    colour = alt.Color("series:N", legend=legend).scale(domain=names, range=[GREY, BLUE])
    base = alt.Chart(DATA).encode(x, y)
    series = base.encode(colour, dash)
    frame = held_open(x, y)
    kinds = [(say(f"series.{kind}"), "") for kind in ("planned", "actual")]
    layers = [
        frame if is_preview else zooming(frame),
        pointer((say("axis.update"), COUNT), *kinds[: 1 if is_preview else 2]),
        base.mark_line(strokeWidth=1.5, strokeDash=[1, 3], color=GREY, tooltip=None, clip=True).transform_filter(
            only(INTENDED)
        ),
        series.mark_line(strokeWidth=5, opacity=0.5, tooltip=None, clip=True).transform_filter(only("actual")),
        series.mark_line(strokeWidth=1.5, tooltip=None, clip=True).transform_filter(only("planned")),
    ]
    if is_preview:
        return spec(alt.layer(*layers), height=110, columns=_columns(say))
    point = base.mark_point(filled=True, size=70, color=BLUE, opacity=1, tooltip=None, clip=True)
    layers += [point.transform_filter(only(HERE)), *change_layers(x), caption_from_data()]
    above = alt.Chart(DATA).mark_text(align="right", baseline="bottom", tooltip=None, clip=False)
    for name, row in ((HERE_NAME, BESIDE_KEY), (INTENDED_NAME, BESIDE_TITLE)):
        words = above.encode(x=alt.value("width"), y=alt.value(row), text="label:N")
        layers.append(words.transform_filter(only(name)))
    return spec(alt.layer(*layers), height=190, title=say("chart.rate"), columns=_columns(say))


def _columns(say: Say) -> dict[str, str]:
    return columns(say, x=say("axis.update"), value=say("axis.rate"))


def rate_table(
    config: RunConfig,
    horizon: int | None,
    reader: RunReader | None,
    say: Callable[..., str],
    *,
    marks: Marks = (),
    caption: str = "",
) -> pa.Table:
    """Return the columns series, x, value, exact and label of `rate`.

    Without a horizon, or under plateau, there is no plan. A schedule planned for a different batch size is drawn
    together with the one for the run's own batch size.
    """
    end = float(max(horizon or 1, reader.updates if reader else 0))
    rows = Rows("series", "x", "value", "exact", "label")
    planned = (np.zeros(0), np.zeros(0))
    record = reader.record if reader else None
    facts = record.facts if record else Facts()
    is_to_go_on = bool(record and record.parent and not facts.has_begun)  # the first update is not known yet
    if horizon and not SCHEDULES[config.schedule].is_feedback and not is_to_go_on:
        since = facts.first, facts.shift
        places, rates = planned = planned_rates(config, horizon, *since)
        rows.add(series="planned", x=places, value=rates)
        if is_planned_otherwise(config, horizon):
            places, rates = planned_rates(config.replace(schedule_batch_size=None), horizon, *since)
            rows.add(series=INTENDED, x=places, value=rates)
            name = say("chart.rate.intended", size=config.batch_size)
            rows.add(series=INTENDED_NAME, label=f"\u2508 {name}")
    if reader:
        ((_, places, rates),) = reader.curves(("rate",))
        rows.add(series="actual", x=places, value=rates)
        rows.add(series=HERE, x=places[-1:], value=rates[-1:])
        if len(places):
            rows.add(series=HERE_NAME, label=f"\u25cf {say('chart.rate.here')}")
    _add_pointer(rows, planned, reader.rates if reader else np.zeros(0, np.float32))
    add_changes(rows, marks, reader, end=end, top=2, lines=2, after=False)
    rows.add(series=EXTENT, x=[0.0, end], value=[0.0, config.lr])
    rows.add(series=CAPTION, label=caption)
    return rows.table()


def _add_pointer(rows: Rows, planned: tuple[Line, Line], made: NDArray[np.float32]) -> None:
    """Add what the pointer tells: the planned rate, and the actual one of the updates `made` so far."""
    places, rates = planned
    chosen = evenly(len(places))
    at = places[chosen] if len(places) else spread(len(made)).astype(np.float64)
    actual = np.full(len(at), np.nan)
    is_made = at <= len(made)
    actual[is_made] = made[at[is_made].astype(np.int64) - 1]
    add_pointer(rows, at, rates[chosen] if len(places) else np.full(len(at), np.nan), actual)


@lru_cache(maxsize=64)
def planned_rates(config: RunConfig, horizon: int, first: int = 0, shift: int = 0) -> tuple[Line, Line]:
    """Return at most POINTS of the updates 1 ... U, including the first and the last, and the planned rate of each.

    A run that continues another one begins after its `first` updates, with the schedule shifted by `shift` updates.
    """
    count = max(1, horizon - first)
    updates = first + np.unique(np.linspace(0, count - 1, min(count, POINTS)).round().astype(int))
    rates = np.array([config.lr * rate_factor(config, int(t) + shift, horizon + shift) for t in updates])
    return updates + 1.0, rates
