"""Draw the charts of the shown run: its loss, its memory and its learning rate."""

from __future__ import annotations

import streamlit as st

from core.run.config import RunConfig
from core.run.events import Prediction
from core.store import RunRecord
from core.store.reader import Axis, RunReader
from ui.charts.loss import log_loss, loss, loss_table
from ui.charts.memory.peak import memory, memory_table
from ui.charts.rate import rate, rate_table
from ui.kit import plots
from ui.live import cards, changes, options
from ui.live.reading import read
from ui.live.state import LiveState
from ui.setup.fields import DEFAULT
from ui.shell.session import current
from ui.shell.text import mib, plain, say, setting, words


def draw(
    config: RunConfig | None,
    prediction: Prediction | None,
    reader: RunReader | None,
    ghost: RunReader | None,
    before: RunConfig | None,
) -> Axis:
    """Draw the charts, and return the unit that was chosen for their x axis."""
    horizon = cards.planned(config, reader) if config else None
    wide, narrow = st.columns([5, 3], gap="small")
    with wide.container(border=True, key="loss"):
        chosen = options.draw_for_loss()
        marks = changes.marks(reader.record if reader else None)
        table = loss_table(
            config,
            reader,
            horizon,
            say,
            x=chosen.x,
            beta=chosen.beta,
            log=chosen.log,
            ghost=ghost,
            ghost_name=_ghost_name(before, config) if before and config else "",
            marks=marks,
        )
        plots.draw(log_loss if chosen.log else loss, table)
    with narrow.container(border=True, key="memory_and_rate"):
        _memory(config, prediction, reader)
        plots.draw(rate, rate_table(config or DEFAULT, horizon, reader, say, marks=marks))
        no_plan = st.empty()
        if config and (why := plots.why_no_plan(config, horizon)):
            no_plan.caption(why)
    return chosen.x


def _memory(config: RunConfig | None, prediction: Prediction | None, reader: RunReader | None) -> None:
    record, last = (reader.record, reader.last) if reader else (None, None)
    peaks = {"predicted": prediction.peak if prediction else None, "measured": record.peak if record else None}
    rss = say("chart.memory.rss", rss=mib(last.rss_bytes, digits=0)) if last and last.rss_bytes else ""
    limit = config.memory_limit_bytes if config else None
    plots.draw(memory, memory_table(peaks, limit, words(), rss=rss))


def ghost_of(record: RunRecord | None) -> RunReader | None:
    """Return the reader of the run that was shown before this one was started, if it has the same data set."""
    previous = current().state(LiveState).previous_run_id
    if record is None or previous is None or previous == record.id:
        return None
    reader, _ = read(previous)
    before = reader.record if reader else None
    return reader if before and before.config.dataset == record.config.dataset else None


def _ghost_name(before: RunConfig, shown: RunConfig) -> str:
    """Return what sets the previous run apart: its batch size, or else the first setting that differs."""
    old, new = before.to_dict(), shown.to_dict()
    names = [name for name in old if old[name] != new[name]]
    if before.batch_size != shown.batch_size or not names:
        return say("chart.loss.ghost", size=before.batch_size)
    first = "budget_value" if names[0] == "budget" else names[0]
    return say("chart.loss.ghost.setting", name=setting(first, budget=before.budget), value=plain(old[first]))
