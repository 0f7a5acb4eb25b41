"""Draw the evidence for a claim: the ratio of each trial with its interval, and measured points with their law."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.claims.telling import against
from core.science.judge import Outcome
from core.science.statistics import MARGIN
from core.science.trials import Line
from core.words.catalogue import Catalogue
from ui.charts.style import (
    ANY,
    BLUE,
    CLOSE,
    DATA,
    EXTENT,
    FONT,
    GREY,
    PLACE,
    TEAL,
    Rows,
    Say,
    Spec,
    held_open,
    only,
    spec,
    title_from_data,
)
from ui.charts.style import TITLE as X_TITLE

EFFECT, SEED, NAME, BAND, MIDDLE = "effect", "seed", "name", "band", "band_middle"
LEAST_REACH = 2.5  # ratio shown to either side at least, so that effects of a few percent do not fill the chart
ROWS = 5  # number of trials that fit without crowding
LAW, MEASURED, ERROR, Y_TITLE = "law", "measured", "measured_error", "y_title"


def effects(say: Say) -> Spec:
    """Draw a row for each trial: second / first on a log axis, the seeds faint, the mean with its interval."""
    ticks = [digit * 10.0**power for power in range(-6, 7) for digit in (1, 2, 5)]
    x = alt.X("x:Q", title=say("axis.effect"))
    x = x.scale(type="log", nice=False, padding=12).axis(values=ticks, format="~r", labelOverlap=True, grid=False)
    y = alt.Y("y:Q", title=None, axis=None).scale(domain=[0, ROWS], reverse=True, nice=False)
    base = alt.Chart(DATA).encode(x, y)
    tooltip = [
        alt.Tooltip("label:N", title=say("axis.trial")),
        alt.Tooltip("x:Q", title=say("axis.ratio"), format=".3~g"),
        alt.Tooltip("low:Q", title=say("axis.low"), format=".3~g"),
        alt.Tooltip("high:Q", title=say("axis.high"), format=".3~g"),
    ]
    band = alt.Chart(DATA).mark_rect(color=TEAL, opacity=0.14, tooltip=None).encode(x, alt.X2("high:Q"))
    line = alt.Chart(DATA).mark_rule(color=GREY, strokeDash=[4, 3], tooltip=None).encode(x)
    interval = base.mark_rule(color=BLUE, strokeWidth=3, tooltip=None).encode(x="low:Q", x2="high:Q")
    seeds = base.mark_tick(color=BLUE, opacity=0.45, thickness=1.5, size=12, tooltip=None)
    mean = base.mark_point(shape="diamond", filled=True, size=110, color=BLUE, opacity=1).encode(tooltip=tooltip)
    names = alt.Chart(DATA).mark_text(align="left", baseline="bottom", dy=-11, fontSize=FONT, color=GREY, tooltip=None)
    return spec(
        alt.layer(
            held_open(x, y),
            band.transform_filter(only(BAND)),
            line.transform_filter(only(MIDDLE)),
            seeds.transform_filter(only(SEED)),
            interval.transform_filter(only(EFFECT)),
            mean.transform_filter(only(EFFECT)),
            names.encode(x=alt.value(0), y=y, text="label:N").transform_filter(only(NAME)),
        ),
        height=300,
    )


def effects_table(outcomes: Sequence[Outcome], words: Catalogue) -> pa.Table:
    """Return the columns of `effects`: series, label, x, y, low, high."""
    rows = Rows("series", "label", "x", "y", "low", "high")
    shown = [outcome for outcome in outcomes if outcome.metric is not None]
    reach = LEAST_REACH
    for outcome in shown:
        ratios = _ratios(outcome)
        reach = max(reach, 1.15 * ratios.max(initial=1.0), 1.15 / ratios.min(initial=1.0))
    for number, outcome in enumerate(shown):
        y = (number + 0.75) * ROWS / max(len(shown), ROWS)
        ratios = _ratios(outcome)
        name = words.say(f"claims.arm.{outcome.claim}.{outcome.arm}")
        label = words.say("chart.effects.row", arm=name, against=against(outcome, words))
        rows.add(series=NAME, label=label, y=y)
        rows.add(series=SEED, x=ratios, y=y)
        if outcome.effect_ratio is not None and outcome.low is not None and outcome.high is not None:
            rows.add(series=EFFECT, label=name, x=outcome.effect_ratio, y=y, low=outcome.low, high=outcome.high)
    margin = math.exp(MARGIN)
    rows.add(series=BAND, x=1 / margin, high=margin)
    rows.add(series=MIDDLE, x=1.0)
    rows.add(series=EXTENT, x=[1 / reach, reach], y=0.0)
    return rows.table()


def _ratios(outcome: Outcome) -> NDArray[np.float64]:
    """Return second / first for every seed in which neither arm diverged."""
    first, second = np.asarray(outcome.first_values), np.asarray(outcome.second_values)
    both = np.isfinite(first) & np.isfinite(second)
    return np.asarray(second[both] / first[both], dtype=np.float64)


def evidence(say: Say) -> Spec:
    """Draw measured points with bars of one standard error, and their law as a dashed line."""
    return _evidence(say, alt.Scale(zero=True, nice=True), alt.Axis(format=ANY, tickCount=6, **CLOSE))


def log_evidence(say: Say) -> Spec:
    """Draw `evidence` on logarithmic axes."""
    ticks = [digit * 10.0**power for power in range(-6, 8) for digit in (1, 2, 5)]
    return _evidence(say, alt.Scale(type="log", nice=False, padding=12), alt.Axis(values=ticks, format="~r", **CLOSE))


def _evidence(say: Say, scale: alt.Scale, axis: alt.Axis) -> Spec:
    x = alt.X("x:Q", title=PLACE, scale=scale, axis=axis)
    y = alt.Y("y:Q", title=None, scale=scale, axis=axis)
    colours = [BLUE, "#d9730d", TEAL]
    key = alt.Legend(title=None, orient="top", direction="horizontal", offset=20, labelFontSize=FONT)
    base = alt.Chart(DATA).encode(x, y)
    coloured = base.encode(alt.Color("label:N", legend=key, sort=None).scale(range=colours))
    tooltip = [
        alt.Tooltip("label:N", title=say("axis.series")),
        alt.Tooltip("x:Q", title="x", format=ANY),
        alt.Tooltip("y:Q", title="y", format=ANY),
    ]
    marks = coloured.mark_point(filled=True, size=70, opacity=1)
    marks = marks.encode(alt.Shape("label:N", legend=key, sort=None).scale(range=["circle", "square", "triangle-up"]))
    words = alt.Chart(DATA).mark_text(align="left", baseline="top", dy=-16, fontSize=FONT, color=GREY, tooltip=None)
    return spec(
        alt.layer(
            held_open(x, y),
            base.mark_line(strokeDash=[6, 4], strokeWidth=2, color=GREY, tooltip=None).transform_filter(only(LAW)),
            base.mark_rule(strokeWidth=2, color=BLUE, tooltip=None)
            .encode(y="low:Q", y2="high:Q")
            .transform_filter(only(ERROR)),
            marks.encode(tooltip=tooltip).transform_filter(only(MEASURED)),
            words.encode(x=alt.value(0), y=alt.value(0), text="label:N").transform_filter(only(Y_TITLE)),
            title_from_data(),
        ),
        height=300,
    )


def evidence_table(claim: str, lines: Sequence[Line], say: Callable[..., str]) -> pa.Table:
    """Return the columns of `evidence` and `log_evidence`: series, label, x, y, low, high."""
    rows = Rows("series", "label", "x", "y", "low", "high")
    rows.add(series=X_TITLE, label=say(f"claims.evidence.{claim}.x"))
    rows.add(series=Y_TITLE, label=say(f"claims.evidence.{claim}.y"))
    for line in lines:
        x, y = np.array(line.x), np.array(line.y)
        if line.name == LAW:
            rows.add(series=LAW, x=x, y=y)
            continue
        rows.add(series=MEASURED, label=say(f"claims.evidence.{claim}.{line.name}"), x=x, y=y)
        if line.error:
            error = np.array(line.error)
            rows.add(series=ERROR, x=x, y=y, low=y - error, high=y + error)
    return rows.table()
