"""Draw the pace of the shown run, or of the next one: how many updates it makes per second at most."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import streamlit as st

from core.run.control import FULL_SPEED
from core.store import RunRecord
from core.words.errors import Problem, StoreError
from ui.shell.engine import engine
from ui.shell.session import Session
from ui.shell.text import count, say

PACES = (1, 5, 20, 100, FULL_SPEED)
NAMES = {f"{pace:g}": pace for pace in PACES[:-1]} | {"full": FULL_SPEED}  # as the URL has them
WIDTH = 330  # pixels: as the popover itself, on the narrowest screen
KEYS = {"slower": "Alt+J", "faster": "Alt+L"}  # as in a video player


@dataclass
class PaceState:
    """The pace of the shown run while it is active, and of the next one."""

    pace: float = FULL_SPEED
    url_read: bool = False


def chosen(session: Session) -> float:
    """Return the pace at which the next run starts."""
    return session.state(PaceState).pace


def text(pace: float) -> str:
    """Return a pace in words."""
    return say("pace.full") if pace == FULL_SPEED else count("pace.value", pace)


def draw(session: Session, record: RunRecord | None) -> None:
    """Draw a popover with the pace, and keep the pace in the URL.

    While a run is active, its pace counts, which another page may have changed.
    """
    state = session.state(PaceState)
    if not state.url_read:
        _read_url(session)
    if record and record.is_active:
        state.pace = record.facts.pace
    session.give("pace", state.pace)
    stops = tuple(sorted({*PACES, state.pace, *session.late_values("pace")}))
    menu = st.popover(text(state.pace), icon=":material/speed:", help=say("pace.help"), key="pace_menu")
    with menu.container(width=WIDTH):
        st.select_slider(say("pace"), stops, key="pace", format_func=text, on_change=_take, args=(session,))
        st.caption(say("pace.about", **KEYS))
    with st.container(key="pace_keys"):  # not displayed: the buttons have no other task than their keys
        for way, key in KEYS.items():
            st.button(say(f"pace.{way}"), key=way, shortcut=key, on_click=_step, args=(session, way))
    if state.pace == FULL_SPEED:
        st.query_params.pop("pace", None)
    elif st.query_params.get("pace") != f"{state.pace:g}":
        st.query_params["pace"] = f"{state.pace:g}"


def _read_url(session: Session) -> None:
    state, named = session.state(PaceState), st.query_params.get("pace", "full")
    state.url_read = True
    if named in NAMES:
        state.pace = NAMES[named]
    else:
        values = {"field": "pace", "choices": ", ".join(NAMES), "value": named}
        session.url_problems.append((Problem("not_a_choice", values), "full"))


def _take(session: Session) -> None:
    if not session.undo_late("pace"):
        _set(session, session.field("pace", FULL_SPEED))


def _step(session: Session, way: str) -> None:
    """Take the next slower or faster pace, if there is one."""
    pace = chosen(session)
    if way == "slower":
        _set(session, max((each for each in PACES if each < pace), default=pace))
    else:
        _set(session, min((each for each in PACES if each > pace), default=pace))


def _set(session: Session, pace: float) -> None:
    session.state(PaceState).pace = pace
    shared = engine()
    with suppress(StoreError):  # the panel reports it
        record = shared.store.run(session.run_id) if session.run_id else None
        if record and record.is_active:
            shared.client.set_pace(record.id, pace)
