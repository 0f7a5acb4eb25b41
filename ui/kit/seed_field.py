"""Draw the field for the first seed of an experiment, which accepts any number and says which are refused."""

from __future__ import annotations

import streamlit as st

from core.science.seeds import first_seed
from core.words.errors import ConfigError
from ui.shell.problems import reasons
from ui.shell.session import Session


def field(session: Session, key: str, *, label: str, help_: str, step: int) -> None:
    """Draw the field, and below it the reason if its number is refused."""
    with st.container(width="content", gap="small"):
        st.number_input(label, value=0, step=step, key=key, persist_state="session", width=150, help=help_)
        if why := refused(session, key):
            st.caption(f":material/warning: {why}")


def refused(session: Session, key: str) -> str:
    """Return why the number in the field cannot be a first seed; an empty text if it can."""
    try:
        first_seed(str(chosen(session, key)))
    except ConfigError as error:
        return reasons(error.problems)
    return ""


def chosen(session: Session, key: str) -> int:
    """Return the number in the field."""
    return int(session.field(key, 0))
