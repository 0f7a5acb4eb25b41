"""Start, stop and pause the run of this browser session. What is pressed answers in its own rerun."""

from __future__ import annotations

import time

import streamlit as st

from core.config import RunConfig
from core.control import Command
from core.errors import BatchLabError
from core.store import ACTIVE_STATES, RunRecord, new_run_id
from ui.engine import engine
from ui.form import Form
from ui.session import Session
from ui.text import explain, say

FIRST_ROW_WAIT_S, END_WAIT_S, LOOK_EVERY_S = 0.3, 0.2, 0.01


def attach(session: Session) -> None:
    """Take up the run in the URL, or put the shown run there. Whoever knows a run's id has control of it."""
    named = st.query_params.get("run")
    if named and named != session.run_id:
        session.unknown_run = engine().store.run(named) is None and not engine().is_starting(named)
        session.run_id = None if session.unknown_run else named
    if session.run_id and st.query_params.get("run") != session.run_id:
        st.query_params["run"] = session.run_id
    elif session.unknown_run and "run" in st.query_params:
        del st.query_params["run"]


def is_active(run_id: str | None, record: RunRecord | None) -> bool:
    """Return whether a run has not ended: it may be on its way into the store."""
    if record:
        return record.state in ACTIVE_STATES
    return run_id is not None and engine().is_starting(run_id)


def draw(form: Form, *, active: bool, paused: bool, run_id: str | None) -> None:
    """Draw the buttons; what cannot be pressed says why."""
    refused = explain(form.problems[0].code, form.problems[0].values) if form.problems else None
    idle = None if active else say("control.idle")
    st.button(
        say("control.resume" if paused else "control.pause"), key="pause", disabled=not active, help=idle,
        icon=":material/resume:" if paused else ":material/pause:", on_click=_command,
        args=(run_id, "resume" if paused else "pause"),
    )  # fmt: skip
    st.button(
        say("control.stop"), key="stop", icon=":material/stop:", disabled=not active, help=idle, on_click=_stop,
        args=(run_id,),
    )  # fmt: skip
    st.button(
        say("control.restart" if active else "control.start"), key="start", type="primary",
        icon=":material/play_arrow:", disabled=form.config is None,
        help=say("control.start.refused", reason=refused) if refused else None, on_click=_start, args=(form.config,),
    )  # fmt: skip


def _start(config: RunConfig | None) -> None:
    if config is None:
        return
    session, shared = Session(), engine()
    if session.run_id:
        shared.client.command(session.run_id, "stop")
    session.run_id, session.unknown_run = new_run_id(), False
    session.url_problems.clear()
    st.query_params["run"] = session.run_id
    shared.start(config, run_id=session.run_id, session=session.id)
    _wait_for_row(session.run_id)


def _wait_for_row(run_id: str) -> None:
    """Wait for the first updates in the store, so that the click's own rerun draws the first line."""
    shared, until = engine(), time.monotonic() + FIRST_ROW_WAIT_S
    while time.monotonic() < until:
        if shared.start_error(run_id):
            return
        if not shared.is_starting(run_id):
            try:
                reader = shared.readers.reader(run_id)
                reader.refresh()
            except BatchLabError:  # the panel meets it too, and says so
                return
            if reader.updates or not is_active(run_id, reader.record):
                return
        time.sleep(LOOK_EVERY_S)


def _stop(run_id: str | None) -> None:
    if run_id is None:
        return
    shared, until = engine(), time.monotonic() + END_WAIT_S
    shared.client.command(run_id, "stop")
    while time.monotonic() < until:
        record = shared.store.run(run_id)
        if not is_active(run_id, record):
            return
        time.sleep(LOOK_EVERY_S)


def _command(run_id: str | None, command: Command) -> None:
    if run_id:
        engine().client.command(run_id, command)
        time.sleep(LOOK_EVERY_S * 5)  # the answer to a pause comes within an update or two
