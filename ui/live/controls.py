"""Start, stop and step the run of this browser session. A click is answered in its own rerun."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import streamlit as st

from core.run.config import RunConfig
from core.run.control import Command
from core.store import RunRecord, Store, new_run_id
from core.store.reader import RunReader
from core.words.errors import StoreError
from ui.kit.button import button
from ui.live import changes
from ui.live.state import LiveState
from ui.setup import pace
from ui.setup.fields import apply, settings
from ui.setup.form import Form
from ui.setup.replacement import stop_replaced
from ui.shell.engine import Engine, engine
from ui.shell.session import Session
from ui.shell.text import explain, say

LINE = 2  # updates: a single point draws no line
FIRST_LINE_WAIT_S, END_WAIT_S, LOOK_EVERY_S = 0.3, 0.2, 0.01
# Combinations with Ctrl or Alt work while a field has the focus. No common browser uses these in a menu.
KEYS = {"start": "Ctrl+Enter", "pause": "Alt+P", "one_update": "Alt+U", "one_epoch": "Alt+N", "stop": "Alt+X"}


def is_active(record: RunRecord | None) -> bool:
    """Return whether there is a run that has not ended."""
    return record is not None and record.is_active


def is_paused(record: RunRecord | None) -> bool:
    """Return whether there is a run that is paused."""
    return record is not None and record.state == "paused"


def draw(session: Session, form: Form, record: RunRecord | None) -> None:
    """Draw the buttons. The state of the run and the sentence of arithmetic say why some are disabled."""
    active, paused = is_active(record), is_paused(record)
    refused = explain(form.problems[0].code, form.problems[0].values) if form.problems else ""
    idle = "" if active else say("control.idle" if session.run_id is None else "control.ended")
    no_start = say("control.start.refused", reason=refused) if refused else ""
    pause: Command = "resume" if paused else "pause"
    _button("pause", pause, "resume" if paused else "pause", idle, _command, session, pause)
    _button("one_update", "one_update", "step", "" if active else no_start, _step, session, "one_update")
    _button("one_epoch", "one_epoch", "step_over", "" if active else no_start, _step, session, "one_epoch")
    _button("stop", "stop", "stop", idle, _stop, session)
    words, icon = ("restart", "restart_alt") if _restarts(session, record) else ("start", "play_arrow")
    _button("start", words, icon, no_start, ask_to_start, session, primary=True)
    with st.sidebar, st.container(key="drawer"):  # on a phone, the form covers the other one
        _button("start_in_drawer", words, icon, no_start, ask_to_start, session, primary=True)


def _restarts(session: Session, record: RunRecord | None) -> bool:
    """Return whether Start would stop the shown run."""
    if record is None or not is_active(record):
        return False
    return record.session == session.id or not engine().watchers.elsewhere(record.id)


def _button(
    key: str, words: str, icon: str, why_not: str, act: Callable[..., None], *args: Any, primary: bool = False
) -> None:
    what, keys = say(f"control.{words}.help"), KEYS.get(key)
    if keys:
        what = say("control.shortcut", what=what, keys=keys)
    button(
        say(f"control.{words}"),
        why_not=why_not,
        help_=what,
        key=key,
        icon=f":material/{icon}:",
        on_click=act,
        args=args,
        shortcut=keys,
        width="content" if keys else "stretch",
        type="primary" if primary else "secondary",
    )


def ask_to_start(session: Session, first: Command | None = None) -> None:
    """Ask for a run with the form's settings, paused after the `first` command if there is one; a callback.

    A shortcut arrives before the value of the field in which it was pressed: the browser sends that value a moment
    later, which restarts this script run. So `start_if_asked` starts the run after the form has been drawn.
    """
    state = session.state(LiveState)
    session.wanted, state.goes_on = first or "start", None


def ask_to_change(session: Session) -> None:
    """Ask to continue the shown run with the form's settings; a callback like `ask_to_start`."""
    state = session.state(LiveState)
    session.wanted, state.goes_on = "change", None


def ask_to_go_on(session: Session, run_id: str | None, config: RunConfig) -> None:
    """Ask to continue a run with other settings, and put them into the form; a callback. None starts a new run."""
    state = session.state(LiveState)
    session.wanted, state.goes_on = "start", (run_id, config)
    apply(settings(config))


