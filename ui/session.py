"""The one place that touches st.session_state: what a browser session remembers, with a type for each."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

import streamlit as st

from core.config import RunConfig
from core.control import Command
from core.errors import Problem


@dataclass
class Session:
    """What this browser session remembers, beside the widgets.

    One object, fetched once a script run: at every access to st.session_state Streamlit may break the run off for a
    newer one, and what belongs together must not be torn apart.
    """

    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    framed: bool = False  # app.py has run in this script run
    url_read: bool = False  # the settings in the address have been checked
    on_form: bool = False  # the last run drew the form
    fields: dict[str, Any] = field(default_factory=dict)  # of the form, for when another page has been open
    form_at_first: Any = None  # what the form said when it was first drawn
    url_problems: list[tuple[Problem, Any]] = field(default_factory=list)  # each with the value used instead
    wanted: Command | Literal["start"] | None = None  # a start, or the first command of a run that stands after it
    goes_on: tuple[str | None, RunConfig] | None = None  # a run to go on from, and the settings to do so with
    run_id: str | None = None  # the run that is shown
    previous_run_id: str | None = None  # the one shown before, for the ghost on the charts
    left_run_id: str | None = None  # the one that the address had when another was started,
    left_at_s: float = 0.0  # and when that was, by the monotonic clock
    unknown_run: bool = False  # the address named a run that there is not
    memory_waits: bool = False  # the memory page works something out, or plays it
    attempts_shown: int | None = None  # of the ways to find the largest batch; None: all
    own_model: dict[str, str] | None = None  # that was asked about last,
    own_model_asked: str = ""  # and which time of asking that was
    trouble: tuple[Problem, ...] = ()  # why the last start did not succeed

    def field(self, name: str, default: Any) -> Any:
        """Return a setting of the form, also while its widget is not drawn."""
        return st.session_state.get(name, self.fields.get(name, default))

    def set_field(self, name: str, value: Any) -> None:
        """Set a widget of the form; in a callback or before it is drawn."""
        st.session_state[name] = value

    def restore_fields(self) -> None:
        """Give all widgets of the form, before they are drawn again, the values they had."""
        for name, value in self.fields.items():
            self.set_field(name, value)


def current() -> Session:
    """Return what the browser session that this script runs for remembers."""
    if "_session" not in st.session_state:
        st.session_state["_session"] = Session()
    found: Session = st.session_state["_session"]
    return found
