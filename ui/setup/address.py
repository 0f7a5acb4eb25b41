"""Read the settings of a run from the URL, and remember them while a page without the form is open."""

from __future__ import annotations

import streamlit as st

from core.run.config import FIELDS, parse
from core.run.fields import bounds_of, written
from ui.setup.fields import DEFAULT, for_widget
from ui.shell import pages
from ui.shell.session import Session


def read_url(session: Session) -> None:
    """Check the settings in the URL before any widget sees them; remove the bad ones and remember why.

    A bound widget drops a bad value silently, and reads 1.5 as 1.
    """
    comes_back, session.on_form = session.url_read and not session.on_form, True
    if comes_back:
        session.restore_fields()
        if not any(name in FIELDS for name in st.query_params):
            st.rerun()  # the browser's Back button lost them from the URL, and Streamlit uses defaults in this run
    if session.url_read:
        return
    session.url_read = True
    given = {name: value for name, value in st.query_params.items() if not pages.is_known(name)}
    parsed, problems = parse(given)
    if "memory_limit_mb" in parsed and parsed["memory_limit_mb"] is None:
        largest = bounds_of("memory_limit_mb")[1]
        session.set_field("memory_limit_mb", largest)
        del st.query_params["memory_limit_mb"]
    for problem in problems:
        name = problem.values.get("field", "hidden")
        session.url_problems.append((problem, getattr(DEFAULT, name, None)))
        del st.query_params[name]
    # Write each value as the widgets read it: they silently drop " cnn", and "1" for true.
    as_read = {name: written(value) for name, value in parsed.items() if value is not None}
    changed = {name: text for name, text in as_read.items() if text != given[name]}
    st.query_params.update(changed)
    if problems or changed:
        st.rerun()


def remember_url(session: Session) -> None:
    """Keep the settings that the URL of a page without the form holds, because the link to the form drops them."""
    read_url(session)
    session.on_form, session.wanted = False, None
    parsed, _ = parse({name: value for name, value in st.query_params.items() if name in FIELDS})
    session.fields.update({name: for_widget(name, value) for name, value in parsed.items()})
