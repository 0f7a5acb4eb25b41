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
    CAPTION,
    DATA,
    EXTENT,
    FONT,
    GREY,
    NUMBER,
    OUTSIDE,
    PLACE,
    TEAL,
    Rows,
    Say,
    Spec,
    caption_from_data,
    held_open,
    in_words,
    linear,
    logarithmic,
    only,
    readable,
    spec,
    title_from_data,
)
from ui.charts.style import TITLE as X_TITLE

EFFECT, SEED, NAME, BAND, MIDDLE = "effect", "seed", "name", "band", "band_middle"
LEAST_REACH = 2.5  # ratio shown to either side at least, so that effects of a few percent do not fill the chart
LAW, MEASURED, ERROR, Y_TITLE = "law", "measured", "measured_error", "y_title"
ROW_HEIGHT, HALF = 58, 10  # pixels of a trial, and of its marks above and below their middle
MARKS = 0.8  # share of a row above the middle of its marks: two lines of its name fit there
AROUND = 110  # pixels for the title, the axis and the caption
NARROW = 560  # pixels of a plot in which the name of a row takes two lines
NAMES = ("", "")


def effects(say: Say, names: Sequence[str] = NAMES) -> Spec:
    """Draw a row for each trial: second / first on a log axis, the seeds faint, the mean with its interval.

    `names` are the heading and the names of the trials.
    """
    heading, *trials = names
    x = logarithmic(alt.X("x:Q", title=say("axis.effect")), grid=False)
    y = alt.Y("y:Q", title=None, axis=None).scale(domain=[0, max(len(trials), 1)], reverse=True, nice=False)
    base, y2 = alt.Chart(DATA).encode(x, y), alt.Y2("y:Q")
    tooltip = [
        alt.Tooltip("label:N", title=say("axis.trial")),
        alt.Tooltip("x:Q", title=say("axis.ratio"), format=NUMBER),
        alt.Tooltip("low:Q", title=say("axis.low"), format=NUMBER),
        alt.Tooltip("high:Q", title=say("axis.high"), format=NUMBER),
    ]
    # The band and its middle are drawn row by row, so that they cross no name.
    band = base.mark_rect(color=TEAL, opacity=0.14, tooltip=None, yOffset=-HALF, y2Offset=HALF)
    middle = base.mark_rule(color=GREY, strokeDash=[4, 3], tooltip=None, yOffset=-HALF, y2Offset=HALF)
    interval = base.mark_rule(color=BLUE, strokeWidth=3, tooltip=None).encode(x="low:Q", x2="high:Q")
    seeds = base.mark_tick(color=BLUE, opacity=0.45, thickness=1.5, size=12, tooltip=None)
    mean = base.mark_point(shape="diamond", filled=True, size=110, color=BLUE, opacity=1).encode(tooltip=tooltip)
    lines = f"width < {NARROW} ? split(datum.label, '\\n') : replace(datum.label, '\\n', ' ')"
    named = alt.Chart(DATA).mark_text(
        align="left",
        baseline="bottom",
        dx=-OUTSIDE,
        dy=alt.expr(f"width < {NARROW} && indexof(datum.label, '\\n') >= 0 ? {-HALF - 2 - FONT - 2} : {-HALF - 2}"),
        fontSize=FONT,
        color=GREY,
        tooltip=None,
        text=alt.expr(lines),
        lineHeight=FONT + 2,
    )
    return spec(
        alt.layer(
            held_open(x, y),
            band.encode(y2=y2, x2="high:Q").transform_filter(only(BAND)),
            middle.encode(y2=y2).transform_filter(only(MIDDLE)),
            seeds.transform_filter(only(SEED)),
            interval.transform_filter(only(EFFECT)),
            mean.transform_filter(only(EFFECT)),
            named.encode(x=alt.value(0), y=y).transform_filter(only(NAME)),
            caption_from_data(line=1),
        ),
        height=AROUND + ROW_HEIGHT * max(len(trials), 1),
        title=heading or None,
    )


def effects_table(outcomes: Sequence[Outcome], words: Catalogue, *, caption: str = "") -> pa.Table:
    """Return the columns of `effects`: series, label, x, y, low, high. `outcomes` are those of `compared`."""
    rows = Rows("series", "label", "x", "y", "low", "high")
    rows.add(series=CAPTION, label=caption)
    margin, reach = math.exp(MARGIN), LEAST_REACH
    for outcome in outcomes:
        ratios = _ratios(outcome)
        reach = max(reach, 1.15 * ratios.max(initial=1.0), 1.15 / ratios.min(initial=1.0))
    for number, outcome in enumerate(outcomes):
        y, ratios = number + MARKS, _ratios(outcome)
        name = words.say(f"claims.arm.{outcome.claim}.{outcome.arm}")
        label = words.say("chart.effects.row", arm=name, against=against(outcome, words))
        rows.add(series=NAME, label=label, y=y)
        rows.add(series=BAND, x=1 / margin, high=margin, y=y)
        rows.add(series=MIDDLE, x=1.0, y=y)
        rows.add(series=SEED, label=name, x=ratios, y=y)
        if outcome.effect_ratio is not None and outcome.low is not None and outcome.high is not None:
            rows.add(series=EFFECT, label=name, x=outcome.effect_ratio, y=y, low=outcome.low, high=outcome.high)
    rows.add(series=EXTENT, x=[1 / reach, reach], y=0.0)
    return rows.table()


