"""Draw the gradients of random batches at one point, and the law of their length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np
import pyarrow as pa

from core.trajectories.noise import Law, Measured
from core.trajectories.problems import ASPECT, Array
from core.words.catalogue import Catalogue
from ui.charts.columns import columns
from ui.charts.pointer import told, zooming
from ui.charts.style import (
    COUNT,
    DATA,
    EXTENT,
    GREY,
    PAGE_INK,
    TEAL,
    Rows,
    Say,
    Spec,
    held_open,
    label,
    linear,
    only,
    spec,
)
from ui.charts.trajectory import SIDE_COLOURS, SIDE_SHAPES, SIDES, one_scale

SINGLE = "single"  # a batch of a single example
KINDS = [SINGLE, *SIDES]  # back to front
DRAW, RING, NAME, FULL = "draw", "ring", "name", "full"
MEAN, LINE = "mean", "law"
RING_POINTS = 72
ROOM = 1.15  # the axes reach this many times as far as the farthest draw
ERRORS, DEVIATIONS = 2, 2  # standard errors on each side of a bar, and standard deviations of a ring
NEAR = 0.03  # share of the axis within which points share a name


def cloud(say: Say) -> Spec:
    """Draw the gradients of single examples, of small and of large batches around the full gradient."""
    held, base = one_scale(say("axis.gradient1"), say("axis.gradient2"))
    colour = alt.Color("row:N", legend=None).scale(domain=KINDS, range=[GREY, *SIDE_COLOURS])
    shape = alt.Shape("row:N", legend=None).scale(domain=KINDS, range=["triangle-up", *SIDE_SHAPES])
    tooltip = told(
        (say("axis.batch_size"), "datum.size", COUNT),
        (say("axis.gradient1"), "datum.x", ".3f"),
        (say("axis.gradient2"), "datum.y", ".3f"),
    )
    draws = base.mark_point(filled=True, size=16, opacity=0.5, clip=True).encode(colour, shape, tooltip=tooltip)
    rings = base.mark_line(interpolate="cardinal-closed", strokeDash=[5, 4], strokeWidth=1.8, tooltip=None, clip=True)
    leaders = base.mark_rule(strokeWidth=0.8, color=PAGE_INK, opacity=0.6, tooltip=None, clip=True).encode(
        x2=alt.value("width")
    )
    named = base.encode(x=alt.value("width"))
    over = label(named, NAME, align="right", baseline="bottom", dy=-2, clip=True)
    under = label(named, NAME, align="right", baseline="top", dy=3, clip=True)
    full = base.mark_point(shape="cross", size=110, filled=True, opacity=1, color=PAGE_INK, clip=True)
    return spec(
        alt.layer(
            held,
            draws.transform_filter(only(DRAW)),
            rings.encode(colour, order="order:Q").transform_filter(only(RING)),
            full.encode(tooltip=tooltip).transform_filter(only(FULL)),
            leaders.transform_filter(only(NAME)),
            *(each.transform_filter("datum.row != 'large'") for each in over),
            *(each.transform_filter("datum.row == 'large'") for each in under),
        ),
        height=380,
        columns=columns(say, x=say("axis.gradient1"), y=say("axis.gradient2"), size=say("axis.batch_size")),
    )


def cloud_table(clouds: Mapping[str, tuple[int, Array]], law: Law, full: Array, words: Catalogue) -> pa.Table:
    """Return the columns of `cloud`: series, row, label, x and y (components of a gradient), order and size.

    `clouds` maps a kind, one of KINDS, to a batch size and gradients (draws, 2). `full` (2,) is the gradient of all
    examples. A ring lies two standard deviations of a batch's gradient, as the law gives them, from `full`.
    """
    rows = Rows("series", "row", "label", "x", "y", "order", "size")
    across, up = np.max([np.abs(draws - full).max(0) for _, draws in clouds.values()], axis=0)
    half = ROOM * max(up, across / ASPECT, 1e-9)
    low, high = full - half * np.array([ASPECT, 1.0]), full + half * np.array([ASPECT, 1.0])
    rows.add(series=EXTENT, x=[low[0], high[0]], y=[low[1], high[1]])
    ring = _ring(law)
    for kind, (size, draws) in clouds.items():
        rows.add(series=DRAW, row=[kind] * len(draws), x=draws[:, 0], y=draws[:, 1], size=size)
        x, y = (full + np.sqrt(law.share(size)) * ring).T
        rows.add(series=RING, row=[kind] * RING_POINTS, x=x, y=y, order=np.arange(RING_POINTS), size=size)
        # The two smaller rings may be close together: one has its name at the top, the other at the bottom.
        named = y.argmin() if kind == "large" else y.argmax()
        rows.add(
            series=NAME,
            row=kind,
            label=words.say(f"chart.cloud.{kind}", size=words.number(size)),
            x=x[named],
            y=y[named],
        )
    rows.add(series=FULL, x=full[0], y=full[1], size=law.examples)
    return rows.table()


def _ring(law: Law) -> Array:
    """Return the points that are DEVIATIONS standard deviations of single examples' gradients from their mean."""
    angles = np.linspace(0.0, 2 * np.pi, RING_POINTS, endpoint=False)
    values, axes = np.linalg.eigh(law.covariance)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    found: Array = DEVIATIONS * (circle * np.sqrt(np.maximum(values, 0.0))) @ axes.T
    return found


