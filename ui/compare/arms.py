"""Draw what is to be compared: presets, the budget, the rule for the rate, and the arms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import streamlit as st

from core.comparison import address, shipped
from core.comparison.presets import PRESETS
from core.comparison.setup import (
    ARMS,
    BUDGETS,
    DEFAULT_SECONDS,
    DEFAULT_SEEDS,
    RULES,
    Comparison,
    compared,
    differences,
)
from core.run.config import RunConfig
from core.words.errors import BatchLabError, ConfigError, Problem, StoreError
from ui.charts.compare import ARM_COLOURS
from ui.compare.state import CompareState
from ui.setup.fields import apply, settings
from ui.setup.form import Form
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.session import Session
from ui.shell.text import coloured, duration, harmless, label, number, plain, say

SEED_CHOICES = (1, 3, 6, 10)
RUNS_OFFERED = 20
MARKS = ("\u25cf", "\u25a0", "\u25c6", "\u25b2", "\u271a", "\u25bc")  # as on the charts
FIRST = next(iter(PRESETS))


def attach(session: Session) -> None:
    """Take up the comparison or the preset that the address names, the first time, and arms that it has of its own."""
    state = session.state(CompareState)
    is_first = state.arms is None
    if state.arms is None:
        named = st.query_params.get("preset", FIRST)
        state.preset = named if named in PRESETS else FIRST
        state.arms = PRESETS[state.preset].arms
        state.recorded = state.preset == shipped.PRESET
        if named not in PRESETS:
            state.notice = say("compare.unknown_preset", value=harmless(named), choices=", ".join(PRESETS))
    given = st.query_params.get("comparison")
    if given and (not state.id or state.unread) and not _take_up(session, given):
        state.id, state.notice = None, say("compare.unknown", value=harmless(given))
        del st.query_params["comparison"]
    if is_first and "arms" in st.query_params:
        _take_up_arms(session, st.query_params["arms"])
    if state.id:
        st.query_params["comparison"] = state.id
    if state.changed:
        st.query_params["arms"] = address.write(state.arms or ())
    else:
        st.query_params.pop("arms", None)


def _take_up_arms(session: Session, text: str) -> None:
    state = session.state(CompareState)
    try:
        state.arms = address.read(text)
        state.preset, state.changed, state.unread = None, True, False
    except ConfigError as error:
        state.notice = say("compare.bad_arms", reason=reasons(error.problems[:1]))


def _take_up(session: Session, run_id: str) -> bool:
    """Show a comparison and describe it on the page; return whether there is one that can be read.

    While the database does not answer nobody knows: then it is shown as soon as it does.
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
    state.id, state.arms, state.preset = run_id, comparison.arms, None
    for name, value in (("budget", comparison.budget), ("rule", comparison.rule), ("seeds", comparison.seeds)):
        session.set_field(f"compare_{name}", value)
    return True


def wanted(session: Session) -> tuple[Comparison | None, tuple[Problem, ...]]:
    """Return what the page describes, or what is wrong with it."""
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
    """Draw a button for each comparison worth seeing, with a key of its own, and what the chosen one shows."""
    state = session.state(CompareState)
    with st.container(horizontal=True, vertical_alignment="center", key="compare_presets"):
        st.caption(say("compare.presets"), width="content")
        for key, name in enumerate(PRESETS, 1):
            help_ = say("compare.preset.key", what=say(f"compare.preset.{name}.help"), digit=key % 10)
            st.button(
                say(f"compare.preset.{name}"),
                key=f"preset_{name}",
                type="tertiary",
                help=help_,
                shortcut=str(key % 10),
                on_click=_take_preset,
                args=(session, name),
            )
    chosen = state.preset
    told = [f"**{say(f'compare.preset.{chosen}')}.** {say(f'compare.preset.{chosen}.help')}" if chosen else "\u00a0"]
    as_made = (session.field("compare_budget", BUDGETS[0]), session.field("compare_rule", RULES[0]))
    if chosen and as_made != (BUDGETS[0], RULES[0]):
        told.append(say("compare.preset.changed"))
    st.caption(" ".join(told))


