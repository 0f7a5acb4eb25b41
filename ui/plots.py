"""Draw the charts of core.charts: frames that change under specifications that do not."""

from __future__ import annotations

from functools import cache

import pandas as pd
import streamlit as st

from core import charts
from core.charts import Spec
from core.config import RunConfig
from core.events import Peak
from core.store.reader import RunReader
from ui.text import LANGUAGE, mib, say

AUTHORS = {"loss": charts.loss, "rate": charts.rate, "memory": charts.memory}


@cache
def _spec(name: str, language: str) -> Spec:
    return AUTHORS[name](say)


def _draw(name: str, frame: pd.DataFrame) -> None:
    # The alt text never changes either: the browser takes a chart with another one for another chart. The numbers
    # are in the cards, as text.
    alt = say(f"chart.{name}.alt")
    st.vega_lite_chart(frame, _spec(name, LANGUAGE), key=f"chart_{name}", alt=alt, width="stretch")


def loss(reader: RunReader | None, planned: int | None) -> None:
    _draw("loss", charts.loss_frame(reader, planned))


def rate(config: RunConfig, horizon: int | None, reader: RunReader | None) -> None:
    _draw("rate", charts.rate_frame(config, horizon, reader))


def memory(predicted: Peak | None, measured: Peak | None, limit_bytes: int | None) -> None:
    label = say("chart.memory.limit", limit=mib(limit_bytes)) if limit_bytes else ""
    _draw("memory", charts.memory_frame({"predicted": predicted, "measured": measured}, limit_bytes, label))
