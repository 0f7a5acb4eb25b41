"""Draw what is wrong with the settings, the URL or the database, each in its own place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from ui.setup.fields import apply
from ui.setup.form import Form
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.session import Session
from ui.shell.text import explain, plain, say

UNKNOWN = ("unknown_field", "misspelt_field")


def draw(session: Session, form: Form) -> None:
    """Draw what was wrong with the URL, until the form is changed, and with the database."""
    said = form.config or form.problems
    session.form_at_first = session.form_at_first or said
    if said != session.form_at_first:
        session.url_problems.clear()
    address, unknown, database, unchanged = st.empty(), st.empty(), st.empty(), st.empty()
    if session.url_problems:
        lines = [
            say(
                "url.ignored" if problem.code in UNKNOWN else "url.used",
                reason=explain(problem.code, problem.values),
                value=plain(used),
            )
            for problem, used in session.url_problems
        ]
        text = lines[0] if len(lines) == 1 else "\n".join([say("url.several"), *(f"- {line}" for line in lines)])
        address.warning(text, icon=":material/link_off:")
    if session.unknown_run:
        unknown.info(say("run.unknown"), icon=":material/link_off:")
    if session.trouble:
        database.error(reasons(session.trouble), icon=":material/database:")
    elif error := engine().store_error:
        text = say("store.fresh", reason=reasons(error.problems), where=engine().store.where)
        database.warning(text, icon=":material/database:")
    if session.not_changed:
        unchanged.warning(say("change.failed", reason=reasons((session.not_changed,))), icon=":material/undo:")


def refusal(form: Form) -> None:
    """Draw why the form's settings cannot be trained, with a button for each way out."""
    for index, problem in enumerate(form.problems):
        with st.container(horizontal=True, vertical_alignment="center", key=f"problem_{index}"):
            st.markdown(f":red[:material/block: {explain(problem.code, problem.values)}]")
            if problem.remedy:
                remedy = dict(problem.remedy)
                st.button(_remedy_label(remedy), key=f"remedy_{index}", on_click=apply, args=(remedy,))


def _remedy_label(remedy: Mapping[str, Any]) -> str:
    if len(remedy) > 1:
        return say("remedy.batch_size_and_drop_last", value=plain(remedy["batch_size"]))
    ((name, value),) = remedy.items()
    return say(f"remedy.{name}.{value}") if name == "drop_last" else say(f"remedy.{name}", value=plain(value))
