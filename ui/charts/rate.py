"""Draw the learning rate: the planned rate dashed, the actual one over it, and the current update."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

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
from ui.charts.style import (
    ANY,
    BLUE,
    COUNT,
    DATA,
    EXTENT,
    FONT,
    GREY,
    RATE,
    Rows,
    Say,
    Spec,
    held_open,
    hover,
    labels,
    only,
    spec,
)

INTENDED, INTENDED_NAME = "intended", "intended_name"
HIGH = 0.6  # share of the axis: a label above it may overlap the label of a change
HERE, HERE_EARLY, HERE_LATE = "here", "here_early", "here_late"  # the label stands on the side that has room


def rate(say: Say) -> Spec:
    """Draw the chart next to the loss."""
    return _rate(say, height=190, title=say("chart.rate"), key=True)


def small_rate(say: Say) -> Spec:
    """Draw the preview in the form, which shows only the plan."""
    return _rate(say, height=110, title=None, key=False)


def _rate(say: Say, *, height: int, title: str | None, key: bool) -> Spec:
    names = ["planned", "actual"]
    legend = alt.Legend(title=None, orient="bottom-left", labelExpr=labels(say, names), symbolStrokeWidth=2)
    ticks = 6 if key else 4
    x = alt.X("x:Q", title=say("axis.update")).scale(zero=True, nice=False)
    close: dict[str, Any] = {} if key else {"titlePadding": 2, "labelPadding": 2}
    x = x.axis(format=COUNT, tickCount=ticks, tickMinStep=1, **close)
    y = alt.Y("value:Q", title=say("axis.rate") if key else say("axis.rate.short")).scale(zero=True)
    y = y.axis(tickCount=4 if key else 2, format=ANY, **close)
    dash = alt.StrokeDash("series:N", legend=legend if key else None).scale(domain=names, range=[[5, 4], [1, 0]])
    colour = alt.Color("series:N", legend=legend if key else None).scale(domain=names, range=[GREY, BLUE])
    at = alt.Tooltip("x:Q", title=say("axis.update"), format=COUNT)
    base = alt.Chart(DATA).encode(x, y)
    series = base.encode(colour, dash)
    name = base.mark_text(baseline="bottom", align="left", dx=5, dy=-3, color=GREY, fontSize=FONT, tooltip=None)
    words = base.encode(text="label:N")
    layers = [
        held_open(x, y),
        base.mark_line(strokeWidth=1.5, strokeDash=[1, 3], color=GREY, tooltip=None).transform_filter(only(INTENDED)),
        name.encode(text="label:N").transform_filter(only(INTENDED_NAME)),
        series.mark_line(strokeWidth=5, opacity=0.5, tooltip=None).transform_filter(only("actual")),
        series.mark_line(strokeWidth=1.5, tooltip=None).transform_filter(only("planned")),
        hover(base, "planned", at, alt.Tooltip("value:Q", title=say("series.planned"), format=RATE)),
    ]
    if key:
        layers[1:1] = change_layers(x)
        layers += [
            hover(base, "actual", at, alt.Tooltip("value:Q", title=say("series.actual"), format=RATE)),
            base.mark_point(filled=True, size=70, color=BLUE, opacity=1, tooltip=None).transform_filter(only(HERE)),
            words.mark_text(align="left", dx=7, dy=-8, color=GREY, fontSize=FONT, tooltip=None).transform_filter(
                only(HERE_EARLY)
            ),
            words.mark_text(align="right", dx=6, dy=-14, color=GREY, fontSize=FONT, tooltip=None).transform_filter(
                only(HERE_LATE)
            ),
        ]
    return spec(alt.layer(*layers), height=height, title=title)


def rate_table(
    config: RunConfig,
    horizon: int | None,
    reader: RunReader | None,
    say: Callable[..., str],
    *,
    marks: Marks = (),
) -> pa.Table:
    """Return the columns series, x, value and label of `rate`. Without a horizon, or under plateau, there is no plan.

    A schedule planned for a different batch size is drawn together with the one for the run's own batch size.
    """
    end = float(max(horizon or 1, reader.updates if reader else 0))
    rows = Rows("series", "x", "value", "label")
    rows.add(series=EXTENT, x=[0.0, end], value=[0.0, config.lr])
    crowded = add_changes(rows, marks, reader, end=end, top=2, lines=2, after=False)
    record = reader.record if reader else None
    facts = record.facts if record else Facts()
    is_to_go_on = bool(record and record.parent and not facts.has_begun)  # the first update is not known yet
    if horizon and not SCHEDULES[config.schedule].is_feedback and not is_to_go_on:
        since = facts.first, facts.shift
        places, rates = planned_rates(config, horizon, *since)
        rows.add_line("planned", places, rates)
        if is_planned_otherwise(config, horizon):
            places, rates = planned_rates(config.replace(schedule_batch_size=None), horizon, *since)
            rows.add(series=INTENDED, x=places, value=rates)
            third, name = len(places) // 3, say("chart.rate.intended", size=config.batch_size)
            rows.add(series=INTENDED_NAME, x=places[third], value=rates[third], label=name)
    if reader:
        ((_, places, rates),) = reader.curves(("rate",))
        rows.add_line("actual", places, rates)
        rows.add(series=HERE, x=places[-1:], value=rates[-1:])
        late = len(places) and places[-1] > 0.7 * end
        if not (len(places) and places[-1] < crowded and rates[-1] > HIGH * max(config.lr, np.max(rates))):
            rows.add(
                series=HERE_LATE if late else HERE_EARLY, x=places[-1:], value=rates[-1:], label=say("chart.rate.here")
            )
    return rows.table()


@lru_cache(maxsize=64)
def planned_rates(
    config: RunConfig, horizon: int, first: int = 0, shift: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return at most POINTS of the updates 1 ... U, including the first and the last, and the planned rate of each.

    A run that continues another one begins after its `first` updates, with the schedule shifted by `shift` updates.
    """
    count = max(1, horizon - first)
    updates = first + np.unique(np.linspace(0, count - 1, min(count, POINTS)).round().astype(int))
    rates = np.array([config.lr * rate_factor(config, int(t) + shift, horizon + shift) for t in updates])
    return updates + 1.0, rates
