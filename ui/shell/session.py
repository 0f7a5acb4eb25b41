"""Keep what a browser session remembers. No other module touches st.session_state."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import streamlit as st

from core.run.control import Command
from core.words.errors import Problem

State = TypeVar("State")
DELIVERY_S = 1.5  # longest time from the end of a script run until the browser has its output


@dataclass
class Given:
    """A value that the app set on a widget. Until the browser receives it, requests may contain one of those before."""

    value: Any
    before: tuple[Any, ...]
    sent_s: float | None = None  # end of the script run that sent it, by the monotonic clock; None until then

    def is_on_its_way(self) -> bool:
        return self.sent_s is None or time.monotonic() < self.sent_s + DELIVERY_S


@dataclass
class Session:
    """What a browser session remembers besides the values of widgets.

    Fetch it once per script run: at every access to st.session_state, Streamlit may abort the run in favour of a newer
    one, and values that belong together must not be torn apart. State that only one feature needs is in a class of its
    own (`state`).
    """

    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    url_read: bool = False  # the settings in the URL have been checked
    on_form: bool = False  # the last run drew the form
    fields: dict[str, Any] = field(default_factory=dict)  # the form's values, kept while another page is open
    form_at_first: Any = None  # the config or the problems of the form when it was first drawn
    url_problems: list[tuple[Problem, Any]] = field(default_factory=list)  # each with the value used instead
    # A start, a change of the shown run, or the first command of a run that pauses after it.
    wanted: Command | Literal["start", "change"] | None = None
    run_id: str | None = None  # the run that is shown
    left_run_id: str | None = None  # the run that the URL named when another one was started
    left_at_s: float = 0.0  # the time of that start, by the monotonic clock
    unknown_run: bool = False  # the URL named a run that does not exist
    not_changed: Problem | None = None  # why the shown run kept its settings
    trouble: tuple[Problem, ...] = ()  # why the last start failed
    _given: dict[str, Given] = field(default_factory=dict, init=False)  # by the widget's key
    _states: dict[type[Any], Any] = field(default_factory=dict, init=False)  # the features' states by their class

    def state(self, kind: type[State]) -> State:
        """Return this session's only instance of a feature's state class, made with its defaults on first use."""
        if kind not in self._states:
            self._states[kind] = kind()
        found: State = self._states[kind]
        return found

    def field(self, name: str, default: Any) -> Any:
        """Return the value of a widget, even while the widget is not drawn."""
        return st.session_state.get(name, self.fields.get(name, default))

    def set_field(self, name: str, value: Any) -> None:
        """Set the value of a widget, in a callback or before the widget is drawn."""
        st.session_state[name] = value

    def give(self, name: str, value: Any) -> None:
        """Set the value of a widget, and protect it from requests sent before the browser has received it."""
        late = self.late_values(name)
        if late or name in st.session_state:
            now = self._given[name].value if late else st.session_state[name]
            if now != value:
                before = (*late, now, st.session_state.get(name, now))
                self._given[name] = Given(value, tuple(each for each in before if each != value))
        self.set_field(name, value)

    def late_values(self, name: str) -> tuple[Any, ...]:
        """Return the earlier values of a widget that a late request may still contain."""
        given = self._given.get(name)
        return given.before if given and given.is_on_its_way() else ()

    def undo_late(self, name: str) -> bool:
        """In a widget's callback, restore the given value if the request was late; return whether it was.

        The user did not make that change. Callbacks call this because the refresh of a fragment can contain a late
        value and does not reach `give_again`.
        """
        late = self._is_late(name)
        if late:
            given = self._given[name]
            self.set_field(name, given.value)
            given.sent_s = time.monotonic()
        return late

    def _is_late(self, name: str) -> bool:
        return name in st.session_state and st.session_state[name] in self.late_values(name)

    def give_again(self) -> None:
        """Restore given values that a late request has overwritten. Call it before a script run draws its widgets."""
        for name, given in list(self._given.items()):
            if self._is_late(name):
                self.set_field(name, given.value)
                given.sent_s = None
            elif not given.is_on_its_way() or st.session_state.get(name) != given.value:
                del self._given[name]

    def note_sent(self) -> None:
        """Record that the current script run has sent the given values."""
        for given in self._given.values():
            if given.sent_s is None:
                given.sent_s = time.monotonic()

    def remember(self, name: str) -> None:
        """Keep the value of a widget while another page is open."""
        if name in st.session_state:
            self.fields[name] = st.session_state[name]

    def restore_fields(self) -> None:
        """Give the form's widgets their former values before they are drawn again."""
        for name, value in self.fields.items():
            self.set_field(name, value)


def current() -> Session:
    """Return the session of the browser that this script run is for."""
    if "_session" not in st.session_state:
        st.session_state["_session"] = Session()
    found: Session = st.session_state["_session"]
    return found
