"""Attach a browser session to the run that its URL names."""

from __future__ import annotations

import time
from contextlib import suppress

import streamlit as st

from core.run.changes import REASON
from core.words.errors import Problem, StoreError
from ui.shell.engine import engine
from ui.shell.session import Session

HEARD_AFTER_S = 2.0  # within this time, a browser learns of a start


def attach(session: Session) -> None:
    """Show the run that the URL names, or put the shown run into the URL. Knowing a run's id gives control of it."""
    named = st.query_params.get("run")
    # Until the browser learns of a start, it sends the URL from before the start.
    late = named == session.left_run_id and time.monotonic() < session.left_at_s + HEARD_AFTER_S
    if named and named != session.run_id and not late:
        session.unknown_run = not _is_known(session, named)
        session.run_id = None if session.unknown_run else named
    elif session.run_id and not _is_known(session, session.run_id) and not session.trouble:  # it was deleted meanwhile
        session.unknown_run, session.run_id = True, None
    if session.run_id:
        with suppress(StoreError):  # the panel reports the reason
            session.run_id = _to_show(session, session.run_id)
    if session.run_id and st.query_params.get("run") != session.run_id:
        st.query_params["run"] = session.run_id
    elif session.unknown_run and "run" in st.query_params:
        del st.query_params["run"]


def _is_known(session: Session, run_id: str) -> bool:
    try:
        store = engine().store
        known = store.run(run_id) is not None and store.comparison(run_id) is None  # a comparison has its own page
        session.trouble = ()
        return known
    except StoreError as error:
        session.trouble = error.problems
        return False


def _to_show(session: Session, run_id: str) -> str:
    """Return the run to show in place of this one.

    After a change of settings, that is the run that continues it. If it ended before it could continue another run, it
    is that other run.
    """
    store = engine().store
    while (record := store.run(run_id)) and record.ended:
        before = store.run(record.parent) if record.parent and not record.facts.has_begun else None
        heir = store.heir(run_id) if record.ended.reason == REASON else None
        if heir:
            run_id = heir
        elif before:
            run_id = before.id
            if record.ended.state == "failed":
                session.not_changed = Problem(record.ended.reason, record.ended.values)
        else:
            break
    return run_id
