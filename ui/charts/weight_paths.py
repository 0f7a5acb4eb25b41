"""Draw the paths of networks' weights in one plane, over the loss at each place of the plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.comparison.paths import Path, WeightPaths
from core.words.catalogue import Catalogue
from ui.charts.columns import columns
from ui.charts.compare import ARM_COLOURS, ARM_DASHES, ARM_SHAPES, LINE_HEIGHT, NAMES, legend
from ui.charts.pointer import told, zooming
from ui.charts.style import (
    COUNT,
    DATA,
    EXTENT,
    GREY,
    PAGE_INK,
    PLACE,
    TITLE,
    Rows,
    Say,
    Spec,
    held_open,
    label,
    only,
    placed,
    spec,
    title_from_data,
    written,
)

CELL, PATH, START, UP_NAME, BEYOND = "cell", "path", "start", "up_name", "beyond"
LEVELS = 14  # shades; their borders are lines of equal loss
STRONGEST = 0.55
FINER = 2
LOWEST, HIGHEST = 1e-12, 1e12  # losses outside are clipped
FAR, ROOM = 3.0, 0.15  # a path that reaches this many times as far as any other leaves the picture

Floats = NDArray[np.float64]


def weight_paths(say: Say, names: Sequence[str] = NAMES) -> Spec:
    """Draw the plane, with a stronger shade for a lower loss, and a line with marks for each arm.

    `names` are the title, a line of settings, and the names of the arms.
    """
    title, settings, *arms = names
    shown: dict[str, Any] = {"grid": False, "labelExpr": written("datum.value")}
    x = alt.X("x:Q", title=PLACE).scale(zero=False, nice=False).axis(tickCount=6, **shown)
    y = alt.Y("y:Q", title=None).scale(zero=False, nice=False).axis(tickCount=5, **shown)
    # The symbols are the marks of the arms; the name of the y axis stands between legend and plot.
    key, count = legend(symbolType=alt.Undefined, symbolSize=60, symbolStrokeWidth=1.5, offset=22), len(arms)
    colour = alt.Color("row:N", legend=key).scale(domain=arms, range=list(ARM_COLOURS[:count]))
    dash = alt.StrokeDash("row:N", legend=key).scale(domain=arms, range=list(ARM_DASHES[:count]))
    shape = alt.Shape("row:N", legend=key).scale(domain=arms, range=list(ARM_SHAPES[:count]))
    tooltip = told(
        (say("axis.updates.made"), "datum.order", COUNT),
        (say("weights.loss"), "datum.value", ""),
        (say("weights.plane_loss"), "datum.plane", ""),
        title="datum.row",
    )
    base = alt.Chart(DATA).encode(**placed("x", "y"))
    cells = alt.Chart(DATA).encode(**placed("x", "y", "x2", "y2"))
    cells = cells.mark_rect(color=GREY, tooltip=None, fillOpacity=alt.expr("datum.value"), strokeWidth=0, clip=True)
    line = base.mark_line(strokeWidth=2, tooltip=None, clip=True).encode(colour, dash, order="order:Q")
    marks = base.mark_point(filled=True, size=34, opacity=1, clip=True).encode(colour, shape, tooltip=tooltip)
    ring = base.mark_point(
        shape="circle", size=90, filled=False, stroke=PAGE_INK, strokeWidth=1.8, opacity=1, tooltip=None, clip=True
    )
    up = alt.Chart(DATA).mark_text(align="left", baseline="bottom", dy=-6, tooltip=None, clip=False)
    right = alt.Chart(DATA).encode(x=alt.value("width"), y=alt.value(0))
    return spec(
        alt.layer(
            zooming(held_open(x, y), "x", "y"),
            cells.transform_filter(only(CELL)),
            line.transform_filter(only(PATH)),
            marks.transform_filter(only(PATH)),
            ring.transform_filter(only(START)),
            *label(base, START, align="right", baseline="bottom", dx=-7, dy=-6, clip=True),
            *label(right, BEYOND, align="right", baseline="top", dx=-4, dy=4),
            up.encode(x=alt.value(0), y=alt.value(0), text="label:N").transform_filter(only(UP_NAME)),
            title_from_data(),
        ),
        height=420 + LINE_HEIGHT * (count + 1),
        title=title,
        subtitle=settings,
        columns=columns(
            say,
            row=say("axis.arm"),
            x=say("column.direction1"),
            y=say("column.direction2"),
            order=say("axis.updates.made"),
            value=say("weights.loss"),
            plane=say("weights.plane_loss"),
        ),
    )


def weight_paths_table(paths: WeightPaths | None, names: Sequence[str], words: Catalogue) -> pa.Table:
    """Return the columns of `weight_paths`: series, row (arm), label, x, y, x2, y2, order, value and plane.

    For a mark, `value` is the loss with the weights as they were and `plane` the loss of the plane at that place. For
    a cell, `value` is its shade. A path that would squeeze the others leaves the picture, and a label says so.
    """
    rows = Rows("series", "row", "label", "x", "y", "x2", "y2", "order", "value", "plane")
    if paths is None:
        rows.add(series=EXTENT, x=[0.0, 1.0], y=[0.0, 1.0])
        return rows.table()
    for name, path in zip(names, paths.paths, strict=False):
        rows.add(
            series=PATH,
            row=[name] * len(path.x),
            x=path.x,
            y=path.y,
            order=path.updates,
            value=path.loss,
            plane=path.plane_loss,
        )
    rows.add(series=START, label=words.say("chart.trajectory.start"), x=paths.paths[0].x[0], y=paths.paths[0].y[0])
    for series, number in ((TITLE, 1), (UP_NAME, 2)):
        share = words.percent(paths.shares[number - 1], 1)
        rows.add(series=series, label=words.say("weights.direction", number=number, share=share))
    x, y, losses = _finer(np.array(paths.x), np.array(paths.y), np.array(paths.losses))
    half_x, half_y = (x[1] - x[0]) / 2, (y[1] - y[0]) / 2
    far = _far(paths.paths)
    if far is None:
        rows.add(series=EXTENT, x=[x[0] - half_x, x[-1] + half_x], y=[y[0] - half_y, y[-1] + half_y])
    else:
        near = [path for path in paths.paths if path is not paths.paths[far]]
        rows.add(series=EXTENT, x=_range([path.x for path in near]), y=_range([path.y for path in near]))
        rows.add(series=BEYOND, label=words.say("weights.beyond", arm=names[far]))
    across, up = np.meshgrid(x, y)
    shades = _shades(losses).ravel()
    rows.add(
        series=CELL,
        x=across.ravel() - half_x,
        x2=across.ravel() + half_x,
        y=up.ravel() - half_y,
        y2=up.ravel() + half_y,
        value=shades,
    )
    return rows.table()


def _far(paths: Sequence[Path]) -> int | None:
    """Return the number of the path that reaches FAR times as far from the start as any other, if there is one."""
    reached = [float(np.hypot(np.subtract(path.x, path.x[0]), np.subtract(path.y, path.y[0])).max()) for path in paths]
    *others, farthest = sorted(reached)
    return reached.index(farthest) if others and 0 < FAR * others[-1] < farthest else None


def _range(places: Sequence[Sequence[float]]) -> list[float]:
    low, high = min(map(min, places)), max(map(max, places))
    room = ROOM * (high - low)
    return [low - room, high + room]


def _finer(x: Floats, y: Floats, losses: Floats) -> tuple[Floats, Floats, Floats]:
    """Return a grid FINER times as fine; the logarithm of the loss is interpolated between the measured places."""
    across, up = (np.linspace(places[0], places[-1], FINER * (len(places) - 1) + 1) for places in (x, y))
    logarithms = np.log(np.clip(np.nan_to_num(losses, nan=np.inf), LOWEST, HIGHEST))
    rows = np.array([np.interp(across, x, row) for row in logarithms])
    return across, up, np.exp(np.array([np.interp(up, y, column) for column in rows.T]).T)


def _shades(losses: Floats) -> Floats:
    """Return the opacity of each cell, in even steps of the logarithm of the loss; the lowest loss is strongest."""
    logarithms = np.log(losses)
    low, high = float(logarithms.min()), float(np.quantile(logarithms, 0.95))
    levels = np.floor(LEVELS * np.clip((logarithms - low) / (high - low or 1.0), 0, 1 - 1e-9))
    return np.asarray(STRONGEST * (1 - levels / LEVELS))
