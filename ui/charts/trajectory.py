"""Draw the path of a run over a loss of two weights; both axes have the same scale, so angles are true."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Literal

import altair as alt
import numpy as np
import pyarrow as pa

from core.trajectories.contours import contours
from core.trajectories.problems import ASPECT, Array, LossSurface
from ui.charts.columns import columns
from ui.charts.pointer import told, zooming
from ui.charts.style import (
    BLUE,
    CAPTION,
    COUNT,
    DATA,
    EXTENT,
    FONT,
    GREY,
    PAGE_INK,
    TEAL,
    Rows,
    Say,
    Spec,
    caption_from_data,
    held_open,
    label,
    only,
    placed,
    spec,
    written,
)

Side = Literal["small", "large"]  # the batch size that a path or a cloud belongs to

ORANGE = "#d9730d"
SIDES: list[Side] = ["small", "large"]
SIDE_COLOURS, SIDE_SHAPES = [BLUE, ORANGE], ["circle", "square"]
RATES = ["high", "low", "falling"]  # the rates whose paths are drawn over each other
RATE_COLOURS, RATE_SHAPES = [BLUE, ORANGE, TEAL], ["circle", "square", "diamond"]  # those of Compare
SHADED, SHADE = 9, 0.045  # number of inner lines that are filled, and the opacity of each
LINE, PATH, START, BEST, NOW = "line", "path", "start", "best", "now"


def one_scale(x: str, y: str) -> tuple[alt.Chart, alt.Chart]:
    """Return the layer that holds the axes open at one scale, and the base chart of all marks.

    The extent in the table must be ASPECT times as wide as high. A chart with other proportions shows more of the plane
    instead of stretching it. Marks compute their places from the scales, so none of them widens the axes, and what lies
    outside is clipped.
    """
    wide = alt.ExprRef(f"max(0, (width - {ASPECT} * height) / 2)")
    high = alt.ExprRef(f"max(0, (height - width / {ASPECT}) / 2)")
    number = written("datum.value")
    across = alt.X("x:Q", title=x).axis(tickCount=6, grid=False, labelExpr=number)
    up = alt.Y("y:Q", title=y).axis(tickCount=5, grid=False, labelExpr=number)
    held = held_open(across.scale(zero=False, nice=False, padding=wide), up.scale(zero=False, nice=False, padding=high))
    return zooming(held, "x", "y"), alt.Chart(DATA).encode(**placed("x", "y"))


def trajectory(say: Say) -> Spec:
    """Draw a path from its start to its current weights."""
    return _panel(say, SIDES, SIDE_COLOURS, SIDE_SHAPES, height=430)


def small_trajectory(say: Say) -> Spec:
    """Draw a path at the size of one of four."""
    return _panel(say, SIDES, SIDE_COLOURS, SIDE_SHAPES, height=290)


def rates_trajectory(say: Say) -> Spec:
    """Draw the paths of a high, a low and a falling rate over each other, with a legend."""
    names = {rate: say(f"trajectories.rates.{rate}") for rate in RATES}
    legend = alt.Legend(title=None, orient="top", labelExpr=f"({names})[datum.label]", labelFontSize=FONT, labelLimit=0)
    return _panel(say, RATES, RATE_COLOURS, RATE_SHAPES, height=430, legend=legend)


def _panel(
    say: Say,
    rows: Sequence[str],
    colours: Sequence[str],
    shapes: Sequence[str],
    *,
    height: int,
    legend: alt.Legend | None = None,
) -> Spec:
    held, base = one_scale(say("axis.weight1"), say("axis.weight2"))
    colour = alt.Color("row:N", legend=legend).scale(domain=list(rows), range=list(colours))
    shape = alt.Shape("row:N", legend=legend).scale(domain=list(rows), range=list(shapes))
    tooltip = told(
        (say("axis.updates.made"), "datum.order", COUNT),
        (say("axis.weight1"), "datum.x", ".3f"),
        (say("axis.weight2"), "datum.y", ".3f"),
        (say("axis.excess"), "datum.value", ""),
    )
    lines = base.mark_line(
        interpolate="cardinal-closed",
        clip=True,
        filled=True,
        fill=GREY,
        fillOpacity=alt.expr("datum.value"),
        stroke=GREY,
        strokeWidth=0.7,
        strokeOpacity=0.45,
        tooltip=None,
    )
    path = base.mark_line(strokeWidth=1.4, strokeJoin="round", opacity=0.65, clip=True, tooltip=None)
    points = base.mark_point(filled=True, size=18, opacity=0.9, clip=True)
    ring = base.mark_point(
        shape="circle", size=70, filled=False, stroke=PAGE_INK, strokeWidth=1.8, opacity=1, clip=True, tooltip=None
    )
    cross = base.mark_point(shape="cross", size=110, filled=True, color=PAGE_INK, opacity=1, clip=True, tooltip=None)
    now = base.mark_point(filled=True, size=150, opacity=1, clip=True, stroke="white", strokeWidth=2)
    return spec(
        alt.layer(
            held,
            lines.encode(detail="row:N", order="order:Q").transform_filter(only(LINE)),
            path.encode(colour, order="order:Q").transform_filter(only(PATH)),
            points.encode(colour, shape, tooltip=tooltip).transform_filter(only(PATH)),
            ring.transform_filter(only(START)),
            cross.transform_filter(only(BEST)),
            now.encode(colour, shape, tooltip=tooltip).transform_filter(only(NOW)),
            # The path leads away from the start, to the right.
            *label(base, START, align="right", baseline="bottom", dx=-7, dy=-6, clip=True),
            *label(base, BEST, align="left", baseline="bottom", dx=7, dy=-6, clip=True),
            caption_from_data(),
        ),
        height=height,
        columns=columns(
            say,
            x=say("axis.weight1"),
            y=say("axis.weight2"),
            order=say("axis.updates.made"),
            value=say("axis.excess"),
        ),
    )


def trajectory_table(
    problem: LossSurface, path: Array, say: Callable[..., str], *, side: Side, shown: int, caption: str = ""
) -> pa.Table:
    """Return the columns of `trajectory` for one path."""
    return paths_table(problem, {side: path}, say, shown=shown, caption=caption)


def paths_table(
    problem: LossSurface, paths: Mapping[str, Array], say: Callable[..., str], *, shown: int, caption: str = ""
) -> pa.Table:
    """Return the columns of a chart of paths: series, row, label, x and y (weights), order (updates made) and value.

    `value` is the loss above the optimum, or the opacity of a contour line. Each path is (updates + 1, 2); its first
    `shown` updates are drawn as far as they are finite. The axes are those of the problem's window, whatever the paths.
    """
    rows = Rows("series", "row", "label", "x", "y", "order", "value")
    for name, path in paths.items():
        drawn = path[: shown + 1]
        drawn = drawn[np.isfinite(drawn).all(1)]
        above = problem.loss(drawn) - problem.loss(problem.optimum)
        columns = {"x": drawn[:, 0], "y": drawn[:, 1], "order": np.arange(len(drawn)), "value": above}
        rows.add(series=PATH, row=[name] * len(drawn), **columns)
        if len(drawn) > shown:  # a path that has diverged has no current weights
            rows.add(series=NOW, row=name, **{column: values[-1] for column, values in columns.items()})
    (x, y), (best_x, best_y) = drawn[0], problem.optimum
    rows.add(series=START, label=say("chart.trajectory.start"), x=x, y=y)
    rows.add(series=BEST, label=say("chart.trajectory.best"), x=best_x, y=best_y)
    window = problem.window
    rows.add(series=EXTENT, x=[window.left, window.right], y=[window.bottom, window.top])
    names, places, order, shades = _lines(problem)
    rows.add(series=LINE, row=names, x=places[:, 0], y=places[:, 1], order=order, value=shades)
    rows.add(series=CAPTION, label=caption)
    return rows.table()


@lru_cache(maxsize=8)
def _lines(problem: LossSurface) -> tuple[list[str], Array, Array, Array]:
    """Return name, place, order and shade of each point of the contour lines, from the outside in."""
    lines = contours(problem)[::-1]
    count, points, _ = lines.shape
    names = [str(number) for number in range(count, 0, -1) for _ in range(points)]
    shades = np.where(np.arange(count, 0, -1) <= SHADED, SHADE, 0.0).repeat(points)
    return names, lines.reshape(-1, 2), np.tile(np.arange(points, dtype=float), count), shades
