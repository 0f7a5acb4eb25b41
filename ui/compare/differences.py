"""Describe the chosen preset, and say in what the shown and the next comparison differ and what prevents a start."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import streamlit as st

from core.comparison.presets import PRESETS
from core.comparison.setup import ARMS, Comparison, differences
from ui.compare import arms, described, switches
from ui.compare.names import shown_names
from ui.compare.shown import Shown
from ui.compare.state import CompareState, Notice
from ui.setup.form import Form
from ui.shell.problems import reasons
from ui.shell.session import Session
from ui.shell.text import harmless, label, listed, plain, say, setting, words

Difference = tuple[str, str, str]  # what differs, as it is shown, and as it is described


def draw(session: Session, form: Form, shown: Shown | None, *, tells: bool) -> None:
    """Draw one paragraph of warnings and differences, with the buttons that undo a change.

    It describes the preset too unless that would tell a hidden result.
    """
    state = session.state(CompareState)
    comparison, _ = described.wanted(session)
    edited = described.edited(session)
    with st.container(horizontal=True, vertical_alignment="center", key="compare_differs"):
        sentences = [f":material/warning: {text}" for text in _warnings(session, form)]
        if tells:
            sentences.append(switches.about(session))
        if edited is not None:
            sentences.append(say("compare.editing", arm=arms.names(session)[edited]))
        differs = shown is not None and comparison != shown.comparison
        if differs and shown is not None:
            sentences.append(_sentence(session, shown, comparison))
        elsewhere = switches.elsewhere(session) if tells else ""
        st.markdown(" ".join(filter(None, sentences)) or "\u00a0", width="stretch", help=elsewhere or None)
        if edited is not None:
            _button("edit_done", "compare.editing.done", "check", described.edit, session, None)
        if state.removed and len(state.arms or ()) < ARMS[1]:
            _button("arm_put_back", "compare.put_back", "undo", described.put_back, session)
        if differs and shown is not None:
            _button("compare_restore", "compare.restore", "undo", _restore, session, shown)


def _button(key: str, text: str, icon: str, act: Callable[..., None], *args: object) -> None:
    st.button(say(text), key=key, type="tertiary", icon=f":material/{icon}:", on_click=act, args=args)


def _restore(session: Session, shown: Shown) -> None:
    state = session.state(CompareState)
    described.take(session, shown.comparison)
    state.preset = None if state.id else state.recorded


def _warnings(session: Session, form: Form) -> list[str]:
    state = session.state(CompareState)
    comparison, problems = described.wanted(session)
    found = []
    if state.notice:
        found.append(_notice(state.notice))
    if form.problems:
        found.append(reasons(form.problems))
    if comparison and any(
        not differences(pair, is_tuned=comparison.is_tuned) for pair in combinations(comparison.arms, 2)
    ):
        found.append(say("compare.alike"))
    if len(state.arms or ()) == ARMS[1]:
        found.append(say("compare.full", most=ARMS[1]))
    if problems:
        found.append(refusal(session))
    if state.trouble and state.trouble != problems:
        found.append(reasons(state.trouble))
    return found


def refusal(session: Session) -> str:
    """Return why the next comparison cannot start; an empty text if it can."""
    _, problems = described.wanted(session)
    if problems and not session.state(CompareState).arms:
        return say("compare.no_arms")
    return reasons(problems)


def _notice(notice: Notice) -> str:
    return say(
        f"compare.notice.{notice.code}",
        value=harmless(notice.value),
        choices=words().listed(list(PRESETS)),
        reason=reasons(notice.problems),
    )


def _sentence(session: Session, shown: Shown, comparison: Comparison | None) -> str:
    ours, theirs = shown_names(session, shown.comparison), arms.names(session)
    found = []
    if comparison is None:
        found.append(("", listed(ours), listed(theirs) or say("none")))
    else:
        found += _arms(shown.comparison, comparison, ours, theirs)
        found += _shared(shown.comparison, comparison)
    return say(
        "differs",
        shown=listed([say("differs.setting", name=name, value=value).strip() for name, value, _ in found]),
        form=listed([say("differs.value", value=value) for *_, value in found]),
    )


def _arms(shown: Comparison, comparison: Comparison, names: list[str], wanted: list[str]) -> list[Difference]:
    """Return how the arms differ, apart from what all arms share and from the rates that the rule gives."""
    is_alike = shown.rule != comparison.rule
    pairs = list(zip(shown.arms, comparison.arms, strict=False))
    if len(names) == len(wanted) and not any(differences(pair, is_tuned=is_alike) for pair in pairs):
        return []
    if names != wanted:
        return [("", listed(names), listed(wanted))]
    found: dict[str, Difference] = {}
    for name, pair in zip(names, pairs, strict=True):
        for field in differences(pair, is_tuned=is_alike):
            ours, theirs = (plain(getattr(arm, field)) for arm in pair)
            found.setdefault(field, (say("compare.differs.of_arm", arm=name, setting=label(field)), ours, theirs))
    return list(found.values())


def _shared(shown: Comparison, comparison: Comparison) -> list[Difference]:
    """Return how the switches differ, and what all arms take over from the first one."""
    found: list[Difference] = []
    first, other = shown.arms[0], comparison.arms[0]
    if shown.budget != comparison.budget:
        values = say(f"compare.budget.{shown.budget}"), say(f"compare.budget.{comparison.budget}")
        found.append((say("compare.differs.budget"), *values))
    elif first.budget_value != other.budget_value:
        values = plain(first.budget_value), plain(other.budget_value)
        found.append((setting("budget_value", budget=first.budget), *values))
    if shown.rule != comparison.rule:
        found.append((setting("lr"), say(f"compare.rule.{shown.rule}"), say(f"compare.rule.{comparison.rule}")))
    if shown.seeds != comparison.seeds:
        found.append((say("compare.differs.seeds"), plain(shown.seeds), plain(comparison.seeds)))
    if first.seed != other.seed:
        found.append((setting("seed"), plain(first.seed), plain(other.seed)))
    return found
