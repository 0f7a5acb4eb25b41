"""Draw the charts of the shown run: its loss, its memory and its learning rate."""

from __future__ import annotations

import streamlit as st

from core.run import smoothing
from core.run.config import RunConfig
from core.run.events import Prediction
from core.store import RunRecord, recorded
from core.store.reader import Axis, RunReader
from ui.charts.loss import CHARTS, loss_table
from ui.charts.memory.peak import memory, memory_table
from ui.charts.rate import rate, rate_table
from ui.kit import plots
from ui.live import cards, changes, options
from ui.live.reading import read
from ui.live.state import LiveState
from ui.setup.fields import DEFAULT
from ui.shell.engine import engine
from ui.shell.session import current
from ui.shell.text import mib, number, plain, say, setting, words

LOSS_HEIGHT = 388  # pixels; the style sheet gives it what is left of the screen


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
        has_ended = bool(reader and reader.record and reader.record.ended)
        marks = changes.marks(reader.record if reader else None)
        table = loss_table(
            config,
            reader,
            horizon,
            say,
            x=chosen.x,
            beta=_beta(config, reader, chosen.share),
            ghost_beta=_beta(before, ghost, chosen.share),
            log=chosen.log_y,
            log_x=chosen.log_x,
            whole=chosen.whole,
            ghost=ghost,
            ghost_name=_ghost_name(ghost, before, config) if ghost and before and config else "",
            marks=marks,
            caption=caption(config) if config else "",
            empty=say("chart.loss.empty.ended" if has_ended else "chart.loss.empty"),
        )
        with st.container(key="loss_chart", height=LOSS_HEIGHT, border=False):
            plots.draw(CHARTS[chosen.log_y, chosen.log_x], table, height="stretch")
    with narrow.container(border=True, key="memory_and_rate"):
        _memory(config, prediction, reader)
        planned = config or DEFAULT
        settings = say("chart.rate.caption", schedule=planned.schedule, lr=number(planned.lr))
        plots.draw(rate, rate_table(planned, horizon, reader, say, marks=marks, caption=settings))
        no_plan = st.empty()
        if config and (why := plots.why_no_plan(config, horizon)):
            no_plan.caption(why)
    return chosen.x


def caption(config: RunConfig) -> str:
    """Return the settings that a picture of the chart should name."""
    return say(
        "chart.loss.caption",
        dataset=config.dataset,
        model=config.model,
        size=config.batch_size,
        schedule=config.schedule,
        lr=number(config.lr),
        seed=config.seed,
    )


def _beta(config: RunConfig | None, reader: RunReader | None, share: float) -> float:
    return smoothing.beta(cards.window_of(config, reader, share=share)) if config else 0.0


def _memory(config: RunConfig | None, prediction: Prediction | None, reader: RunReader | None) -> None:
    record, last = (reader.record, reader.last) if reader else (None, None)
    peaks = {"predicted": prediction.peak if prediction else None, "measured": record.peak if record else None}
    rss = say("chart.memory.rss", rss=mib(last.rss_bytes, digits=0)) if last and last.rss_bytes else ""
    limit = config.memory_limit_bytes if config else None
    plots.draw(memory, memory_table(peaks, limit, words(), rss=rss))


def ghost_of(config: RunConfig | None, record: RunRecord | None) -> RunReader | None:
    """Return the reader of the run that was shown before this one was started, if it has the same data set.

    Before a session's second run that is the recorded one, which a first visit shows.
    """
    previous = current().state(LiveState).previous_run_id or recorded.RUN_ID
    if config is None or (record and record.id == previous) or (previous == recorded.RUN_ID and not engine().recording):
        return None
    reader, _ = read(previous)
    before = reader.record if reader else None
    return reader if before and before.config.dataset == config.dataset else None


def _ghost_name(ghost: RunReader, before: RunConfig, shown: RunConfig) -> str:
    """Return what sets the previous run apart: its batch size, or else the first setting that differs."""
    if ghost.run_id == recorded.RUN_ID:
        return say("chart.loss.ghost.recorded", size=before.batch_size)
    old, new = before.to_dict(), shown.to_dict()
    names = [name for name in old if old[name] != new[name]]
    if before.batch_size != shown.batch_size or not names:
        return say("chart.loss.ghost", size=before.batch_size)
    first = "budget_value" if names[0] == "budget" else names[0]
    return say("chart.loss.ghost.setting", name=setting(first, budget=before.budget), value=plain(old[first]))
