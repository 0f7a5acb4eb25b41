"""Draw the paths of networks' weights in one plane, over the loss at each place of the plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.comparison.paths import WeightPaths
from core.words.catalogue import Catalogue
from ui.charts.compare import ARM_COLOURS, ARM_DASHES, ARM_SHAPES, ARMS
from ui.charts.style import (
    COUNT,
    DATA,
    EXTENT,
    FONT,
    GREY,
    PLACE,
    TITLE,
    Rows,
    Say,
    Spec,
    held_open,
    only,
    spec,
    title_from_data,
)

CELL, PATH, START, UP_NAME = "cell", "path", "start", "up_name"
LEVELS = 14  # shades; their borders are lines of equal loss
STRONGEST = 0.55
FINER = 2
LOWEST, HIGHEST = 1e-12, 1e12  # losses outside are clipped
INK = "currentColor"

Floats = NDArray[np.float64]


def weight_paths(say: Say) -> Spec:
    """Draw the plane, with a stronger shade for a lower loss, and a line with marks for each arm."""
    shown: dict[str, Any] = {"grid": False, "format": ".3~g"}
    x = alt.X("x:Q", title=PLACE).scale(zero=False, nice=False).axis(tickCount=6, **shown)
    y = alt.Y("y:Q", title=None).scale(zero=False, nice=False).axis(tickCount=5, **shown)
    colour = alt.Color("row:N", legend=None).scale(domain=list(ARMS), range=list(ARM_COLOURS))
    dash = alt.StrokeDash("row:N", legend=None).scale(domain=list(ARMS), range=list(ARM_DASHES))
    shape = alt.Shape("row:N", legend=None).scale(domain=list(ARMS), range=list(ARM_SHAPES))
    tooltip = [
        alt.Tooltip("label:N", title=say("axis.arm")),
        alt.Tooltip("order:Q", title=say("axis.updates.made"), format=COUNT),
        alt.Tooltip("value:Q", title=say("weights.loss"), format=".4~g"),
        alt.Tooltip("plane:Q", title=say("weights.plane_loss"), format=".4~g"),
    ]
    base = alt.Chart(DATA).encode(x, y)
    cells = alt.Chart(DATA).mark_rect(color=GREY, tooltip=None, fillOpacity=alt.expr("datum.value"), strokeWidth=0)
    line = base.mark_line(strokeWidth=2, tooltip=None).encode(colour, dash, order="order:Q")
    marks = base.mark_point(filled=True, size=34, opacity=1).encode(colour, shape, tooltip=tooltip)
    ring = base.mark_point(shape="circle", size=90, filled=False, stroke=INK, strokeWidth=1.8, opacity=1, tooltip=None)
    words = base.mark_text(fontSize=FONT, color=INK, align="left", baseline="bottom", dx=7, dy=-6, tooltip=None)
    up = alt.Chart(DATA).mark_text(align="left", baseline="bottom", dy=-6, fontSize=FONT, color=GREY, tooltip=None)
    return spec(
        alt.layer(
            held_open(x, y),
            cells.encode(x, alt.X2("x2:Q"), y, alt.Y2("y2:Q")).transform_filter(only(CELL)),
            line.transform_filter(only(PATH)),
            marks.transform_filter(only(PATH)),
            ring.transform_filter(only(START)),
            words.encode(text="label:N").transform_filter(only(START)),
            up.encode(x=alt.value(0), y=alt.value(0), text="label:N").transform_filter(only(UP_NAME)),
            title_from_data(),
        ),
        height=420,
    )


def weight_paths_table(paths: WeightPaths | None, names: Sequence[str], words: Catalogue) -> pa.Table:
    """Return the columns of `weight_paths`: series, row (arm), label, x, y, x2, y2, order, value and plane.

    For a mark, `value` is the loss with the weights as they were and `plane` the loss of the plane at that place. For
    a cell, `value` is its shade.
    """
    rows = Rows("series", "row", "label", "x", "y", "x2", "y2", "order", "value", "plane")
    if paths is None:
        rows.add(series=EXTENT, x=[0.0, 1.0], y=[0.0, 1.0])
        return rows.table()
    for series, number in ((TITLE, 1), (UP_NAME, 2)):
        share = words.percent(paths.shares[number - 1], 1)
        rows.add(series=series, label=words.say("weights.direction", number=number, share=share))
    x, y, losses = _finer(np.array(paths.x), np.array(paths.y), np.array(paths.losses))
    half_x, half_y = (x[1] - x[0]) / 2, (y[1] - y[0]) / 2
    rows.add(series=EXTENT, x=[x[0] - half_x, x[-1] + half_x], y=[y[0] - half_y, y[-1] + half_y])
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
    for arm, name, path in zip(ARMS, names, paths.paths, strict=False):
        count = len(path.x)
        rows.add(
            series=PATH,
            row=[arm] * count,
            label=[name] * count,
            x=path.x,
            y=path.y,
            order=path.updates,
            value=path.loss,
            plane=path.plane_loss,
        )
    rows.add(series=START, label=words.say("chart.trajectory.start"), x=paths.paths[0].x[0], y=paths.paths[0].y[0])
    return rows.table()


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
