"""Draw the charts below the others: the size and rhythm of updates, and the model's answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.run.choices.datasets import PLANE
from core.run.config import RunConfig
from core.run.plan import plan
from core.store.reader import Axis, RunReader, Series
from ui.charts.columns import columns
from ui.charts.pointer import add_pointer, pointer, zooming
from ui.charts.style import (
    ANY,
    BLUE,
    CAPTION,
    COUNT,
    DATA,
    EXTENT,
    FAINT_BLUE,
    FONT,
    GREY,
    PLACE,
    TITLE,
    Rows,
    Say,
    Spec,
    caption_from_data,
    held_open,
    labels,
    linear,
    logarithmic,
    only,
    spec,
    title_from_data,
)

MOST_TICKS = 400  # strokes in a row: more would run together into a bar
TYPICAL_RATIO = 1e-3  # of an update to the weights: the rule of thumb of Stanford's course CS231n
CLASS_COLOURS = ("#d9730d", "#1c7ed6")  # the classes also differ in shape


def gradient(say: Say) -> Spec:
    """Draw the norm of each update's gradient."""
    return _line(say, "gradient_norm", "gradient")


def update_ratio(say: Say) -> Spec:
    """Draw the length of an update in each epoch relative to the weights, on a logarithmic axis."""
    return _line(say, "update_ratio", "update_ratio", log=True)


def _line(say: Say, series: Series, name: str, *, log: bool = False) -> Spec:
    x, y = linear(alt.X("x:Q", title=PLACE), ticks=8, nice=False), alt.Y("value:Q", title=say(f"axis.{name}"))
    y = logarithmic(y) if log else linear(y, ticks=5)
    points = alt.OverlayMarkDef(color=BLUE, clip=True) if log else False
    line = alt.Chart(DATA).encode(x, y).mark_line(strokeWidth=1.2, color=BLUE, tooltip=None, clip=True, point=points)
    layers = (
        zooming(held_open(x, y)),
        pointer((say("axis.x"), ANY), (say(f"axis.{name}"), "")),
        line.transform_filter(only(series)),
        title_from_data(),
        caption_from_data(line=1),
    )
    named = columns(say, x=say("column.x"), value=say(f"axis.{name}"))
    return spec(alt.layer(*layers), height=280, title=say(f"chart.{name}"), columns=named)


def gradient_table(
    reader: RunReader | None, say: Callable[..., str], *, x: Axis = "updates", caption: str = ""
) -> pa.Table:
    """Return the columns series, x, exact, value and label of `gradient`."""
    return _line_table(reader, "gradient_norm", say, x, caption)


def update_ratio_table(
    reader: RunReader | None, say: Callable[..., str], *, x: Axis = "updates", caption: str = ""
) -> pa.Table:
    """Return the columns series, x, exact, value and label of `update_ratio`."""
    return _line_table(reader, "update_ratio", say, x, caption, log=True)


def _line_table(
    reader: RunReader | None, series: Series, say: Callable[..., str], x: Axis, caption: str, *, log: bool = False
) -> pa.Table:
    rows, unit = Rows("series", "x", "exact", "value", "label"), say(f"axis.{x}")
    drawn = reader is not None and reader.updates > 0
    low, high = (TYPICAL_RATIO, TYPICAL_RATIO) if log else (0.0, 0.0 if drawn else 1.0)
    if reader:
        ((name, places, values),) = reader.curves((series,), x=x)
        if log:
            values = np.where(values > 0, values, np.nan)  # a learning rate of 0 changes nothing
        rows.add(series=name, x=places, value=values, label=unit)
        add_pointer(rows, places, values)
    end = float(reader.places(np.array([reader.updates]), x)[0]) if reader and drawn else 1.0
    rows.add(series=EXTENT, x=[0.0, end], value=[low, high])
    rows.add(series=TITLE, label=unit)
    rows.add(series=CAPTION, label=caption)
    return rows.table()


def rhythm(say: Say) -> Spec:
    """Draw an epoch as a line of examples with one stroke per update; strokes of updates already made are solid."""
    kinds = ["done", "to_come", "before"]
    x = alt.X("x:Q", title=say("axis.within_epoch")).scale(zero=True, nice=False).axis(format=COUNT, tickCount=8)
    y = alt.Y("row:N", title=None, sort=None).axis(ticks=False, domain=False, labelLimit=220)
    key = alt.Legend(
        title=None, orient="top", direction="horizontal", labelExpr=labels(say, kinds), symbolType="square"
    )
    colour = alt.Color("series:N", legend=key).scale(domain=kinds, range=[BLUE, FAINT_BLUE, GREY])
    tooltip = [
        alt.Tooltip("value:Q", title=say("axis.update"), format=COUNT),
        alt.Tooltip("x:Q", title=say("axis.examples"), format=COUNT),
    ]
    ticks = alt.Chart(DATA).mark_tick(thickness=1.5, bandSize=40).encode(x, y, colour, tooltip=tooltip)
    ticks = ticks.transform_filter(alt.FieldOneOfPredicate(field="series", oneOf=kinds))
    return spec(alt.layer(held_open(x), ticks), height=200, title=say("depth.rhythm"))


def rhythm_table(
    config: RunConfig, reader: RunReader | None, before: RunConfig | None, say: Callable[..., str]
) -> pa.Table:
    """Return the columns row, series, x (examples into the epoch) and value (number of the update) of `rhythm`.

    `before` is the config of the previous run, whose rhythm is drawn below. Beyond MOST_TICKS updates, only every nth
    is drawn, and the name of the row says so.
    """
    done = _done_in_epoch(config, reader) if reader else 0
    rows = Rows("row", "series", "x", "value")
    rows.add(series=EXTENT, x=0.0)
    _add_strokes(rows, config, done, say)
    if before is not None:
        _add_strokes(rows, before, None, say)
    return rows.table()


