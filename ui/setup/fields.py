"""Set the fields of the form from other parts of a page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.run.config import FIELDS, RunConfig
from core.run.fields import REALS
from core.store import recorded
from ui.shell.session import current

DEFAULT = recorded.CONFIG


def apply(changes: dict[str, Any]) -> None:
    """Set fields of the form; a callback."""
    session = current()
    for name, value in changes.items():
        session.give(name, for_widget(name, value))


def for_widget(name: str, value: Any) -> Any:
    """Return a setting in the type of its widget."""
    if name == "hidden":
        return "-".join(map(str, value))
    return float(value) if name in REALS and value is not None else value


def apply_from_panel(changes: dict[str, Any]) -> None:
    """Set fields of the form and rerun the page; a callback in a fragment, which would redraw only itself."""
    apply(changes)
    st.rerun()


def settings(config: RunConfig) -> dict[str, Any]:
    """Return the settings of a config in the form that `apply` takes."""
    return {name: getattr(config, name) for name in FIELDS}
