"""Draw the charts of ui.charts: tables that change under specifications that do not."""

from __future__ import annotations

from functools import cache
from typing import Literal

import pyarrow as pa
import streamlit as st

from core.run.choices.schedules import PLATEAU
from core.run.config import RunConfig
from ui import charts
from ui.charts.style import Spec
from ui.shell.text import LANGUAGE, say


@cache
def _spec(name: str, language: str) -> Spec:
    made: Spec = getattr(charts, name)(say)
    return made


def draw(name: str, table: pa.Table, *, part: str = "", width: int | Literal["stretch"] = "stretch") -> None:
    """Draw a chart of `ui.charts`; `part` tells one from another where it is drawn more than once."""
    # The alt text never changes either: the browser takes a chart with another one for another chart. The numbers
    # are in the cards, as text.
    alt = say(f"chart.{name}.{part}.alt" if part else f"chart.{name}.alt")
    key = f"chart_{name}_{part}" if part else f"chart_{name}"
    st.vega_lite_chart(table, _spec(name, LANGUAGE), key=key, alt=alt, width=width)


def why_no_plan(config: RunConfig, horizon: int | None) -> str | None:
    """Return why no learning rate is planned on the chart; None where one is."""
    if config.schedule == PLATEAU:
        return say("chart.rate.plateau")
    return say("chart.rate.seconds") if horizon is None else None
