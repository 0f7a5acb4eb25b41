"""Draw the widgets of the form. The name of a setting is also the key of its widget and its parameter in the URL.

Options show their codes, because Streamlit writes the displayed option into the URL. Number fields have no bounds:
Streamlit would keep a value outside them in the browser, and the run would start with the value before it. `RunConfig`
rejects such a value and says why.
"""

from __future__ import annotations

import streamlit as st

from core.run.fields import CHOICES, FIELD_SPECS
from ui.kit import terms
from ui.setup.fields import DEFAULT, apply
from ui.shell.session import Session, current
from ui.shell.text import number as written
from ui.shell.text import say, words

# Settings whose names or choices are terms, which their help explains.
TERMS = {"schedule": ("wsd", "plateau"), "seed": ("seed",), "precision": ("autocast",)}


def _help(name: str) -> str | None:
    key = f"form.{name}.help"
    texts = [say(key)] if key in words() else []
    if name in TERMS:
        texts.append(terms.helps(*TERMS[name]))
    return "\n\n".join(texts) or None


def select(name: str) -> str:
    """Draw a list of the choices of a setting."""
    options = CHOICES[name]
    chosen: str = st.selectbox(
        say(f"form.{name}"),
        options,
        options.index(getattr(DEFAULT, name)),
        key=name,
        bind="query-params",
        help=_help(name),
        persist_state="session",
    )
    return chosen


def checkbox(name: str) -> bool:
    """Draw a checkbox."""
    return st.checkbox(
        say(f"form.{name}"),
        getattr(DEFAULT, name),
        key=name,
        bind="query-params",
        help=_help(name),
        persist_state="session",
    )


def segments(name: str) -> str:
    """Draw the choices of a setting side by side."""
    chosen: str | None = st.segmented_control(
        say(f"form.{name}"),
        CHOICES[name],
        default=getattr(DEFAULT, name),
        key=name,
        bind="query-params",
        required=True,
        width="stretch",
        persist_state="session",
    )
    return chosen or str(getattr(DEFAULT, name))


def integer(name: str) -> int | None:
    """Draw a field for a whole number; None if it is empty."""
    default: int | None = getattr(DEFAULT, name)
    chosen = st.number_input(
        say(f"form.{name}"), value=default, key=name, bind="query-params", help=_help(name), persist_state="session"
    )
    return None if chosen is None else int(chosen)


def number(name: str, *, step: float, label: str | None = None) -> float | None:
    """Draw a field for a real number; None if it is empty. `label` is the key of its label."""
    default = getattr(DEFAULT, name)
    return st.number_input(
        say(label or f"form.{name}"),
        value=None if default is None else float(default),
        step=step,
        format="%g",
        key=name,
        bind="query-params",
        help=_help(name),
        persist_state="session",
    )


def slider(name: str, session: Session) -> None:
    """Draw a slider over useful values that writes into the number field. The field's own value is one of its stops."""
    stops = FIELD_SPECS[name].stops
    assert stops
    key, value = f"{name}_slider", session.field(name, getattr(DEFAULT, name))
    if value is None or not stops[0] <= value <= stops[-1]:
        value = stops[-1] if value is None or value > stops[-1] else stops[0]
    session.give(key, value)
    # Streamlit reads a value that is not a stop as the first stop, so late values stay stops.
    stops = tuple(sorted({*stops, value, *session.late_values(key)}))
    st.select_slider(
        say(f"form.{name}.slider"),
        stops,
        key=key,
        format_func=written,
        label_visibility="collapsed",
        on_change=_take_from_slider,
        args=(name,),
    )


def _take_from_slider(name: str) -> None:
    session = current()
    if not session.undo_late(f"{name}_slider"):
        apply({name: session.field(f"{name}_slider", getattr(DEFAULT, name))})
