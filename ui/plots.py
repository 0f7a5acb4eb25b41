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
from ui.text import LANGUAGE, mib, number, say

AUTHORS = {"loss": charts.loss, "rate": charts.rate, "memory": charts.memory}


@cache
def _spec(name: str, language: str) -> Spec:
    return AUTHORS[name](say)


def _draw(name: str, frame: pd.DataFrame, alt: str) -> None:
    st.vega_lite_chart(frame, _spec(name, LANGUAGE), key=f"chart_{name}", alt=alt, width="stretch")


def loss(reader: RunReader | None, planned: int | None) -> None:
    last = reader.last if reader else None
    alt = (
        say("chart.loss.alt", updates=number(last.updates), loss=f"{last.smoothed_loss:.3f}")
        if last
        else say("chart.loss.alt.none")
    )
    _draw("loss", charts.loss_frame(reader, planned), alt)


def rate(config: RunConfig, horizon: int | None, reader: RunReader | None) -> None:
    alt = say("chart.rate.alt", schedule=config.schedule, lr=f"{config.lr:g}")
    _draw("rate", charts.rate_frame(config, horizon, reader), alt)


def memory(predicted: Peak | None, measured: Peak | None, limit_bytes: int | None) -> None:
    limit = mib(limit_bytes) if limit_bytes else say("card.peak.no_limit")
    sizes = [mib(peak.bytes) if peak else say("none") for peak in (predicted, measured)]
    alt = say("chart.memory.alt", predicted=sizes[0], measured=sizes[1], limit=limit)
    label = say("chart.memory.limit", limit=limit)
    _draw("memory", charts.memory_frame({"predicted": predicted, "measured": measured}, limit_bytes, label), alt)
