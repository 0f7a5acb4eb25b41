"""Draw the shown comparison: progress, verdict, charts and a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.comparison.course import Axis, Course, seconds_left
from core.comparison.result import AXES
from core.comparison.setup import Comparison, as_trained
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
from ui.compare import controls, described, guess, telling, weight_paths
from ui.compare.names import shown_names
from ui.compare.shown import Shown, read
from ui.compare.state import CompareState
from ui.kit import plots
from ui.kit.ticking import ticking
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.session import Session
from ui.shell.text import count, day, duration, explain, percent, say

REFRESH_S = 0.5
PAUSED_REFRESH_S = 2.0
MEASURED_S = 1.0  # training time after which the time left is told
SOON_S, ESTIMATED_S = 10.0, 5.0  # a time left below the first is told as such, and others as multiples of the second


def panel(session: Session, shown: Shown | None) -> None:
    """Draw everything that changes, with a timer while something trains.

    `shown` is the comparison for which the buttons were drawn.
    """
    was = controls.drawn_for(session, shown)
    waits = weight_paths.waits(session)
    every = PAUSED_REFRESH_S if was.paused and not waits else REFRESH_S
    ticking(_draw, every if was.active or was.lost or waits else None, session, was)


def _draw(session: Session, was: controls.DrawnState) -> None:
    state = session.state(CompareState)
    shown = read(session)
    now = controls.drawn_for(session, shown)
    if state.id:
        engine().watchers.show("compare", state.id)
        if now.active:
            engine().client.renew([state.id])
    if now != was:
        st.rerun()
    if state.lost:
        st.warning(reasons(state.lost), icon=":material/warning:")
        return
    if shown is None:
        comparison, _ = described.wanted(session)
        none = count("compare.none", comparison.seeds, arms=len(comparison.arms)) if comparison else ""
        st.caption(f"{none} {say('compare.idle')}".strip())
        return
    comparison, courses = shown.comparison, shown.courses
    names = shown_names(session, comparison)
    with st.container(border=True, key="compare_verdict"):
        idle = "" if now.active else say("compare.idle")
        st.caption(f"{_progress(shown, names)} {idle}".strip())
        with st.container(key="compare_told"):
            if shown.record:
                st.html(telling.room(comparison, names, guesses=guess.made(session) is not None))
            if now.hidden:
                guess.ask(session, names)
            else:
                said = telling.guess(comparison, courses, names, guess.made(session))
                st.markdown(f"{said} {telling.verdict(comparison, courses, names)}".strip())
        st.caption(telling.held(comparison))
    if now.hidden:
        return
    session.undo_late("compare_axis")
    session.set_field("compare_axis", session.field("compare_axis", comparison.budget))
    with st.container(horizontal=True, vertical_alignment="center", key="compare_along"):
        st.caption(say("compare.axis"), width="content")
        chosen: Axis | None = st.segmented_control(
            say("compare.axis"),
            AXES,
            key="compare_axis",
            required=True,
            width="content",
            label_visibility="collapsed",
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


def _progress(shown: Shown, names: Sequence[str]) -> str:
    record = shown.record
    if record is None:
        return say("compare.state.recorded", date=day(shown.date)) if shown.date else ""
    if not record.is_active:
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
    share = percent(float(np.mean(shares)))
    if record.state == "paused":
        return say("compare.state.paused", share=share)
    left, spent = seconds_left(shown.courses), sum(course.spent_s for course in shown.courses)
    if left is None or spent < MEASURED_S:
        return say("compare.state.running", share=share)
    if left < SOON_S:
        return say("compare.state.running.soon", share=share, left=duration(SOON_S))
    return say("compare.state.running.left", share=share, left=duration(ESTIMATED_S * round(left / ESTIMATED_S)))