def start_if_asked(session: Session, form: Form) -> None:
    """Start the run that was asked for, if any: a new one, or one that continues another."""
    state = session.state(LiveState)
    shared = engine()
    if session.wanted is None:
        return
    # Until the session has its new run, no call goes to Streamlit, which could abort this script run.
    wanted, session.wanted = session.wanted, None
    goes_on, state.goes_on = state.goes_on, None
    first = None if wanted == "start" or wanted == "change" else wanted
    parent, config = goes_on or (None, form.config)
    stands = first is not None
    if wanted == "change":
        record = _changeable(session, shared, config)
        if record is None:
            return
        parent, stands = record.id, is_paused(record)
    if config is None or not _start(session, shared, config, first, parent=parent, paused=stands):
        return
    assert session.run_id is not None
    st.query_params["run"] = session.run_id
    reader = shared.readers.reader(session.run_id)
    enough = 1 if first else 0 if stands else LINE
    _wait(FIRST_LINE_WAIT_S, lambda: _read(reader) and _is_there(reader, enough))


def _changeable(session: Session, shared: Engine, config: RunConfig | None) -> RunRecord | None:
    """Return the shown run if it can be continued with these settings. It may have ended since it was drawn."""
    if session.run_id is None or config is None:
        return None
    reader = shared.readers.reader(session.run_id)
    with suppress(StoreError):
        reader.refresh()
    record = reader.record
    if record is None or not changes.can_go_on(record, config) or changes.why_not(record, reader, config):
        return None
    return record


def _is_there(reader: RunReader, enough: int) -> bool:
    """Return whether a run has made so many updates of its own, or is paused without any, or has ended."""
    record = reader.record
    if record is None or not is_active(record):
        return True
    own = reader.updates - reader.inherited
    return own >= enough and (enough > 0 or is_paused(record))


def _start(
    session: Session, shared: Engine, config: RunConfig, first: Command | None, *, parent: str | None, paused: bool
) -> bool:
    """Replace the session's run with a new one; return whether the database accepted it."""
    state = session.state(LiveState)
    run_id = new_run_id()
    try:
        goes_on = _line_of(shared.store, parent)
        stop_replaced(shared, owner=session.id, shown=session.run_id, kept=goes_on)
        shared.client.start(
            config, run_id=run_id, session=session.id, paused=paused, pace=pace.chosen(session), parent=parent
        )
        if first:
            shared.client.command(run_id, first)
    except StoreError as error:
        session.trouble = error.problems
        return False
    if session.run_id and session.run_id != parent and shared.reader(session.run_id).updates >= LINE:
        state.previous_run_id = session.run_id
    session.left_run_id, session.left_at_s = session.run_id, time.monotonic()
    session.run_id, session.unknown_run, session.trouble = run_id, False, ()
    session.not_changed = None
    session.url_problems.clear()
    return True


def _line_of(store: Store, run_id: str | None) -> set[str]:
    """Return a run that another one continues, and the runs before it that it has not replaced yet."""
    line = set()
    while run_id:
        line.add(run_id)
        record = store.run(run_id)
        run_id = record.parent if record and is_active(record) else None
    return line


# The callbacks below read the run from the session: a button that is pressed right after Start still has the old one.


def _stop(session: Session) -> None:
    run_id, shared = session.run_id, engine()
    if run_id:
        shared.client.command(run_id, "stop")
        _wait(END_WAIT_S, lambda: not is_active(shared.store.run(run_id)))


def _command(session: Session, command: Command) -> None:
    run_id, shared = session.run_id, engine()
    if run_id:
        shared.client.command(run_id, command)
        paused = command == "pause"
        _wait(END_WAIT_S, lambda: is_paused(shared.store.run(run_id)) == paused)


def _step(session: Session, command: Command) -> None:
    """Make one update or epoch and pause; start a run if none is active."""
    run_id, shared = session.run_id, engine()
    reader = shared.readers.reader(run_id) if run_id else None
    with suppress(StoreError):
        if reader:
            reader.refresh()
    if reader is None or run_id is None or not is_active(reader.record):
        ask_to_start(session, command)
        return
    before = reader.updates
    shared.client.command(run_id, command)
    _wait(END_WAIT_S, lambda: _read(reader) and reader.updates > before and is_paused(reader.record))


def _read(reader: RunReader) -> bool:
    reader.refresh()  # another tab may have done so already
    return True


def _wait(longest_s: float, done: Callable[[], bool]) -> None:
    """Wait for a change in the store, so that the click's own rerun draws it. Otherwise a later refresh draws it."""
    until = time.monotonic() + longest_s
    with suppress(StoreError):  # the panel reports it
        while not done() and time.monotonic() < until:
            time.sleep(LOOK_EVERY_S)
