"""Draw the choice of a schedule and a batch size, the results, and the progress of a new run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Literal

import streamlit as st

from core.schedule_bench.arms import ARMS, BATCH_SIZES, CONSTANT, ONE_RATE, RATES, SEEDS, TUNING_SEEDS
from core.schedule_bench.results import Bench, Compared, Trained, load
from core.schedule_bench.telling import about, against_constant, batch_dependence, conclusions
from ui.charts.schedules import (
    readable_lines,
    schedule_curves,
    schedule_curves_table,
    schedule_rates,
    schedule_rates_table,
    schedule_tuning,
    schedule_tuning_table,
)
from ui.kit import plots, quotes, seed_field
from ui.kit.button import button
from ui.kit.long_job import progress
from ui.kit.ticking import ticking
from ui.schedules import tables, why
from ui.schedules.state import SchedulesState
from ui.shell.engine import engine
from ui.shell.session import Session
from ui.shell.text import day, duration, explain, number, say, words

Peaks = Literal["tuned", "alike"]

REFRESH_S = 0.5
FIRST: dict[str, str] = {"arm": "cosine", "batch": "16", "peak": "tuned"}  # the URL holds only what differs from these
CHOICES: dict[str, tuple[str, ...]] = {"arm": ARMS, "batch": tuple(map(str, BATCH_SIZES)), "peak": ("tuned", "alike")}


@cache
def shipped() -> dict[int, Bench]:
    return load()


def panel(session: Session) -> None:
    """Draw the page below its title, refreshed by a timer while a comparison runs."""
    state = session.state(SchedulesState)
    for name, choices in CHOICES.items():
        given = st.query_params.get(name, FIRST[name])
        if given not in choices:
            values = {"field": name, "value": given, "choices": ", ".join(choices)}
            st.caption(f":material/warning: {explain('not_a_choice', values)}")
        session.set_field(
            f"schedules_{name}", session.field(f"schedules_{name}", given if given in choices else FIRST[name])
        )

    ticking(_draw, REFRESH_S if state.running else None, session)


def _draw(session: Session) -> None:
    state = session.state(SchedulesState)
    if session.state(SchedulesState).collect():  # only a full run redraws the timer
        st.rerun()
    why.draw()
    with st.container(horizontal=True, vertical_alignment="bottom", key="schedules_inputs"):
        batch_size, peaks = _inputs(session)
    bench = state.results.get(batch_size) or shipped()[batch_size]
    trained, against = (bench.tuned, bench.against) if peaks == "tuned" else (bench.alike, bench.against_alike)
    with st.container(border=True, key="schedules_told"):
        st.markdown(_conclusions(bench, peaks))
        if elsewhere := quotes.schedules():
            st.caption(elsewhere)
        st.caption(progress(session.state(SchedulesState), batch_size, "schedules") or _origin(session, bench))
    chosen: str | None = st.pills(
        say("schedules.choice"),
        ARMS,
        key="schedules_arm",
        required=True,
        label_visibility="collapsed",
        width="stretch",
        format_func=lambda arm: say(f"schedules.arm.{arm}"),
    )
    arm = chosen or FIRST["arm"]
    for name in CHOICES:
        session.remember(f"schedules_{name}")
    _keep_address({"arm": arm, "batch": str(batch_size), "peak": peaks})
    with st.container(key="schedules_about"):
        description = about(arm, trained[arm], batch_size, words())
        st.markdown(f"**{say(f'schedules.arm.{arm}')}.** {description} {_edge(bench, arm, peaks)}")
    with st.container(key="schedules_charts"):
        _charts(bench, trained, arm, peaks)
    with st.container(key="schedules_more"):
        with st.container(key="schedules_tables"):
            _tables(session, bench, trained, against, arm)
        st.caption(tables.held_fixed(bench))
        with st.expander(say("schedules.model")):
            st.markdown(tables.model_text(bench, shipped()[BATCH_SIZES[0]]))
    if state.running:
        engine().freeze_once()  # Streamlit's garbage collection after each refresh costs more than the refresh


def _inputs(session: Session) -> tuple[int, Peaks]:
    """Draw the inputs and the run button; return batch size and peaks."""
    state = session.state(SchedulesState)
    given: str | None = st.segmented_control(
        say("schedules.batch"),
        CHOICES["batch"],
        key="schedules_batch",
        required=True,
        width="content",
        format_func=lambda size: number(int(size)),
        help=say("schedules.batch.help"),
    )
    rate = number(ONE_RATE)
    peaks: str | None = st.segmented_control(
        say("schedules.peaks"),
        CHOICES["peak"],
        key="schedules_peak",
        required=True,
        width="content",
        format_func=lambda name: say(f"schedules.peaks.{name}", rate=rate),
        help=say("schedules.peaks.help", tries=len(RATES), seeds=TUNING_SEEDS, rate=rate),
    )
    help_ = say("schedules.first_seed.help", seeds=SEEDS, tuning=TUNING_SEEDS)
    seed_field.field(session, "schedules_first_seed", label=say("schedules.first_seed"), help_=help_, step=SEEDS)
    size = int(given or FIRST["batch"])
    trainings = len(ARMS) * (len(RATES) * TUNING_SEEDS + 2 * SEEDS) + SEEDS
    seconds = duration(shipped()[size].seconds)
    running = progress(state, size, "schedules") if size in state.running else ""
    button(
        say("schedules.run"),
        why_not=running or seed_field.refused(session, "schedules_first_seed"),
        help_=say("schedules.run.help", trainings=number(trainings), seconds=seconds),
        key="run_schedules",
        icon=":material/replay:",
        on_click=_run,
        args=(session, size),
    )
    return size, "alike" if peaks == "alike" else "tuned"


def _run(session: Session, batch_size: int) -> None:
    """Request the comparison at a batch size, which runs when a core is free."""
    first_seed = seed_field.chosen(session, "schedules_first_seed")
    job = partial(engine().bench, batch_size, first_seed=first_seed, seeds=SEEDS)
    session.state(SchedulesState).start(batch_size, job)
    st.rerun()  # the button is in the fragment, and the timer is outside it


def _keep_address(shown: Mapping[str, str]) -> None:
    """Put the choices into the URL unless they are the defaults."""
    for name, value in shown.items():
        if value == FIRST[name]:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


def _conclusions(bench: Bench, peaks: Peaks) -> str:
    if peaks == "tuned":
        return " ".join(conclusions(bench, words()))
    intro = say("schedules.alike", rate=number(ONE_RATE), size=number(bench.batch_size))
    return " ".join([intro, *against_constant(bench.against_alike, words())])


def _origin(session: Session, bench: Bench) -> str:
    """Return when, where and with which seeds a result was computed."""
    state = session.state(SchedulesState)
    values = {"first": number(bench.seeds[0]), "last": number(bench.seeds[-1]), "seconds": duration(bench.seconds)}
    if bench.batch_size in state.results:
        return say("schedules.fresh", **values)
    facts = {"torch": bench.fingerprint["torch"], "capability": bench.fingerprint["cpu_capability"]}
    return say("schedules.shipped", date=day(bench.date), **facts, **values)


def _edge(bench: Bench, arm: str, peaks: Peaks) -> str:
    if peaks == "alike" or not bench.is_at_the_edge(arm):
        return ""
    return say("schedules.edge.lowest" if bench.tuned[arm].peak == RATES[0] else "schedules.edge.highest")


def _charts(bench: Bench, trained: Mapping[str, Trained], arm: str, peaks: Peaks) -> None:
    seen, size, rate = "axis.schedules.seen", number(bench.batch_size), number(ONE_RATE)
    first, last = number(bench.seeds[0]), number(bench.seeds[-1])
    caption = say(f"schedules.caption.{peaks}", size=size, rate=rate, first=first, last=last)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        table = schedule_curves_table(trained, arm, bench.batch_size, say, caption=caption)
        plots.draw(schedule_curves, table, readable=readable_lines(table, say, seen, "axis.schedules.excess"))
        st.caption(say("schedules.curves", seeds=len(bench.seeds)))
    with right:
        table = schedule_rates_table(trained, arm, bench.batch_size, say, caption=caption)
        plots.draw(schedule_rates, table, readable=readable_lines(table, say, seen, "axis.schedules.relative"))
        caption = say("schedules.caption.tuning", size=size, seeds=TUNING_SEEDS)
        table = schedule_tuning_table(bench, arm, say, caption=caption)
        plots.draw(
            schedule_tuning, table, readable=readable_lines(table, say, "axis.schedules.peak", "axis.schedules.excess")
        )
        st.caption(say("schedules.tuning", seeds=TUNING_SEEDS, rate=rate))


def _tables(
    session: Session, bench: Bench, trained: Mapping[str, Trained], against: Mapping[str, Compared], arm: str
) -> None:
    state = session.state(SchedulesState)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        st.html(tables.ends(bench.batch_size, trained, against, arm))
    with right:
        if arm == CONSTANT:
            st.caption(say("schedules.by_batch.constant"))
            return
        benches = [state.results.get(size) or shipped()[size] for size in BATCH_SIZES]
        st.html(tables.by_batch(benches, arm))
        st.caption(batch_dependence(benches, arm, words()))
