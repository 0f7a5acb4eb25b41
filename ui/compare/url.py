"""Read the comparison that the URL names, and write the shown one into the URL."""

from __future__ import annotations

import streamlit as st

from core.comparison import address
from core.comparison.presets import PRESETS
from core.comparison.setup import Comparison
from core.words.errors import BatchLabError, ConfigError, StoreError
from ui.compare.state import CompareState, Notice
from ui.shell.engine import engine
from ui.shell.session import Session

FIRST = next(iter(PRESETS))


def attach(session: Session) -> None:
    """Take over the preset, the comparison and the arms that the URL names, or put the shown ones into it.

    The preset and the arms count when the page is first opened.
    """
    state = session.state(CompareState)
    is_first = state.arms is None
    if state.arms is None:
        named = st.query_params.get("preset", FIRST)
        state.preset = named if named in PRESETS else FIRST
        state.arms = PRESETS[state.preset].arms
        state.recorded = state.preset
        if named not in PRESETS:
            state.notice = Notice("unknown_preset", named)
    given = st.query_params.get("comparison")
    if given and (not state.id or state.unread) and not _take_comparison(session, given):
        state.id, state.notice = None, Notice("unknown", given)
        del st.query_params["comparison"]
    if is_first and "arms" in st.query_params:
        _take_arms(session, st.query_params["arms"])
    if state.id:
        st.query_params["comparison"] = state.id
    if state.changed:
        st.query_params["arms"] = address.write(state.arms or ())
    else:
        st.query_params.pop("arms", None)


def _take_arms(session: Session, text: str) -> None:
    state = session.state(CompareState)
    try:
        state.arms = address.read(text)
        state.preset, state.changed, state.unread = None, True, False
    except ConfigError as error:
        state.notice = Notice("bad_arms", problems=error.problems[:1])


def _take_comparison(session: Session, run_id: str) -> bool:
    """Show a comparison and take over its arms; return whether it exists and can be read.

    If the database does not respond, the comparison is taken over once it does.
    """
    state = session.state(CompareState)
    state.unread = False
    try:
        found = engine().store.comparison(run_id)
        comparison = Comparison.from_json(found[1]) if found else None
    except StoreError:
        state.id, state.unread = run_id, True
        return True
    except BatchLabError:
        return False
    if comparison is None:
        return False
    state.id, state.arms, state.preset = run_id, comparison.arms, None
    for name, value in (("budget", comparison.budget), ("rule", comparison.rule), ("seeds", comparison.seeds)):
        session.set_field(f"compare_{name}", value)
    return True
