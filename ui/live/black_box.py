"""Show the update that ran out of memory, frozen where it stopped, and the remedies that would have worked."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import streamlit as st

from core.run.config import RunConfig
from core.run.events import FailedAllocation
from core.run.timeline import Timeline, plain_operation
from core.store import RunRecord
from core.words.errors import StoreError
from ui.charts.memory.timeline import timeline
from ui.charts.memory.timeline_table import timeline_table
from ui.kit import plots
from ui.live import controls
from ui.setup import remedies
from ui.shell.engine import engine
from ui.shell.session import Session
from ui.shell.text import mib, number, say, words


def waits(record: RunRecord | None) -> bool:
    """Return whether the remedies are still being tested."""
    if record is None or record.ended is None or record.ended.allocation is None:
        return False
    return remedies.asked(record.config) == (None, None)


def draw(session: Session, record: RunRecord | None) -> None:
    """Draw the failed update and the remedies, for a run that ran out of memory."""
    if record is None or record.ended is None or record.ended.allocation is None:
        return
    allocation = record.ended.allocation
    wide, narrow = st.columns([1, 1], gap="small")
    with wide.container(border=True, key="black_box"):
        st.markdown(f"**{say('box.title')}**")
        st.caption(_caption(allocation))
        if allocation.timeline:
            changes = {_event(record, allocation): Timeline.from_dict(allocation.timeline)}
            table = timeline_table(changes, words(), limit_bytes=allocation.limit_bytes, failed=allocation)
            plots.draw(timeline, table)
        with st.expander(say("box.error")):
            st.code(allocation.error, language=None, wrap_lines=True)
    with narrow.container(border=True, key="remedies"):
        st.markdown(f"**{say('remedy.title')}**")
        goes_on = _has_state(record.id)
        take = partial(controls.ask_to_go_on, session, record.id if goes_on else None)
        updates = record.ended.updates
        button = say("remedy.continue") if goes_on and updates else say("remedy.start")
        remedies.draw(record.config, button=button, take=partial(_take, take))
        if not goes_on:
            st.caption(say("remedy.no_state"))
        else:
            st.caption(say("remedy.goes_on", updates=number(updates)) if updates else say("remedy.begins"))


def _has_state(run_id: str) -> bool:
    with suppress(StoreError):  # the panel shows the error
        return engine().store.has_state(run_id)
    return False


def _take(go_on: Any, config: RunConfig) -> None:
    go_on(config)
    st.rerun()


def _caption(allocation: FailedAllocation) -> str:
    """Return where the update stopped, as Markdown."""
    if allocation.phase == "held":
        live, requested = mib(allocation.live_bytes), mib(allocation.requested_bytes)
        request = say(f"box.held.{allocation.operation}", live=live, requested=requested)
    else:
        key = f"box.{allocation.phase}"
        request = say(
            f"{key}.module" if allocation.module else key,
            operation=plain_operation(allocation.operation),
            module=allocation.module,
            requested=mib(allocation.requested_bytes),
            shape=" \u00d7 ".join(map(number, allocation.shape)) or number(1),
        )
    if not allocation.workspace_bytes:
        return request
    return f"{request} {say('box.workspace', workspace=mib(allocation.workspace_bytes))}"


def _event(record: RunRecord, allocation: FailedAllocation) -> str:
    if allocation.phase == "evaluation":
        return "evaluation"
    first = record.facts.first
    return "first_update" if record.ended and record.ended.updates == first else "second_update"
