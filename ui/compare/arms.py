"""Draw the arms of the next comparison, and what adds, edits, renames, moves or removes one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.comparison.setup import ARMS, LONGEST_NAME, Arm, clean_name, matched
from core.words.errors import ConfigError, StoreError
from ui.charts.compare import ARM_COLOURS
from ui.compare import described
from ui.compare.names import arm_names
from ui.compare.shown import Shown
from ui.compare.state import CompareState
from ui.kit.button import button
from ui.setup.form import Form
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.session import Session
from ui.shell.text import coloured, number, say, words

RUNS_OFFERED = 20
MARKS = ("\u25cf", "\u25a0", "\u25c6", "\u25b2", "\u271a", "\u25bc")  # the marks of the charts
NEW = "\u25cb"  # the mark of an arm that no chart shows


def names(session: Session) -> list[str]:
    """Return the names of the arms of the next comparison, with the learning rates that the rule gives them."""
    chosen = session.state(CompareState).arms or ()
    comparison, _ = described.wanted(session)
    configs = comparison.arms if comparison else [arm.config for arm in chosen]
    is_tuned = comparison is not None and comparison.is_tuned
    return arm_names(configs, [arm.name for arm in chosen], is_tuned=is_tuned)


def draw(session: Session, form: Form, shown: Shown | None) -> None:
    """Draw a menu for each arm, with the mark of its curve if the charts show it, and the buttons that add one."""
    state = session.state(CompareState)
    chosen = state.arms or ()
    full = len(chosen) >= ARMS[1]
    refused = reasons(form.problems) if form.problems else ""
    with st.container(horizontal=True, vertical_alignment="center", key="compare_arms"):
        for place, (name, mark) in enumerate(zip(names(session), _marks(session, shown), strict=True)):
            with st.container(horizontal=True, vertical_alignment="center", width="content", key=f"arm_{place}"):
                st.markdown(mark, unsafe_allow_html=True, width="content")
                with st.popover(name, type="tertiary", key=f"arm_menu_{place}"):
                    _menu(session, chosen, place, name)
        button(
            say("compare.add_form"),
            why_not=say("compare.full", most=ARMS[1]) if full else refused,
            help_=say("compare.add_form.help"),
            icon=":material/add:",
            key="add_form",
            type="tertiary",
            on_click=described.set_arms,
            args=(session, (*chosen, Arm(form.config)) if form.config else chosen),
        )
        _finished_runs(session, chosen, full=full)


def _marks(session: Session, shown: Shown | None) -> list[str]:
    chosen = session.state(CompareState).arms or ()
    if shown is None:
        return [coloured(mark, colour) for mark, colour in zip(MARKS, ARM_COLOURS, strict=True)][: len(chosen)]
    comparison, _ = described.wanted(session)
    configs = comparison.arms if comparison else [arm.config for arm in chosen]
    places = matched(configs, shown.comparison.arms)
    return [NEW if place is None else coloured(MARKS[place], ARM_COLOURS[place]) for place in places]


def _menu(session: Session, chosen: Sequence[Arm], place: int, name: str) -> None:
    """Draw what can be done with an arm."""
    session.set_field(f"arm_name_{place}", chosen[place].name)
    st.text_input(
        say("compare.arm.name"),
        key=f"arm_name_{place}",
        max_chars=LONGEST_NAME,
        placeholder=name,
        help=say("compare.arm.name.help", most=LONGEST_NAME),
        on_change=_rename,
        args=(session, place),
    )
    st.toggle(
        say("compare.arm.edit"),
        key=f"arm_edit_{place}",
        help=say("compare.arm.edit.help"),
        on_change=_edit,
        args=(session, place),
    )
    with st.container(horizontal=True):
        for by, icon, key in ((-1, "arrow_back", "left"), (1, "arrow_forward", "right")):
            if 0 <= place + by < len(chosen):
                st.button(
                    say(f"compare.arm.{key}"),
                    key=f"arm_{key}_{place}",
                    icon=f":material/{icon}:",
                    help=say("compare.arm.move.help"),
                    on_click=described.move,
                    args=(session, place, by),
                )
        st.button(
            say("compare.arm.remove"),
            key=f"arm_remove_{place}",
            icon=":material/close:",
            on_click=described.remove,
            args=(session, place),
        )


def _rename(session: Session, place: int) -> None:
    typed = session.field(f"arm_name_{place}", "")
    try:
        described.rename(session, place, clean_name(typed))
    except ConfigError:  # longer than the field allows, so not typed there
        described.rename(session, place, "")


def _edit(session: Session, place: int) -> None:
    described.edit(session, place if session.field(f"arm_edit_{place}", False) else None)


def _finished_runs(session: Session, chosen: tuple[Arm, ...], *, full: bool) -> None:
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
                on_click=described.set_arms,
                args=(session, (*chosen, Arm(config))),
            )
