"""Read the comparison that the URL names, and write the shown and the described one into the URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.comparison import address
from core.comparison.presets import PRESETS
from core.comparison.setup import BUDGETS, RULES, SEED_CHOICES, Arm, Comparison, compared
from core.words.errors import BatchLabError, ConfigError, Problem, StoreError
from ui.compare import described
from ui.compare.shown import Shown
from ui.compare.state import CompareState, Notice
from ui.shell.engine import engine
from ui.shell.session import Session

FIRST = next(iter(PRESETS))
CHOICES: Mapping[str, Sequence[Any]] = {"budget": BUDGETS, "rule": RULES, "seeds": SEED_CHOICES}
GUESS = "compare_guess"


def attach(session: Session) -> None:
    """Take over the preset, the comparison, the arms and the switches that the URL names.

    All but the comparison and a preset that a link names count when the page is first opened.
    """
    state = session.state(CompareState)
    is_first = state.arms is None
    if is_first:
        named = st.query_params.get("preset", FIRST)
        state.preset = state.recorded = named if named in PRESETS else FIRST
        state.arms = tuple(Arm(config) for config in PRESETS[state.preset].arms)
        if named not in PRESETS:
            state.notice = Notice("unknown_preset", named)
    elif (linked := st.query_params.get("preset")) in PRESETS and linked != state.written:
        described.take_preset(session, str(linked))
    given = st.query_params.get("comparison")
    if given and (is_first or state.unread) and not _take_comparison(session, given):
        state.id, state.notice = None, Notice("unknown", given)
    if is_first:
        _take_form(session)


def _take_form(session: Session) -> None:
    state = session.state(CompareState)
    notice = state.notice
    try:
        if "arms" in st.query_params:
            described.set_arms(session, address.read(st.query_params["arms"]))
        described.set_switches(session, **_switches())
        state.notice = notice
    except ConfigError as error:
        state.notice = Notice("bad_form", problems=error.problems[:1])
    if st.query_params.get(GUESS) == "true":
        session.set_field(GUESS, True)
        session.remember(GUESS)


def _switches() -> dict[str, Any]:
    """Return what the URL says about the switches. Raises ConfigError."""
    found = {}
    for name, choices in CHOICES.items():
        text = st.query_params.get(f"compare_{name}")
        if text is not None:
            by_text = {str(choice): choice for choice in choices}
            if text not in by_text:
                values = {"field": f"compare_{name}", "value": text, "choices": ", ".join(by_text)}
                raise ConfigError(Problem("not_a_choice", values))
            found[name] = by_text[text]
    return found


def _take_comparison(session: Session, run_id: str) -> bool:
    """Show a comparison and describe it; return whether it exists and can be read.

    If the database does not respond, the comparison is taken over once it does.
    """
    state = session.state(CompareState)
    state.unread = False
    try:
        found = engine().store.comparison(run_id)
        comparison = Comparison.from_json(found[1]) if found else None
    except StoreError:
        state.id, state.unread = run_id, True
        return True
    except BatchLabError:
        return False
    if comparison is None:
        return False
    described.take(session, comparison)
    state.id = run_id
    return True


def write(session: Session, shown: Shown | None) -> None:
    """Write what is shown into the URL and, where it differs from that, what the page describes."""
    state = session.state(CompareState)
    _put("comparison", state.id)
    state.written = state.recorded if not state.id and state.recorded != FIRST else None
    _put("preset", state.written)
    _put(GUESS, "true" if session.field(GUESS, False) else None)
    if state.lost or state.unread:
        return  # it is not known what the URL has to add to the comparison
    base = shown.comparison if shown else compared(PRESETS[state.recorded or FIRST].arms)
    comparison, _ = described.wanted(session)
    names = [arm.name for arm in state.arms or ()]
    is_same = comparison == base and names == [*base.names, *[""] * len(names)][: len(names)]
    _put("arms", None if is_same else address.write(state.arms or ()))
    for name in CHOICES:
        value = described.switch(session, name)
        _put(f"compare_{name}", None if value == getattr(base, name) else str(value))


def _put(name: str, value: str | None) -> None:
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value
