"""Draw the choice of a comparison: presets, budget, rule for the learning rate, seeds and arms."""

from __future__ import annotations

from itertools import combinations, zip_longest

import streamlit as st

from core.comparison.presets import PRESETS
from core.comparison.setup import (
    ARMS,
    BUDGETS,
    DEFAULT_SECONDS,
    DEFAULT_SEEDS,
    RULES,
    SEED_CHOICES,
    Comparison,
    compared,
    differences,
)
from core.run.config import RunConfig
from core.words.errors import ConfigError, Problem, StoreError
from ui.charts.compare import ARM_COLOURS
from ui.compare.names import arm_names
from ui.compare.state import CompareState, Notice
from ui.kit.button import button
from ui.setup.fields import apply, settings
from ui.setup.form import Form
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.session import Session
from ui.shell.text import coloured, duration, harmless, number, say, words

RUNS_OFFERED = 20
DIGITS = "1234567890"  # the keys of the first presets
MARKS = ("\u25cf", "\u25a0", "\u25c6", "\u25b2", "\u271a", "\u25bc")  # the marks of the charts


def wanted(session: Session) -> tuple[Comparison | None, tuple[Problem, ...]]:
    """Return the comparison that the page describes, or the problems with it."""
    state = session.state(CompareState)
    try:
        return compared(
            state.arms or (),
            seeds=session.field("compare_seeds", DEFAULT_SEEDS),
            budget=session.field("compare_budget", BUDGETS[0]),
            rule=session.field("compare_rule", RULES[0]),
        ), ()
    except ConfigError as error:
        return None, error.problems


def presets(session: Session) -> None:
    """Draw a button with a shortcut for each preset, and a sentence about the chosen one."""
    state = session.state(CompareState)
    with st.container(horizontal=True, vertical_alignment="center", key="compare_presets"):
        st.caption(say("compare.presets"), width="content")
        for name, digit in zip_longest(PRESETS, DIGITS):
            what = say(f"compare.preset.{name}.help")
            st.button(
                say(f"compare.preset.{name}"),
                key=f"preset_{name}",
                type="tertiary",
                help=say("compare.preset.key", what=what, digit=digit) if digit else what,
                shortcut=digit,
                on_click=_take_preset,
                args=(session, name),
            )
    st.caption(_about_preset(session, state.preset) if state.preset else "\u00a0")


def _about_preset(session: Session, name: str) -> str:
    text = say("compare.preset.about", name=say(f"compare.preset.{name}"), about=say(f"compare.preset.{name}.help"))
    chosen = session.field("compare_budget", BUDGETS[0]), session.field("compare_rule", RULES[0])
    return text if chosen == (BUDGETS[0], RULES[0]) else f"{text} {say('compare.preset.changed')}"


def _take_preset(session: Session, name: str) -> None:
    state = session.state(CompareState)
    preset = PRESETS[name]
    state.arms, state.preset, state.recorded, state.wanted = preset.arms, name, None, True
    state.notice, state.trouble = None, ()
    state.unread = state.changed = False
    for field, value in (("compare_budget", BUDGETS[0]), ("compare_rule", RULES[0])):
        session.give(field, value)
        session.remember(field)
    session.give("compare_axis", BUDGETS[0])


