"""Describe the next comparison: its arms and its switches. Nothing here starts one or changes what is shown."""

from __future__ import annotations

from dataclasses import replace

from core.comparison.presets import PRESETS
from core.comparison.setup import BUDGETS, DEFAULT_SEEDS, RULES, Arm, Comparison, compared
from core.words.errors import ConfigError, Problem
from ui.compare.shown import read
from ui.compare.state import CompareState
from ui.setup.fields import apply, settings
from ui.setup.form import Form
from ui.shell.session import Session

SWITCHES = {"budget": BUDGETS[0], "rule": RULES[0], "seeds": DEFAULT_SEEDS}  # each with its usual choice


def switch(session: Session, name: str) -> str | int:
    """Return what a switch says."""
    value: str | int = session.field(f"compare_{name}", SWITCHES[name])
    return value


def set_switches(session: Session, **values: str | int) -> None:
    """Set the switches; a callback."""
    for name, value in values.items():
        session.give(f"compare_{name}", value)
        session.remember(f"compare_{name}")


def wanted(session: Session) -> tuple[Comparison | None, tuple[Problem, ...]]:
    """Return the comparison that the page describes, or the problems with it."""
    arms = session.state(CompareState).arms or ()
    try:
        return compared(
            [arm.config for arm in arms],
            seeds=session.field("compare_seeds", DEFAULT_SEEDS),
            budget=session.field("compare_budget", BUDGETS[0]),
            rule=session.field("compare_rule", RULES[0]),
            names=[arm.name for arm in arms],
        ), ()
    except ConfigError as error:
        return None, error.problems


def take(session: Session, comparison: Comparison) -> None:
    """Describe a comparison; a callback, or before the switches are drawn."""
    names = (*comparison.names, *[""] * len(comparison.arms))
    set_arms(session, tuple(Arm(config, name) for config, name in zip(comparison.arms, names, strict=False)))
    session.state(CompareState).removed = None
    set_switches(session, budget=comparison.budget, rule=comparison.rule, seeds=comparison.seeds)


def take_preset(session: Session, name: str) -> None:
    """Describe a preset, and show its recording unless a comparison trains; a callback."""
    state = session.state(CompareState)
    set_arms(session, tuple(Arm(config) for config in PRESETS[name].arms))
    set_switches(session, **SWITCHES)
    state.preset, state.removed = name, None
    shown = read(session)
    if shown is None or not shown.is_active:
        state.id, state.recorded = None, name
        session.give("compare_axis", BUDGETS[0])


def set_arms(session: Session, arms: tuple[Arm, ...]) -> None:
    """Set the arms; a callback."""
    state = session.state(CompareState)
    state.arms, state.preset = arms, None
    state.notice, state.trouble = None, ()
    state.unread = False  # the comparison in the URL must not replace the choice made here
    edit(session, None)


def remove(session: Session, number: int) -> None:
    """Remove an arm and keep it for `put_back`; a callback."""
    state = session.state(CompareState)
    arms = state.arms or ()
    state.removed = number, arms[number]
    set_arms(session, (*arms[:number], *arms[number + 1 :]))


def put_back(session: Session) -> None:
    """Put back the arm that was removed last; a callback."""
    state = session.state(CompareState)
    if state.removed:
        (number, arm), state.removed = state.removed, None
        arms = state.arms or ()
        set_arms(session, (*arms[:number], arm, *arms[number:]))


def move(session: Session, number: int, by: int) -> None:
    """Exchange an arm with the one `by` places further; a callback."""
    arms = list(session.state(CompareState).arms or ())
    arms[number], arms[number + by] = arms[number + by], arms[number]
    set_arms(session, tuple(arms))


def rename(session: Session, number: int, name: str) -> None:
    """Name an arm; an empty name leaves it to the settings. A callback."""
    state = session.state(CompareState)
    arms = list(state.arms or ())
    arms[number] = replace(arms[number], name=name)
    state.arms = tuple(arms)


def edit(session: Session, number: int | None) -> None:
    """Let the form edit an arm, or None; a callback.

    The switch of each arm says whether the form edits it. Streamlit forgets a switch once another page is open, and
    changes of the form on that page must not reach the arm.
    """
    arms = session.state(CompareState).arms or ()
    for other in range(len(arms) + 1):
        session.set_field(f"arm_edit_{other}", other == number)
    if number is not None:
        apply(settings(arms[number].config))


def edited(session: Session) -> int | None:
    """Return the number of the arm that the form edits."""
    arms = session.state(CompareState).arms or ()
    return next((number for number in range(len(arms)) if session.field(f"arm_edit_{number}", False)), None)


def follow_form(session: Session, form: Form) -> None:
    """Give the arm that the form edits the form's settings."""
    state = session.state(CompareState)
    number, arms = edited(session), list(state.arms or ())
    if number is not None and form.config and form.config != arms[number].config:
        arms[number] = replace(arms[number], config=form.config)
        state.arms, state.preset, state.unread = tuple(arms), None, False