def _take_preset(session: Session, name: str) -> None:
    state = session.state(CompareState)
    preset = PRESETS[name]
    state.arms, state.preset, state.wanted = preset.arms, name, True
    state.notice, state.trouble = "", ()
    state.recorded = state.unread = state.changed = False
    for field, value in (("compare_budget", BUDGETS[0]), ("compare_rule", RULES[0])):
        session.set_field(field, value)
        session.remember(field)
    session.set_field("compare_axis", BUDGETS[0])


def switches(session: Session) -> None:
    """Draw what is made equal, how the rate follows the batch size, and how many seeds there are."""
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
                args=(session,),
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
            args=(session,),
        )


def _want(session: Session) -> None:
    """Compare anew where something has been compared before: a switch is there to see the difference."""
    state = session.state(CompareState)
    session.set_field("compare_axis", session.field("compare_budget", BUDGETS[0]))
    for key in ("budget", "rule", "seeds"):
        session.remember(f"compare_{key}")
    state.wanted, state.unread = True, False


def arms(session: Session, form: Form) -> None:
    """Draw the arms, the ways to another one, and what is to be said of them."""
    state = session.state(CompareState)
    chosen = state.arms or ()
    comparison, problems = wanted(session)
    shown = comparison.arms if comparison else chosen  # at the rates that the rule gives them
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
        st.button(
            say("compare.add_form"),
            icon=":material/add:",
            key="add_form",
            type="tertiary",
            disabled=full or form.config is None,
            on_click=_set_arms,
            args=(session, added),
            help=say("compare.full") if full else refused or say("compare.add_form.help"),
        )
        _finished_runs(session, chosen, full=full)
    if state.notice:
        st.caption(f":material/warning: {state.notice}")
    if refused:
        st.caption(f":material/warning: {refused}")
    if any(not differences(pair, is_tuned=is_tuned) for pair in combinations(shown, 2)):
        st.caption(f":material/warning: {say('compare.alike')}")
    if problems:
        st.caption(say("compare.no_arms") if not chosen else f":material/warning: {reasons(problems)}")
    if state.trouble:
        st.warning(reasons(state.trouble), icon=":material/warning:")


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
            words = f"{record.created:%H:%M} {config.dataset}, {config.model}, B = {number(config.batch_size)}"
            st.button(
                words,
                key=f"add_run_{record.id}",
                type="tertiary",
                on_click=_set_arms,
                args=(session, (*chosen, config)),
            )


def _set_arms(session: Session, arms: tuple[RunConfig, ...]) -> None:
    state = session.state(CompareState)
    state.arms, state.preset = arms, None
    state.notice, state.trouble = "", ()
    state.changed = True
    state.unread = False  # what was chosen here is not replaced by what was there before


def arm_names(arms: Sequence[RunConfig], *, is_tuned: bool = False) -> list[str]:
    """Return what tells each arm from the others: "Batch size 100"; arms that nothing tells apart are numbered."""
    settings = differences(arms, is_tuned=is_tuned) if len(arms) > 1 else ["batch_size"]
    texts = {name: _texts(name, [getattr(arm, name) for arm in arms]) for name in settings}
    names = [", ".join(texts[name][count] for name in settings) for count in range(len(arms))]
    if not settings:
        names = [say("compare.table.arm")] * len(arms)
    return [
        name if names.count(name) == 1 else say("compare.arm_alike", name=name, number=names[:count].count(name))
        for count, name in enumerate(names, 1)
    ]


def _texts(setting: str, values: list[Any]) -> list[str]:
    """Return a setting of each arm in words, rates in three digits as long as those tell them apart."""
    short = [float(f"{value:.3g}") for value in values] if setting == "lr" else values
    told = short if len(set(short)) == len(set(values)) else values
    return [_name(setting, value) for value in told]


def _name(setting: str, value: Any) -> str:
    if setting == "schedule_batch_size":
        return say("compare.own_horizon") if value is None else say("compare.other_horizon", value=plain(value))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return say("compare.arm_number" if is_number else "compare.arm_word", setting=label(setting), value=plain(value))