def switches(session: Session) -> None:
    """Draw the choices of budget, rule for the learning rate and number of seeds."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="compare_switches"):
        for key, choices in (("budget", BUDGETS), ("rule", RULES)):
            session.set_field(f"compare_{key}", session.field(f"compare_{key}", choices[0]))
            st.segmented_control(
                say(f"compare.{key}"),
                choices,
                key=f"compare_{key}",
                required=True,
                help=say(f"compare.{key}.help", seconds=duration(DEFAULT_SECONDS)),
                format_func=lambda choice, key=key: say(f"compare.{key}.{choice}"),
                width="content",
                on_change=_want,
                args=(session, f"compare_{key}"),
            )
        session.set_field("compare_seeds", session.field("compare_seeds", DEFAULT_SEEDS))
        st.segmented_control(
            say("compare.seeds"),
            SEED_CHOICES,
            key="compare_seeds",
            required=True,
            help=say("compare.seeds.help"),
            width="content",
            on_change=_want,
            args=(session, "compare_seeds"),
        )


def _want(session: Session, switch: str) -> None:
    """Request a new start, because a changed switch should show its effect at once."""
    switches = [f"compare_{key}" for key in ("budget", "rule", "seeds")]
    if switch in [each for each in switches if session.undo_late(each)]:
        return
    state = session.state(CompareState)
    session.give("compare_axis", session.field("compare_budget", BUDGETS[0]))
    for each in switches:
        session.remember(each)
    state.wanted, state.unread = True, False


def refusal(session: Session) -> str:
    """Return why the arms cannot be compared; an empty text if they can."""
    _, problems = wanted(session)
    if problems and not session.state(CompareState).arms:
        return say("compare.no_arms")
    return reasons(problems)


def draw(session: Session, form: Form) -> None:
    """Draw the arms, the buttons that add or remove one, and the problems with them."""
    state = session.state(CompareState)
    chosen = state.arms or ()
    comparison, problems = wanted(session)
    shown = comparison.arms if comparison else chosen  # a comparison has the learning rates that the rule gives
    is_tuned = comparison is not None and comparison.is_tuned
    names = arm_names(shown, is_tuned=is_tuned)
    full = len(chosen) >= ARMS[1]
    with st.container(horizontal=True, vertical_alignment="center", key="compare_arms"):
        for number_, (config, name) in enumerate(zip(chosen, names, strict=True)):
            with st.container(horizontal=True, vertical_alignment="center", width="content", key=f"arm_{number_}"):
                st.markdown(
                    f"{coloured(MARKS[number_], ARM_COLOURS[number_])} {name}", unsafe_allow_html=True, width="content"
                )
                st.button(
                    "",
                    icon=":material/content_copy:",
                    key=f"arm_to_form_{number_}",
                    type="tertiary",
                    help=say("compare.arm.to_form"),
                    on_click=apply,
                    args=(settings(config),),
                )
                st.button(
                    "",
                    icon=":material/close:",
                    key=f"arm_remove_{number_}",
                    type="tertiary",
                    help=say("compare.arm.remove"),
                    on_click=_set_arms,
                    args=(session, (*chosen[:number_], *chosen[number_ + 1 :])),
                )
        added = (*chosen, form.config) if form.config else chosen
        refused = reasons(form.problems) if form.problems else ""
        button(
            say("compare.add_form"),
            why_not=say("compare.full") if full else refused,
            help_=say("compare.add_form.help"),
            icon=":material/add:",
            key="add_form",
            type="tertiary",
            on_click=_set_arms,
            args=(session, added),
        )
        _finished_runs(session, chosen, full=full)
    if state.notice:
        st.caption(f":material/warning: {_notice(state.notice)}")
    if refused or full:
        st.caption(f":material/warning: {say('compare.full') if full else refused}")
    if any(not differences(pair, is_tuned=is_tuned) for pair in combinations(shown, 2)):
        st.caption(f":material/warning: {say('compare.alike')}")
    if why_not := refusal(session):
        st.caption(f":material/warning: {why_not}")
    if state.trouble:
        st.warning(reasons(state.trouble), icon=":material/warning:")


def _notice(notice: Notice) -> str:
    return say(
        f"compare.notice.{notice.code}",
        value=harmless(notice.value),
        choices=words().listed(list(PRESETS)),
        reason=reasons(notice.problems),
    )


def _finished_runs(session: Session, chosen: tuple[RunConfig, ...], *, full: bool) -> None:
    with st.popover(say("compare.add_run"), type="tertiary", icon=":material/history:", disabled=full):
        try:
            records = [
                record
                for record in engine().store.runs(RUNS_OFFERED)
                if record.state == "finished" and record.parent is None
            ]
        except StoreError:
            records = []
        st.caption(say("compare.add_run.about" if records else "compare.add_run.none"))
        for record in records:
            config = record.config
            st.button(
                say(
                    "compare.add_run.run",
                    time=words().time(record.created),
                    dataset=config.dataset,
                    model=config.model,
                    size=number(config.batch_size),
                ),
                key=f"add_run_{record.id}",
                type="tertiary",
                on_click=_set_arms,
                args=(session, (*chosen, config)),
            )


def _set_arms(session: Session, arms: tuple[RunConfig, ...]) -> None:
    state = session.state(CompareState)
    state.arms, state.preset = arms, None
    state.notice, state.trouble = None, ()
    state.changed = True
    state.unread = False  # the comparison in the URL must not replace the choice made here
