"""Draw the comparison of schedules: the loss and the rate of each, and how its peak rate was found. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.schedule_bench.arms import ARMS, CONSTANT, EPOCHS, EXAMPLES, ONE_RATE, RATES
from core.schedule_bench.plans import rate_plan
from core.schedule_bench.results import Bench, Trained
from ui.charts.style import BLUE, COUNT, DATA, EXTENT, GREY, Rows, Say, Spec, held_open, only, spec

Floats = NDArray[np.float64]

OTHER, BASELINE, CHOSEN, BAND, EXACT, POINT = "other", "constant", "chosen", "band", "exact", "point"
NAME_ABOVE, NAME_BELOW, BEST, RULE = "name_above", "name_below", "best", "rule"
INK = "currentColor"  # the colour of the page's text, light or dark
LOWEST, HIGHEST = 4e-4, 0.5  # excess losses drawn; the differences are near the optimum
SEEN = float(EPOCHS * EXAMPLES)  # examples seen at the end
ROOM = 1.2  # factor by which the axis extends beyond the rates
POINTS = 256  # most points drawn of one plan
FEW_TICKS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3]
TICKS = [digit * 10.0**power for power in range(-7, 4) for digit in (1, 2, 5)]


def schedule_curves(say: Say) -> Spec:
    """Draw the excess loss of every arm against examples; the chosen one has a band and its expectation."""
    x, y = _examples(say), _excess(say)
    base = alt.Chart(DATA).encode(x, y)
    tooltip = [
        *_tooltip(say, "axis.schedules.seen", COUNT, "axis.schedules.excess", ".3~g"),
        alt.Tooltip("low:Q", title=say("axis.schedules.lowest"), format=".3~g"),
        alt.Tooltip("high:Q", title=say("axis.schedules.highest"), format=".3~g"),
    ]
    band = base.mark_area(color=BLUE, opacity=0.16, tooltip=None).encode(y=y, y2="high:Q")
    return spec(
        alt.layer(
            held_open(x, y),
            band.transform_filter(only(BAND)),
            *_lines(base),
            *_names(base),
            _points(base, tooltip),
        ),
        height=430,
    )


def schedule_curves_table(
    trained: Mapping[str, Trained], chosen: str, batch_size: int, say: Callable[..., str]
) -> pa.Table:
    """Return the columns of `schedule_curves`: series, row (an arm), label, x, value, low, high."""
    rows = Rows("series", "row", "label", "x", "value", "low", "high")
    rows.add(series=EXTENT, x=[0.0, SEEN], value=[LOWEST, HIGHEST])
    for arm in ARMS:
        each, plan = trained[arm], rate_plan(arm, batch_size)
        x = plan.seen[plan.marks].astype(float)
        middle, low, high, exact = (np.array(values) for values in (each.middle, each.lowest, each.highest, each.exact))
        told = high < HIGHEST
        rows.add(series=_series(arm, chosen), row=arm, x=x[told], value=middle[told])
        name = say(f"schedules.arm.{arm}")
        rows.add(series=POINT, label=name, x=x[told], value=middle[told], low=low[told], high=high[told])
        if arm == chosen:
            rows.add(series=BAND, x=x[told], value=low[told], high=high[told])
            rows.add(series=EXACT, x=x[exact < HIGHEST], value=exact[exact < HIGHEST])
    _add_names(rows, {arm: (SEEN, trained[arm].middle[-1]) for arm in (CONSTANT, chosen)}, chosen, say)
    return rows.table()


def schedule_rates(say: Say) -> Spec:
    """Draw the rate / batch size of every arm against examples, relative to its first value."""
    x = _examples(say)
    y = alt.Y("value:Q", title=say("axis.schedules.share")).scale(domain=[0, 1.05], nice=False)
    base = alt.Chart(DATA).encode(x, y.axis(tickCount=4, format="~%"))
    tooltip = _tooltip(say, "axis.schedules.seen", COUNT, "axis.schedules.share", ".1~%")
    return spec(
        alt.layer(held_open(x, y), *_lines(base, interpolate="step-after"), _points(base, tooltip)),
        height=205,
    )


def schedule_rates_table(
    trained: Mapping[str, Trained], chosen: str, batch_size: int, say: Callable[..., str]
) -> pa.Table:
    """Return the columns of `schedule_rates`: series, row (an arm), label, x, value."""
    rows = Rows("series", "row", "label", "x", "value")
    rows.add(series=EXTENT, x=[0.0, SEEN], value=[0.0, 1.0])
    for arm in ARMS:
        x, value = _in_epochs(trained[arm].shares) if trained[arm].shares else _planned(arm, batch_size)
        rows.add(series=_series(arm, chosen), row=arm, x=x, value=value)
        told = slice(None, None, 8)
        rows.add(series=POINT, label=say(f"schedules.arm.{arm}"), x=x[told], value=value[told])
    return rows.table()


def schedule_tuning(say: Say) -> Spec:
    """Draw the final loss of every arm at each peak rate tried; the chosen one has its expectation."""
    x = alt.X("x:Q", title=say("axis.schedules.peak")).scale(type="log", base=2, nice=False, padding=6)
    x = x.axis(values=list(RATES), format="~g", labelOverlap=True, labelFlush=True, grid=False)
    y = _excess(say).axis(values=FEW_TICKS, format="~r")
    base = alt.Chart(DATA).encode(x, y)
    tooltip = _tooltip(say, "axis.schedules.peak", "~g", "axis.schedules.excess", ".3~g")
    ring = base.mark_point(size=150, filled=False, stroke=BLUE, strokeWidth=2, opacity=1, tooltip=None)
    rule = alt.Chart(DATA).mark_rule(color=GREY, strokeDash=[2, 3], tooltip=None).encode(x)
    return spec(
        alt.layer(
            held_open(x, y),
            rule.transform_filter(only(RULE)),
            *_lines(base),
            ring.transform_filter(only(BEST)),
            _points(base, tooltip),
        ),
        height=235,
    )


def schedule_tuning_table(bench: Bench, chosen: str, say: Callable[..., str]) -> pa.Table:
    """Return the columns of `schedule_tuning`: series, row (an arm), label, x, value."""
    rows, rates = Rows("series", "row", "label", "x", "value"), np.array(RATES)
    rows.add(series=EXTENT, x=[RATES[0] / ROOM, RATES[-1] * ROOM], value=[LOWEST, HIGHEST])
    rows.add(series=RULE, x=ONE_RATE)
    for arm in ARMS:
        ends, expected = np.array(bench.tried[arm]), np.array(bench.expected[arm])
        told = ends < HIGHEST
        rows.add(series=_series(arm, chosen), row=arm, x=rates[told], value=ends[told])
        rows.add(series=POINT, label=say(f"schedules.arm.{arm}"), x=rates[told], value=ends[told])
        if arm == chosen:
            rows.add(series=EXACT, x=rates[expected < HIGHEST], value=expected[expected < HIGHEST])
            peak = bench.tuned[arm].peak
            rows.add(series=BEST, x=peak, value=min(ends[RATES.index(peak)], HIGHEST))
    return rows.table()


# Shared parts

LINES: tuple[tuple[str, float, dict[str, Any]], ...] = (  # colour, width and further options of each kind
    (GREY, 1.1, {"opacity": 0.45}),
    (GREY, 2.2, {}),
    (BLUE, 2.8, {}),
    (INK, 1.5, {"strokeDash": [6, 4]}),
)


def _examples(say: Say) -> alt.X:
    x = alt.X("x:Q", title=say("axis.schedules.seen")).scale(zero=True, nice=False)
    return x.axis(format=COUNT, tickCount=5, grid=False)


def _excess(say: Say) -> alt.Y:
    y = alt.Y("value:Q", title=say("axis.schedules.excess")).scale(type="log", nice=False)
    return y.axis(values=TICKS, format="~r", labelOverlap=True)


def _tooltip(say: Say, x: str, x_format: str, value: str, value_format: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title=say("axis.schedules.arm")),
        alt.Tooltip("x:Q", title=say(x), format=x_format),
        alt.Tooltip("value:Q", title=say(value), format=value_format),
    ]


def _lines(base: alt.Chart, *, interpolate: Literal["linear", "step-after"] = "linear") -> list[alt.Chart]:
    """Return the lines of other arms, the constant rate, the chosen arm and the dashed expectation, in this order."""
    others, baseline, chosen, exact = (
        base.mark_line(color=colour, strokeWidth=width, interpolate=interpolate, tooltip=None, **more)
        for colour, width, more in LINES
    )
    others = others.encode(detail="row:N")
    layers = ((others, OTHER), (baseline, BASELINE), (chosen, CHOSEN), (exact, EXACT))
    return [layer.transform_filter(only(series)) for layer, series in layers]


def _points(base: alt.Chart, tooltip: list[alt.Tooltip]) -> alt.Chart:
    points: alt.Chart = base.mark_point(opacity=0, size=70, filled=True).encode(tooltip=tooltip)
    return points.transform_filter(only(POINT))


def _names(base: alt.Chart) -> list[alt.Chart]:
    words: dict[str, Any] = {"align": "right", "fontSize": 12, "color": INK, "tooltip": None}
    above, below = base.mark_text(baseline="bottom", dy=-9, **words), base.mark_text(baseline="top", dy=9, **words)
    return [
        above.encode(text="label:N").transform_filter(only(NAME_ABOVE)),
        below.encode(text="label:N").transform_filter(only(NAME_BELOW)),
    ]


def _add_names(rows: Rows, places: Mapping[str, tuple[float, float]], chosen: str, say: Callable[..., str]) -> None:
    """Add names at the ends of the lines: the higher line is named above, the lower one below."""
    other = next((value for arm, (_, value) in places.items() if arm != chosen), 0.0)
    for arm, (x, value) in places.items():
        if not value < HIGHEST:
            continue
        against = other if arm == chosen else places[chosen][1]
        is_above = value > against or (value == against and arm != chosen)
        rows.add(series=NAME_ABOVE if is_above else NAME_BELOW, label=say(f"schedules.arm.{arm}"), x=x, value=value)


def _series(arm: str, chosen: str) -> str:
    return CHOSEN if arm == chosen else BASELINE if arm == CONSTANT else OTHER


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
