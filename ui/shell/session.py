"""The one place that touches st.session_state: what a browser session remembers, with a type for each."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import streamlit as st

from core.run.control import Command
from core.words.errors import Problem

State = TypeVar("State")


@dataclass
class Session:
    """What a browser session remembers besides the values of widgets.

    Fetch it once a script run: at every access to st.session_state Streamlit may end the run in favour of a newer one,
    and values that belong together must not be torn apart. What only one feature needs is in a class of its own
    (`state`).
    """

    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    framed: bool = False  # app.py has run in this script run
    url_read: bool = False  # the settings in the address have been checked
    on_form: bool = False  # the last run drew the form
    fields: dict[str, Any] = field(default_factory=dict)  # of the form, for when another page has been open
    form_at_first: Any = None  # what the form said when it was first drawn
    url_problems: list[tuple[Problem, Any]] = field(default_factory=list)  # each with the value used instead
    # A start, a change of the shown run, or the first command of a run that stands after it.
    wanted: Command | Literal["start", "change"] | None = None
    run_id: str | None = None  # the run that is shown
    left_run_id: str | None = None  # the one that the address had when another was started,
    left_at_s: float = 0.0  # and when that was, by the monotonic clock
    unknown_run: bool = False  # the address named a run that there is not
    not_changed: Problem | None = None  # why the shown run has the settings that it had
    trouble: tuple[Problem, ...] = ()  # why the last start did not succeed
    _states: dict[type[Any], Any] = field(default_factory=dict, init=False)  # of the features, by class

    def state(self, kind: type[State]) -> State:
        """Return what a feature remembers, in the class that the feature has for it; new where there is nothing yet."""
        if kind not in self._states:
            self._states[kind] = kind()
        found: State = self._states[kind]
        return found

    def field(self, name: str, default: Any) -> Any:
        """Return a setting of the form, also while its widget is not drawn."""
        return st.session_state.get(name, self.fields.get(name, default))

    def set_field(self, name: str, value: Any) -> None:
        """Set a widget of the form; in a callback or before it is drawn."""
        st.session_state[name] = value

    def remember(self, name: str) -> None:
        """Keep the value of a widget for when another page has been open."""
        if name in st.session_state:
            self.fields[name] = st.session_state[name]

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
