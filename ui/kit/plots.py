"""Draw the charts of `ui.charts`. Their tables change, their specifications do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

import pyarrow as pa
import streamlit as st

from core.run.choices.schedules import SCHEDULES
from core.run.config import RunConfig
from ui.charts.columns import named, with_names
from ui.charts.style import Spec
from ui.shell.text import language, say

Chart = Callable[..., Spec]  # a function of `ui.charts`, whose name is the chart's
DRAWN = "drawn"
# Draws nothing: Vega keeps only data that a layer uses, and fails when data that it has not kept are replaced.
LISTED: Spec = {
    "data": {"name": "readable"},
    "mark": {"type": "point", "aria": False},
    "transform": [{"filter": "false"}],
}


@lru_cache(maxsize=256)  # users can type the names
def _spec(chart: Chart, language: str, names: tuple[str, ...]) -> Spec:
    return with_names(chart(say, names) if names else chart(say))


def draw(
    chart: Chart,
    table: pa.Table,
    *,
    part: str = "",
    names: Sequence[str] = (),
    readable: pa.Table | None = None,
    width: int | Literal["stretch"] = "stretch",
    height: Literal["content", "stretch"] = "content",
) -> None:
    """Draw a chart on a page; `part` distinguishes two drawings of the same chart.

    `names` are those of the lines in its legend. They must stay the same while the chart is refreshed. "Show data"
    lists `readable` or, without one, the rows of `table` under the names that the chart gives to its columns.
    """
    name = chart.__name__
    # The alt text is constant because the browser rebuilds a chart whose alt text changes. The cards have the
    # numbers as text.
    alt = say(f"chart.{name}.{part}.alt" if part else f"chart.{name}.alt")
    key = f"chart_{name}_{part}" if part else f"chart_{name}"
    drawn = _spec(chart, language(), tuple(names))
    data = named(table, drawn) if readable is None else None
    if readable is not None:
        drawn = drawn | {
            "data": {"name": DRAWN},
            "datasets": {"readable": readable, DRAWN: table},  # "Show data" lists the first
            "layer": [*drawn["layer"], LISTED],
        }
    st.vega_lite_chart(data, drawn, key=key, alt=alt, width=width, height=height)


def why_no_plan(config: RunConfig, horizon: int | None) -> str | None:
    """Return why no learning rate is planned on the chart; None where one is."""
    if SCHEDULES[config.schedule].is_feedback:
        return say("chart.rate.plateau")
    return say("chart.rate.seconds") if horizon is None else None
