"""Draw the shown comparison: buttons, progress, verdict, charts and a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.comparison.course import Axis, Course
from core.comparison.result import AXES
from core.comparison.setup import Comparison, as_trained
from core.store import ACTIVE_STATES, new_run_id
from core.words.errors import StoreError
from ui.charts.compare import (
    FIGURES,
    LINEAR,
    compare_linear,
    compare_logarithmic,
    compare_memory,
    compare_memory_table,
    comparison_table,
    heading,
)
from ui.compare import arms, telling, weight_paths
from ui.compare.names import arm_names
from ui.compare.shown import Shown, read
from ui.compare.state import CompareState
from ui.kit import plots
from ui.kit.button import button
from ui.kit.ticking import ticking
from ui.setup.replacement import stop_replaced
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.session import Session
from ui.shell.text import count, day, duration, explain, percent, say

REFRESH_S = 0.5
KEYS = {"start": "Ctrl+Enter", "stop": "Alt+X"}


def buttons(session: Session, shown: Shown | None) -> None:
    """Draw Stop and Start. The state of the comparison says why Stop is disabled, and the arms say it for Start."""
    state = session.state(CompareState)
    refused = arms.refusal(session)
    active, _ = _drawn_for(session, shown)
    own = shown is not None and shown.record is not None and shown.record.session == _owner(session)
    restarts = active and (own or not engine().watchers.elsewhere(state.id or ""))
    idle = "" if active else say("compare.idle")
    button(
        say("compare.stop"),
        why_not=idle,
        help_=say("control.shortcut", what=say("compare.stop.help"), keys=KEYS["stop"]),
        key="compare_stop",
        icon=":material/stop:",
        on_click=_stop,
        args=(session,),
        shortcut=KEYS["stop"],
    )
    what = say("control.shortcut", what=say("compare.start.help"), keys=KEYS["start"])
    button(
        say("compare.restart" if restarts else "compare.start"),
        why_not=refused,
        help_=what,
        key="compare_start",
        type="primary",
        icon=":material/restart_alt:" if restarts else ":material/play_arrow:",
        on_click=_ask,
        args=(session,),
        shortcut=KEYS["start"],
    )


def _ask(session: Session) -> None:
    state = session.state(CompareState)
    state.wanted = True
    state.unread = False  # the comparison in the URL must not replace the one that starts


def _stop(session: Session) -> None:
    state = session.state(CompareState)
    if state.id:
        engine().client.command(state.id, "stop")


def _owner(session: Session) -> str:
    """Return the name under which the store keeps a session's comparisons, apart from its runs."""
    return f"comparison {session.id}"


def start_if_asked(session: Session) -> None:
    """Start the comparison that the page describes if a start was requested, and stop the one it replaces."""
    state = session.state(CompareState)
    asked, state.wanted = state.wanted, False
    if not asked:
        return
    comparison, problems = arms.wanted(session)
    state.trouble = problems
    if comparison is None:
        return
    shared, run_id, owner = engine(), new_run_id(), _owner(session)
    try:
        stop_replaced(shared, owner=owner, shown=state.id)
        shared.client.start_comparison(comparison, run_id=run_id, session=owner)
    except StoreError as error:
        state.trouble = error.problems
        return
    state.id, state.changed, state.notice = run_id, False, None
    st.query_params["comparison"] = run_id
    st.query_params.pop("arms", None)


def panel(session: Session, shown: Shown | None) -> None:
    """Draw everything that changes, with a timer while something trains.

    `shown` is the comparison for which the buttons were drawn.
    """
    was = _drawn_for(session, shown)
    ticking(_draw, REFRESH_S if any(was) or weight_paths.waits(session) else None, session, was)


def _drawn_for(session: Session, shown: Shown | None) -> tuple[bool, bool]:
    """Return whether the comparison trains and whether it cannot be read; buttons and timer depend on these."""
    state = session.state(CompareState)
    return shown is not None and shown.is_active, bool(state.lost)