def compared(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes that compare two arms, which `effects` draws."""
    return [outcome for outcome in outcomes if outcome.metric is not None]


def readable_effects(table: pa.Table, say: Say) -> pa.Table:
    """Return what is shown as the data of `effects`: each trial's mean with its interval, and its seeds."""
    names = {"label": say("axis.trial"), "x": say("axis.ratio"), "low": say("axis.low"), "high": say("axis.high")}
    return readable(table, names, EFFECT, SEED)


def _ratios(outcome: Outcome) -> NDArray[np.float64]:
    """Return second / first for every seed in which neither arm diverged."""
    first, second = np.asarray(outcome.first_values), np.asarray(outcome.second_values)
    both = np.isfinite(first) & np.isfinite(second)
    return np.asarray(second[both] / first[both], dtype=np.float64)


def evidence(say: Say, names: Sequence[str] = NAMES) -> Spec:
    """Draw measured points with bars of one standard error, and their law as a dashed line; `names` is a heading."""
    return _evidence(say, names, linear(alt.X("x:Q", title=PLACE), ticks=6), linear(alt.Y("y:Q", title=None), ticks=6))


def log_evidence(say: Say, names: Sequence[str] = NAMES) -> Spec:
    """Draw `evidence` on logarithmic axes."""
    return _evidence(say, names, logarithmic(alt.X("x:Q", title=PLACE)), logarithmic(alt.Y("y:Q", title=None)))


def _evidence(say: Say, names: Sequence[str], x: alt.X, y: alt.Y) -> Spec:
    colours = [BLUE, "#d9730d", TEAL]
    key = alt.Legend(title=None, orient="top", direction="horizontal", offset=22, labelLimit=0)
    law = alt.Legend(
        title=None,
        orient="top",
        offset=22,
        labelExpr=in_words({LAW: say("chart.evidence.law")}),
        symbolType="stroke",
        symbolSize=300,
        symbolStrokeColor=GREY,
    )
    base = alt.Chart(DATA).encode(x, y)
    coloured = base.encode(alt.Color("label:N", legend=key, sort=None).scale(range=colours))
    tooltip = [
        alt.Tooltip("label:N", title=say("axis.series")),
        alt.Tooltip("x:Q", title="x", format=ANY),
        alt.Tooltip("y:Q", title="y", format=ANY),
    ]
    marks = coloured.mark_point(filled=True, size=70, opacity=1)
    marks = marks.encode(alt.Shape("label:N", legend=key, sort=None).scale(range=["circle", "square", "triangle-up"]))
    words = alt.Chart(DATA).mark_text(align="left", baseline="top", dy=-18, fontSize=FONT, color=GREY, tooltip=None)
    line = base.mark_line(strokeWidth=2, color=GREY, tooltip=None)
    return spec(
        alt.layer(
            held_open(x, y),
            line.encode(alt.StrokeDash("series:N", legend=law).scale(range=[[6, 4]])).transform_filter(only(LAW)),
            base.mark_rule(strokeWidth=2, color=BLUE, tooltip=None)
            .encode(y="low:Q", y2="high:Q")
            .transform_filter(only(ERROR)),
            marks.encode(tooltip=tooltip).transform_filter(only(MEASURED)),
            words.encode(x=alt.value(0), y=alt.value(0), text="label:N").transform_filter(only(Y_TITLE)),
            title_from_data(),
            caption_from_data(line=1),
        ),
        height=340,
        title=names[0] or None,
    )


def evidence_table(claim: str, lines: Sequence[Line], say: Callable[..., str], *, caption: str = "") -> pa.Table:
    """Return the columns of `evidence` and `log_evidence`: series, label, x, y, low, high."""
    rows = Rows("series", "label", "x", "y", "low", "high")
    rows.add(series=CAPTION, label=caption)
    rows.add(series=X_TITLE, label=say(f"claims.evidence.{claim}.x"))
    rows.add(series=Y_TITLE, label=say(f"claims.evidence.{claim}.y"))
    for line in lines:
        x, y = np.array(line.x), np.array(line.y)
        if line.name == LAW:
            rows.add(series=LAW, label=say("chart.evidence.law"), x=x, y=y)
            continue
        rows.add(series=MEASURED, label=say(f"claims.evidence.{claim}.{line.name}"), x=x, y=y)
        if line.error:
            error = np.array(line.error)
            rows.add(series=ERROR, x=x, y=y, low=y - error, high=y + error)
    return rows.table()


def readable_evidence(table: pa.Table, claim: str, say: Callable[..., str]) -> pa.Table:
    """Return what is shown as the data of `evidence` and `log_evidence`: the measured points and their law."""
    x, y = say(f"claims.evidence.{claim}.x"), say(f"claims.evidence.{claim}.y")
    return readable(table, {"label": say("axis.series"), "x": x, "y": y}, MEASURED, LAW)
