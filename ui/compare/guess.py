"""Ask which arm ends lowest before the page shows it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui.compare.shown import Shown
from ui.compare.state import CompareState
from ui.shell.session import Session
from ui.shell.text import say


def hides(session: Session, shown: Shown | None) -> bool:
    """Return whether the result stays hidden until the viewer has guessed."""
    state = session.state(CompareState)
    return shown is not None and bool(session.field("compare_guess", False)) and state.shown not in state.guesses


def made(session: Session) -> int | None:
    """Return the number of the arm that the viewer guessed, if a guess was asked for."""
    state = session.state(CompareState)
    return state.guesses.get(state.shown) if session.field("compare_guess", False) else None


def ask(session: Session, names: Sequence[str]) -> None:
    """Draw the question, with a button for each arm."""
    with st.container(horizontal=True, vertical_alignment="center", key="compare_question"):
        st.markdown(say("compare.guess.ask"), width="content")
        for number, name in enumerate(names):
            st.button(name, key=f"guess_{number}", on_click=_guess, args=(session, number))


def _guess(session: Session, number: int) -> None:
    state = session.state(CompareState)
    state.guesses[state.shown] = number