def _done_in_epoch(config: RunConfig, reader: RunReader) -> int:
    """Return how many updates of the current epoch have been made; inherited ones count as if at the run's own size."""
    last = reader.last
    if last is None:
        return 0
    if reader.inherited:
        return -(-((last.examples_seen - 1) % config.spec.examples + 1) // config.effective_batch_size)
    return (last.updates - 1) % plan(config).updates_per_epoch + 1


def _add_strokes(rows: Rows, config: RunConfig, done: int | None, say: Callable[..., str]) -> None:
    counts = plan(config)
    every = -(-counts.updates_per_epoch // MOST_TICKS)
    numbers = np.arange(every, counts.updates_per_epoch + 1, every)
    ends = np.minimum(numbers * config.effective_batch_size, counts.examples_per_epoch)
    kinds = ["before" if done is None else "done" if number <= done else "to_come" for number in numbers]
    whose = "before" if done is None else "this"
    key = f"chart.rhythm.{whose}.thinned" if every > 1 else f"chart.rhythm.{whose}"
    name = say(key, size=config.batch_size, every=every)
    rows.add(row=name, series=kinds, x=ends, value=numbers)


def confusion(say: Say) -> Spec:
    """Draw the confusion matrix of the validation examples, coloured by the share of the true class."""
    x = alt.X("x:O", title=say("axis.answer")).axis(labelAngle=0, orient="bottom")
    y = alt.Y("y:O", title=say("axis.truth"))
    shade = alt.Color("share:Q", legend=None).scale(domain=[0, 1], range=["rgba(76,110,245,0.06)", "#4c6ef5"])
    tooltip = [
        alt.Tooltip("y:O", title=say("axis.truth")),
        alt.Tooltip("x:O", title=say("axis.answer")),
        alt.Tooltip("value:Q", title=say("axis.count"), format=COUNT),
        alt.Tooltip("share:Q", title=say("axis.share"), format=".1%"),
    ]
    base = alt.Chart(DATA).encode(x, y)
    light = alt.value("white")
    words = alt.condition("datum.share > 0.6", light, alt.value(GREY))
    return spec(
        alt.layer(
            base.mark_rect(stroke="rgba(128,134,142,0.35)", strokeWidth=0.5).encode(shade, tooltip=tooltip),
            base.mark_text(fontSize=FONT, tooltip=None).encode(text=alt.Text("value:Q", format=COUNT), color=words),
        ),
        height=344,
        title=say("depth.confusion"),
    )


def confusion_table(counts: Sequence[Sequence[int]]) -> pa.Table:
    """Return the columns x (answer), y (truth), value (examples) and share (of the true class) of `confusion`."""
    table = np.array(counts, dtype=float).reshape(len(counts), -1)
    truth, answer = np.indices(table.shape)
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    rows = Rows("x", "y", "value", "share")
    rows.add(x=answer.ravel(), y=truth.ravel(), value=table.ravel(), share=shares.ravel())
    return rows.table()


def plane(say: Say) -> Spec:
    """Draw the regions of the plane that the model assigns to each class, with training points and the last batch."""
    shapes = ["class_0", "class_1"]
    square = alt.Scale(domain=[-PLANE, PLANE], nice=False)
    x = alt.X("x:Q", title=say("axis.first"), scale=square).axis(tickCount=5, grid=False)
    y = alt.Y("y:Q", title=say("axis.second"), scale=square).axis(tickCount=5, grid=False)
    key = alt.Legend(title=None, orient="top", direction="horizontal", labelExpr=labels(say, shapes))
    colour = alt.Color("series:N", legend=key).scale(domain=shapes, range=list(CLASS_COLOURS))
    shape = alt.Shape("series:N", legend=key).scale(domain=shapes, range=["circle", "triangle-up"])
    tooltip = [
        alt.Tooltip("x:Q", title=say("axis.first"), format=".2f"),
        alt.Tooltip("y:Q", title=say("axis.second"), format=".2f"),
        alt.Tooltip("series:N", title=say("axis.truth")),
    ]
    base = alt.Chart(DATA).encode(x, y)
    picture = base.mark_image(width=alt.expr("width"), height=alt.expr("height"), aspect=False, tooltip=None)
    points = base.encode(colour, shape, tooltip=tooltip).transform_filter("datum.series != 'picture'")
    marked = base.mark_point(size=110, strokeWidth=2, color=GREY, shape="circle", tooltip=None)
    return spec(
        alt.layer(
            picture.encode(url="url:N").transform_filter(only("picture")),
            points.mark_point(filled=True, size=22, opacity=0.9),
            marked.transform_filter("datum.in_batch == 1"),
        ),
        height=600,
        title=say("depth.plane"),
    )


def plane_table(points: NDArray[Any], classes: NDArray[Any], in_batch: Sequence[float], picture_url: str) -> pa.Table:
    """Return the columns series, x, y, in_batch and url of `plane`. `points` (n, 2), `classes` and `in_batch` (n,)."""
    rows = Rows("series", "x", "y", "in_batch", "url")
    rows.add(series="picture", x=0.0, y=0.0, in_batch=0.0, url=picture_url)
    names = ["class_1" if which == 1 else "class_0" for which in classes]
    rows.add(series=names, x=points[:, 0], y=points[:, 1], in_batch=in_batch)
    return rows.table()
