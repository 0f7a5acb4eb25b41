"""Show the update that ran out of memory, frozen where it stopped, and what would have worked."""

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
from ui.charts.memory.timeline import timeline, timeline_table
from ui.kit import plots
from ui.live import controls
from ui.setup import remedies
from ui.shell.engine import engine
from ui.shell.session import Session
from ui.shell.text import mib, number, say


def waits(record: RunRecord | None) -> bool:
    """Return whether what would have worked is still being tried out."""
    if record is None or record.ended is None or record.ended.allocation is None:
        return False
    return remedies.asked(record.config) == (None, None)


def draw(session: Session, record: RunRecord | None) -> None:
    """Draw the box and the ways out, for a run that ran out of memory."""
    if record is None or record.ended is None or record.ended.allocation is None:
        return
    allocation = record.ended.allocation
    wide, narrow = st.columns([1, 1], gap="small")
    with wide.container(border=True, key="black_box"):
        st.markdown(f"**{say('box.title')}**")
        st.caption(_what(allocation))
        if allocation.timeline:
            changes = {_event(record, allocation): Timeline.from_dict(allocation.timeline)}
            table = timeline_table(changes, say, limit_bytes=allocation.limit_bytes, failed=allocation)
            plots.draw(timeline, table)
        with st.expander(say("box.error")):
            st.code(allocation.error, language=None, wrap_lines=True)
    with narrow.container(border=True, key="remedies"):
        st.markdown(f"**{say('fix.title')}**")
        goes_on = _has_state(record.id)
        take = partial(controls.ask_to_go_on, session, record.id if goes_on else None)
        updates = record.ended.updates
        words = "fix.continue" if goes_on and updates else "fix.start"
        remedies.draw(record.config, button=say(words), take=partial(_take, take))
        if not goes_on:
            st.caption(say("fix.no_state"))
        else:
            st.caption(say("fix.goes_on", updates=number(updates)) if updates else say("fix.begins"))


def _has_state(run_id: str) -> bool:
    with suppress(StoreError):  # the panel says so
        return engine().store.has_state(run_id)
    return False


def _take(go_on: Any, config: RunConfig) -> None:
    go_on(config)
    st.rerun()


def _what(allocation: FailedAllocation) -> str:
    values = {
        "event": say(f"box.event.{allocation.phase}"),
        "operation": plain_operation(allocation.operation),
        "module": allocation.module,
        "requested": mib(allocation.requested_bytes),
        "shape": " \u00d7 ".join(map(number, allocation.shape)) or "1",
        "live": mib(allocation.live_bytes),
        "workspace": mib(allocation.workspace_bytes),
    }
    if allocation.operation == "model":
        return say("box.caption.model", **values)
    return say("box.caption" if allocation.module else "box.caption.nowhere", **values)


def _event(record: RunRecord, allocation: FailedAllocation) -> str:
    if allocation.phase == "evaluation":
        return "evaluation"
    first = record.facts.first
    return "first update" if record.ended and record.ended.updates == first else "second update"
