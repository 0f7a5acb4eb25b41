"""Start, stop and pause the run of this browser session. What is pressed answers in its own rerun."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import streamlit as st

from core.config import RunConfig
from core.control import Command
from core.errors import StoreError
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
        session.unknown_run = not _is_known(named)
        session.run_id = None if session.unknown_run else named
    if session.run_id and st.query_params.get("run") != session.run_id:
        st.query_params["run"] = session.run_id
    elif session.unknown_run and "run" in st.query_params:
        del st.query_params["run"]


def _is_known(run_id: str) -> bool:
    try:
        return engine().store.run(run_id) is not None
    except StoreError as error:
        Session().trouble = error.problems
        return False


def is_active(record: RunRecord | None) -> bool:
    """Return whether there is a run that has not ended."""
    return record is not None and record.state in ACTIVE_STATES


def draw(form: Form, *, active: bool, paused: bool) -> None:
    """Draw the buttons; what cannot be pressed says why."""
    refused = explain(form.problems[0].code, form.problems[0].values) if form.problems else None
    idle = None if active else say("control.idle")
    st.button(
        say("control.resume" if paused else "control.pause"), key="pause", disabled=not active, help=idle,
        icon=":material/resume:" if paused else ":material/pause:", on_click=_command,
        args=("resume" if paused else "pause",),
    )  # fmt: skip
    st.button(
        say("control.stop"), key="stop", icon=":material/stop:", disabled=not active, help=idle, on_click=_stop,
    )  # fmt: skip
    st.button(
        say("control.restart" if active else "control.start"), key="start", type="primary",
        icon=":material/play_arrow:", disabled=form.config is None,
        help=say("control.start.refused", reason=refused) if refused else None, on_click=_start, args=(form.config,),
    )  # fmt: skip


def _start(config: RunConfig | None) -> None:
    session, shared = Session(), engine()
    if config is None:
        return
    run_id = new_run_id()
    try:
        for record in shared.store.active(session=session.id):  # whatever the address has shown meanwhile
            shared.client.command(record.id, "stop")
        if session.run_id:  # another session's, that was taken over by its link
            shared.client.command(session.run_id, "stop")
        shared.client.start(config, run_id=run_id, session=session.id)
    except StoreError as error:
        session.trouble = error.problems
        return
    session.run_id, session.unknown_run, session.trouble = run_id, False, ()
    session.url_problems.clear()
    st.query_params["run"] = run_id
    reader = shared.readers.reader(run_id)
    _wait(FIRST_ROW_WAIT_S, lambda: reader.refresh() and (reader.updates > 0 or not is_active(reader.record)))


# These ask the session for the run, not the button: one that is pressed straight after Start is still the old one.


def _stop() -> None:
    run_id, shared = Session().run_id, engine()
    if run_id:
        shared.client.command(run_id, "stop")
        _wait(END_WAIT_S, lambda: not is_active(shared.store.run(run_id)))


def _command(command: Command) -> None:
    run_id, shared = Session().run_id, engine()
    if run_id:
        shared.client.command(run_id, command)
        paused = command == "pause"
        _wait(END_WAIT_S, lambda: _is_paused(shared.store.run(run_id)) == paused)


def _is_paused(record: RunRecord | None) -> bool:
    return record is not None and record.state == "paused"


def _wait(longest_s: float, done: Callable[[], bool]) -> None:
    """Wait for something in the store, so that the click's own rerun draws it; the panel meets it later if not."""
    until = time.monotonic() + longest_s
    with suppress(StoreError):  # the panel will say so
        while not done() and time.monotonic() < until:
            time.sleep(LOOK_EVERY_S)