def _draw(session: Session, was: tuple[bool, bool]) -> None:
    state = session.state(CompareState)
    shown = read(session)
    active, _ = now = _drawn_for(session, shown)
    if state.id:
        engine().watchers.show("compare", state.id)
        if active:
            engine().client.renew([state.id])
    if now != was:
        st.rerun()
    if state.lost:
        st.warning(reasons(state.lost), icon=":material/warning:")
        return
    if shown is None:
        comparison, _ = arms.wanted(session)
        none = count("compare.none", comparison.seeds, arms=len(comparison.arms)) if comparison else ""
        st.caption(f"{none} {say('compare.idle')}".strip())
        return
    comparison, courses = shown.comparison, shown.courses
    names = arm_names(comparison.arms, is_tuned=comparison.is_tuned)
    with st.container(border=True, key="compare_verdict"):
        st.caption(_state(session, shown, names))
        st.markdown(telling.verdict(comparison, courses, names))
        st.caption(telling.held(comparison))
    session.undo_late("compare_axis")
    session.set_field("compare_axis", session.field("compare_axis", comparison.budget))
    chosen: Axis | None = st.segmented_control(
        say("compare.axis"),
        AXES,
        key="compare_axis",
        required=True,
        width="content",
        format_func=lambda name: say(f"compare.budget.{name}"),
    )
    first = comparison.arms[0]
    settings = count("compare.chart.settings", comparison.seeds, dataset=first.dataset, model=first.model)
    _charts(comparison, courses, names, settings, chosen or comparison.budget)
    st.html(telling.table(comparison, courses, names))
    trained = [name for name, course in zip(names, courses, strict=True) if len(course.checked)]
    weight_paths.draw(session, as_trained(comparison, courses), trained, settings)


def _charts(comparison: Comparison, courses: Sequence[Course], names: Sequence[str], settings: str, axis: Axis) -> None:
    with st.container(key="compare_charts"):
        upper, lower = st.columns(4, gap="small"), st.columns(4, gap="small")
        *places, last = (*upper, *lower)
        for place, name in zip(places, FIGURES, strict=True):
            chart = compare_linear if name in LINEAR else compare_logarithmic
            told = (heading(name, courses, say), settings, *names)
            with place.container(border=True):
                table = comparison_table(name, courses, names, say, axis=axis)
                plots.draw(chart, table, part=name, names=told)
        with last.container(border=True):
            limits = {arm.memory_limit_bytes for arm in comparison.arms}
            limit = limits.pop() if len(limits) == 1 else None
            told = (say("compare.chart.memory"), settings, *names)
            plots.draw(compare_memory, compare_memory_table(courses, names, limit, say), names=told)
    st.caption(f"{say('compare.bands')} {say('compare.machine')}")


def _state(session: Session, shown: Shown, names: Sequence[str]) -> str:
    """Return how far the comparison has got, and whether the page describes another one."""
    text = _progress(shown, names) if shown.is_active else f"{_progress(shown, names)} {say('compare.idle')}"
    comparison, _ = arms.wanted(session)
    return text if comparison == shown.comparison else f"{text} {say('compare.shown_differs')}"


def _progress(shown: Shown, names: Sequence[str]) -> str:
    record = shown.record
    if record is None:
        return say("compare.state.recorded", date=day(shown.date)) if shown.date else ""
    if record.state not in ACTIVE_STATES:
        elapsed = duration(record.ended.elapsed_s) if record.ended else ""
        reason = explain(record.ended.reason, record.ended.values) if record.ended else ""
        return say(f"compare.state.{record.state}", elapsed=elapsed, reason=reason)
    if record.state in ("queued", "starting"):
        return say(f"compare.state.{record.state}")
    tuning = [name for name, course in zip(names, shown.courses, strict=True) if course.state == "tuning"]
    if tuning:
        return say("compare.state.tuning", arm=tuning[0])
    shares = [
        float(course.updates[-1]) / course.planned if len(course.updates) else 0.0
        for course in shown.courses
        if course.state != "out_of_memory"
    ]
    if not any(shares):
        return say("compare.state.preparing")
    return say("compare.state.running", share=percent(float(np.mean(shares))))
