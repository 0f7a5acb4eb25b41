"""Draw the presets and the switches of the next comparison."""

from __future__ import annotations

import streamlit as st

from core.comparison.presets import LARGE_TO_SMALL, PRESETS
from core.comparison.setup import BUDGETS, DEFAULT_SECONDS, RULES, SEED_CHOICES
from ui.compare import described
from ui.compare.described import SWITCHES
from ui.compare.state import CompareState
from ui.kit import quotes
from ui.shell.session import Session
from ui.shell.text import duration, say

DIGITS = 10  # presets with a key of their own


def presets(session: Session, *, tells: bool) -> None:
    """Draw a button for each preset. Its help describes it unless that would tell a hidden result."""
    with st.container(horizontal=True, vertical_alignment="center", key="compare_presets"):
        st.caption(say("compare.presets"), width="content")
        for number, name in enumerate(PRESETS, 1):
            st.button(
                say(f"compare.preset.{name}"),
                key=f"preset_{name}",
                type="tertiary",
                help=say(f"compare.preset.{name}.help") if tells else None,
                shortcut=str(number % DIGITS) if number <= DIGITS else None,
                on_click=described.take_preset,
                args=(session, name),
            )


def about(session: Session) -> str:
    """Return a description of the preset that the arms come from; an empty text if they do not come from one."""
    name = session.state(CompareState).preset
    if name is None:
        return ""
    text = say("compare.preset.about", name=say(f"compare.preset.{name}"), about=say(f"compare.preset.{name}.help"))
    is_usual = all(described.switch(session, each) == SWITCHES[each] for each in ("budget", "rule"))
    return text if is_usual else f"{text} {say('compare.preset.changed')}"


def elsewhere(session: Session) -> str:
    """Return what other pages found about the question of the preset that the arms come from."""
    return quotes.preset(session.state(CompareState).preset or "")


def quote(session: Session) -> None:
    """Draw the number that other pages quote, if the arms come from the preset that it is measured with."""
    if session.state(CompareState).preset == LARGE_TO_SMALL:
        quotes.fall("compare")


def draw(session: Session) -> None:
    """Draw the choices of budget, rule for the learning rate and number of seeds, and whether to guess first."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="compare_switches"):
        for name, choices in (("budget", BUDGETS), ("rule", RULES)):
            session.set_field(f"compare_{name}", described.switch(session, name))
            st.segmented_control(
                say(f"compare.{name}"),
                choices,
                key=f"compare_{name}",
                required=True,
                help=say(f"compare.{name}.help", seconds=duration(DEFAULT_SECONDS)),
                format_func=lambda choice, name=name: say(f"compare.{name}.{choice}"),
                width="content",
                on_change=_changed,
                args=(session, f"compare_{name}"),
            )
        session.set_field("compare_seeds", described.switch(session, "seeds"))
        st.segmented_control(
            say("compare.seeds"),
            SEED_CHOICES,
            key="compare_seeds",
            required=True,
            help=say("compare.seeds.help"),
            width="content",
            on_change=_changed,
            args=(session, "compare_seeds"),
        )
        session.set_field("compare_guess", session.field("compare_guess", False))
        st.toggle(
            say("compare.guess"),
            key="compare_guess",
            help=say("compare.guess.help"),
            on_change=session.remember,
            args=("compare_guess",),
        )


def _changed(session: Session, name: str) -> None:
    """Keep what a switch says. It describes the next comparison, and Start starts that."""
    if not session.undo_late(name):
        session.remember(name)
        session.state(CompareState).unread = False  # the comparison in the URL must not replace the choice made here
