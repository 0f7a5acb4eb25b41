"""The one place that touches st.session_state: what a browser session remembers, with a type for each."""

from __future__ import annotations

import secrets
from typing import Any, Literal

import streamlit as st

from core.control import Command
from core.errors import Problem

Wanted = Command | Literal["start"]


def _own(name: str, make: Any) -> Any:
    key = f"_{name}"
    if key not in st.session_state:
        st.session_state[key] = make()
    return st.session_state[key]


class Session:
    """What this browser session remembers. Cheap to make; it holds nothing itself."""

    @property
    def id(self) -> str:
        return str(_own("id", lambda: secrets.token_urlsafe(12)))

    @property
    def framed(self) -> bool:
        """Whether app.py has run in this script run."""
        return bool(_own("framed", bool))

    @framed.setter
    def framed(self, value: bool) -> None:
        st.session_state["_framed"] = value

    @property
    def url_read(self) -> bool:
        """Whether the settings in the URL have been checked."""
        return bool(_own("url_read", bool))

    @url_read.setter
    def url_read(self, value: bool) -> None:
        st.session_state["_url_read"] = value

    @property
    def run_id(self) -> str | None:
        """The run that is shown."""
        found: str | None = _own("run_id", lambda: None)
        return found

    @run_id.setter
    def run_id(self, value: str | None) -> None:
        st.session_state["_run_id"] = value

    @property
    def previous_run_id(self) -> str | None:
        """The run that was shown before a start, for the ghost on the charts."""
        found: str | None = _own("previous_run_id", lambda: None)
        return found

    @previous_run_id.setter
    def previous_run_id(self, value: str | None) -> None:
        st.session_state["_previous_run_id"] = value

    @property
    def wanted(self) -> Wanted | None:
        """What was asked for and waits for the form: a start, or the first command of a run that stands after it."""
        found: Wanted | None = _own("wanted", lambda: None)
        return found

    @wanted.setter
    def wanted(self, value: Wanted | None) -> None:
        st.session_state["_wanted"] = value

    @property
    def unknown_run(self) -> bool:
        """Whether the URL named a run that there is not."""
        return bool(_own("unknown_run", bool))

    @unknown_run.setter
    def unknown_run(self, value: bool) -> None:
        st.session_state["_unknown_run"] = value

    @property
    def url_problems(self) -> list[tuple[Problem, Any]]:
        """What was wrong in the URL, each with the value used instead."""
        found: list[tuple[Problem, Any]] = _own("url_problems", list)
        return found

    @property
    def form_at_first(self) -> Any:
        """What the form said when it was first drawn; None before that."""
        return _own("form_at_first", lambda: None)

    @form_at_first.setter
    def form_at_first(self, value: Any) -> None:
        st.session_state["_form_at_first"] = value

    @property
    def trouble(self) -> tuple[Problem, ...]:
        """Why the last start did not succeed."""
        found: tuple[Problem, ...] = _own("trouble", tuple)
        return found

    @trouble.setter
    def trouble(self, value: tuple[Problem, ...]) -> None:
        st.session_state["_trouble"] = value

    def field(self, name: str, default: Any) -> Any:
        """Return a setting of the form, also while its widget is not drawn."""
        saved: dict[str, Any] = _own("form", dict)
        return st.session_state.get(name, saved.get(name, default))

    def set_field(self, name: str, value: Any) -> None:
        """Set a widget of the form; in a callback or before it is drawn."""
        st.session_state[name] = value

    def keep_fields(self, values: dict[str, Any]) -> None:
        """Remember fields of the form for when another page has been open."""
        _own("form", dict).update(values)

    @property
    def on_form(self) -> bool:
        """Whether the last run drew the form."""
        return bool(_own("on_form", bool))

    @on_form.setter
    def on_form(self, value: bool) -> None:
        st.session_state["_on_form"] = value

    def restore_fields(self) -> None:
        """Give all widgets of the form, before they are drawn again, the values they had."""
        saved: dict[str, Any] = _own("form", dict)
        for name, value in saved.items():
            self.set_field(name, value)
