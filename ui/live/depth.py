"""Draw the chart below the others: gradient, real memory, rhythm, the latest batch, or the model's answers."""

from __future__ import annotations

from html import escape
from typing import Any

import streamlit as st

from core.datasets import pictures
from core.run.config import RunConfig
from core.run.events import GRID, Snapshot
from core.store.reader import Axis, RunReader
from ui.charts.depth import (
    confusion,
    confusion_table,
    gradient,
    gradient_table,
    plane,
    plane_table,
    rhythm,
    rhythm_table,
    update_ratio,
    update_ratio_table,
)
from ui.charts.memory.peak import rss, rss_table
from ui.kit import plots, png
from ui.live import options
from ui.live.charts import caption
from ui.shell.text import count, number, say

POINTS_SHOWN = 400
SQUARE = 540  # pixels: a chart with two equal sides is not stretched over the page
TINT = ((255, 155, 45, 105), (150, 152, 145, 0), (45, 149, 245, 105))  # class 0, undecided, class 1


def draw(x: Axis, config: RunConfig, reader: RunReader | None, before: RunConfig | None) -> None:
    """Draw the choice of a chart, and the chosen chart with its text as far as there is data."""
    name = options.draw_for_depth(config)
    record = reader.record if reader else None
    snapshot = record.snapshot if record else None
    if name == "gradient":
        norm, ratio = st.columns(2)
        with norm:
            plots.draw(gradient, gradient_table(reader, say, x=x, caption=caption(config)))
            st.caption(say("depth.gradient.about"))
        with ratio:
            plots.draw(update_ratio, update_ratio_table(reader, say, x=x, caption=caption(config)))
            st.caption(say("depth.update_ratio.about"))
    elif name == "rss":
        st.caption(say("depth.rss.about"))
        plots.draw(rss, rss_table(reader, caption=caption(config)))
    elif name == "rhythm":
        st.caption(say("depth.rhythm.about"))
        plots.draw(rhythm, rhythm_table(config, reader, before, say))
    elif name == "batch":
        _batch(config, snapshot)
    elif name == "confusion":
        _confusion(config, snapshot)
    elif snapshot is None:
        st.caption(say("depth.none"))
    elif not pictures.are_built(config.spec):
        st.caption(say("depth.building"))
    else:
        st.caption(say("depth.plane.about", update=number(snapshot.updates)))
        _plane(config, snapshot)


def waits(config: RunConfig, snapshot: Snapshot | None) -> bool:
    """Return whether the data set of the examples to show is still being built."""
    visible = config.spec.is_image or config.spec.is_plane
    return snapshot is not None and visible and not pictures.are_built(config.spec)


def _batch(config: RunConfig, snapshot: Snapshot | None) -> None:
    if snapshot is None or not snapshot.batch:
        st.caption(say("depth.batch.none"))
        return
    if not config.spec.is_image:
        st.caption(count("depth.batch.no_pictures", snapshot.batch_size))
        return
    shown = len(snapshot.batch)
    key = "depth.batch.all" if shown == snapshot.batch_size else "depth.batch.some"
    st.caption(count(key, snapshot.batch_size, shown=number(shown)))
    if not pictures.are_built(config.spec):
        st.caption(say("depth.building"))
        return
    images, labels = pictures.of(config.spec, snapshot.batch)
    figures = "".join(_figure(image, int(label)) for image, label in zip(images, labels, strict=True))
    st.html(f'<div class="batch">{figures}</div>')


def _figure(image: Any, label: int) -> str:
    text = escape(say("depth.batch.label", label=label))
    return f'<figure><img src="{png.grey(image)}" alt="{text}"><figcaption>{text}</figcaption></figure>'


def _confusion(config: RunConfig, snapshot: Snapshot | None) -> None:
    if config.spec.task != "classification":
        st.caption(say("depth.confusion.regression"))
    elif snapshot is None or not snapshot.confusion:
        st.caption(say("depth.confusion.none"))
    else:
        st.caption(say("depth.confusion.about"))
        plots.draw(confusion, confusion_table(snapshot.confusion), width=SQUARE)


def _plane(config: RunConfig, snapshot: Snapshot) -> None:
    points, classes = pictures.points(config.spec, POINTS_SHOWN, snapshot.batch)
    in_batch = [0.0] * (len(points) - len(snapshot.batch)) + [1.0] * len(snapshot.batch)
    picture = png.tinted(snapshot.plane, GRID, TINT)
    plots.draw(plane, plane_table(points, classes, in_batch, picture), width=SQUARE)