def law(say: Say) -> Spec:
    """Draw the mean squared length of a batch's gradient against the share of the variance that it keeps."""
    x = linear(alt.X("x:Q", title=say("axis.kept")), ticks=6, nice=False)
    y = linear(alt.Y("value:Q", title=say("axis.squared")), ticks=5, nice=False)
    base = alt.Chart(DATA).encode(x, y)
    tooltip = told(
        (say("axis.batch_size"), "datum.size", COUNT),
        (say("trajectories.law.measured"), "datum.value", ""),
        (say("axis.standard_error"), "datum.error", ""),
        (say("axis.law"), "datum.predicted", ""),
    )
    line = base.mark_line(strokeDash=[6, 4], strokeWidth=2, color=GREY, tooltip=None, clip=True)
    bars = alt.Chart(DATA).mark_rule(strokeWidth=2, color=TEAL, clip=True).encode(x, y=alt.Y("low:Q"), y2="high:Q")
    points = base.mark_point(filled=True, size=70, opacity=1, color=TEAL, shape="diamond", clip=True)
    before = label(base, MEAN, align="right", baseline="bottom", dx=-6, dy=-4, clip=True)
    together = label(base, MEAN, align="left", baseline="middle", dx=52, clip=True)
    return spec(
        alt.layer(
            zooming(held_open(x, y)),
            line.transform_filter(only(LINE)),
            bars.transform_filter(only(MEAN)),
            points.encode(tooltip=tooltip).transform_filter(only(MEAN)),
            *(each.transform_filter(f"datum.x > {NEAR}") for each in before),
            *(each.transform_filter(f"datum.x <= {NEAR}") for each in together),
        ),
        height=380,
        columns=columns(
            say,
            x=say("axis.kept"),
            value=say("axis.squared"),
            error=say("axis.standard_error"),
            predicted=say("axis.law"),
            size=say("axis.batch_size"),
        ),
    )


def law_table(law: Law, found: Sequence[Measured], words: Catalogue) -> pa.Table:
    """Return the columns of `law`: series, label, x (the share v(B)), value, low, high, error, predicted and size."""
    rows = Rows("series", "label", "x", "value", "low", "high", "error", "predicted", "size")
    highest = max([law.mean_squared(1), *(each.mean_squared + ERRORS * each.standard_error for each in found)])
    rows.add(series=EXTENT, x=[0.0, 1.0], value=[0.0, 1.05 * highest])
    rows.add(series=LINE, x=[0.0, 1.0], value=[law.gradient_squared, law.mean_squared(1)])
    sizes = [words.number(each.batch_size) for each in found]
    together = [size for size, each in zip(sizes, found, strict=True) if law.share(each.batch_size) <= NEAR]
    names = {size: size for size in sizes} | dict.fromkeys(together, "")
    names |= {size: words.say("chart.law.sizes", sizes=words.listed(together)) for size in together[:1]}
    for size, each in zip(sizes, found, strict=True):
        bar = ERRORS * each.standard_error
        rows.add(
            series=MEAN,
            label=names[size],
            x=law.share(each.batch_size),
            value=each.mean_squared,
            low=each.mean_squared - bar,
            high=each.mean_squared + bar,
            error=each.standard_error,
            predicted=law.mean_squared(each.batch_size),
            size=each.batch_size,
        )
    return rows.table()
