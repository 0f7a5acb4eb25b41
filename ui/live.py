"""Draw the shown run, or what the form's settings will do: state, cards and charts. Reads, starts nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from core.config import RunConfig
from core.errors import BatchLabError, Problem
from core.events import Prediction
from core.store import RunRecord
from core.store.reader import RunReader
from ui import cards, controls, plots, status
from ui.engine import engine
from ui.form import DEFAULT, Form, apply, apply_from_panel, settings
from ui.sentence import arithmetic
from ui.session import Session
from ui.text import explain, number, plain, say

REFRESH_S, PAUSED_REFRESH_S = 0.5, 2.0
PREDICTION_WAIT_S = 0.15  # in a full run; what takes longer is drawn by a refresh


def predicted(config: RunConfig | None, *, wait_s: float = 0.0) -> tuple[Prediction | None, str | None]:
    """Return what a run will need, None while it is worked out, and why it cannot be told."""
    if config is None:
        return None, None
    try:
        return engine().prediction(config, wait_s=wait_s), None
    except BatchLabError as error:
        return None, reasons(error.problems)


def read(run_id: str | None) -> tuple[RunReader | None, str | None]:
    """Return the reader of a run, read to its newest row, and why it cannot be read."""
    if run_id is None:
        return None, None
    reader = engine().readers.reader(run_id)
    trouble = None
    try:
        reader.refresh()
    except BatchLabError as error:
        trouble = say("store.lost", reason=reasons(error.problems))
    return (reader if reader.record else None), trouble


def reasons(problems: Iterable[Problem]) -> str:
    """Return the sentences of problems."""
    return "; ".join(explain(problem.code, problem.values) for problem in problems)


def panel(form: Form, run_id: str | None, *, active: bool, paused: bool) -> None:
    """Draw everything that moves, refreshed by a timer while there is something to wait for."""
    reader, _ = read(run_id)
    configs = [reader.record.config if reader and reader.record else None, form.config]
    waits = [config for config in configs if config and predicted(config, wait_s=PREDICTION_WAIT_S) == (None, None)]
    every = (PAUSED_REFRESH_S if paused and not waits else REFRESH_S) if active or waits else None

    def refresh() -> None:
        st.fragment(_draw)(form, run_id, active=active, paused=paused, waits=bool(waits))

    # Two fragments, one in the other: the outer one has the timer, the inner one draws. A tick that comes during a
    # full run follows on its heels, and Streamlit then drops what that run has drawn of the ticking fragment and not
    # yet sent: with one fragment for both, a chart would leave the page for a moment.
    st.fragment(refresh, run_every=every)()


def _draw(form: Form, run_id: str | None, *, active: bool, paused: bool, waits: bool) -> None:
    shared = engine()
    reader, trouble = read(run_id)
    record = reader.record if reader else None
    if active and run_id:
        shared.client.renew([run_id])
    config = record.config if record else form.config
    prediction, no_prediction = predicted(config)
    form_prediction, no_form_prediction = predicted(form.config)
    came = waits and all((prediction or no_prediction, form_prediction or no_form_prediction or not form.config))
    if (active and _buttons_are_out_of_date(record, paused)) or (came and not active):
        st.rerun()

    with st.container(key="status"):
        st.markdown(status.line(reader, prediction))
        way_out, differs, wrong = (st.empty() for _ in range(3))
    _offer_what_fits(way_out, form, record, prediction)
    if record and form.config and record.config != form.config:
        differs.caption(_difference(record.config, form.config))
    if trouble or no_prediction:
        wrong.warning(trouble or no_prediction or "", icon=":material/warning:")
    _tell_what_fits(form, form_prediction, no_form_prediction)
    shown = cards.cards(config, prediction, reader) if config else cards.blank()
    same = record is None or record.config == form.config
    cards.draw(shown if same else [card.unconfirmed() for card in shown])  # the form predicts another run
    _charts(config, prediction, reader)
    if reader and reader.updates:
        shared.freeze_once()


def _buttons_are_out_of_date(record: RunRecord | None, paused: bool) -> bool:
    """Return whether the run has come to a state for which only a full run draws the buttons and the timer."""
    return not controls.is_active(record) or paused != (record is not None and record.state == "paused")


def _charts(config: RunConfig | None, prediction: Prediction | None, reader: RunReader | None) -> None:
    record = reader.record if reader else None
    horizon = cards.planned(config, reader) if config else None
    wide, narrow = st.columns([3, 2], gap="small")
    with wide.container(border=True, key="loss"):
        st.markdown(f"**{say('chart.loss')}**")
        plots.loss(reader, horizon)
    with narrow.container(border=True, key="memory_and_rate"):
        st.markdown(f"**{say('chart.memory')}**")
        limit = config.memory_limit_bytes if config else None
        plots.memory(prediction.peak if prediction else None, record.peak if record else None, limit)
        st.markdown(f"**{say('chart.rate')}**")
        plots.rate(config or DEFAULT, horizon, reader)
        why_no_plan = st.empty()
        if config and config.schedule == "plateau":
            why_no_plan.caption(say("chart.rate.plateau"))
        elif config and horizon is None:
            why_no_plan.caption(say("chart.rate.seconds"))


def _offer_what_fits(slot: Any, form: Form, record: RunRecord | None, prediction: Prediction | None) -> None:
    if record is None or record.state != "out_of_memory" or prediction is None or not prediction.largest_batch_size:
        return
    largest = prediction.largest_batch_size
    if form.config == record.config.replace(batch_size=largest):
        return  # it has been taken
    slot.button(
        say("remedy.batch_size", value=number(largest)), key="use_what_fits", on_click=apply_from_panel,
        args=(settings(record.config) | {"batch_size": largest},),
    )  # fmt: skip


def _tell_what_fits(form: Form, prediction: Prediction | None, no_prediction: str | None) -> None:
    if prediction is None:
        form.fits.caption(no_prediction or (say("form.fits_asking") if form.config else " "))
    elif prediction.largest_batch_size:
        over = form.config is not None and form.config.batch_size > prediction.largest_batch_size
        key = "form.fits_over" if over else "form.fits"
        form.fits.caption(say(key, largest=number(prediction.largest_batch_size)))
    else:
        form.fits.caption(say("form.fits_none"))


def _difference(shown: RunConfig, form: RunConfig) -> str:
    """Return the first setting in which the run and the form differ, in words."""
    ours, theirs = shown.to_dict(), form.to_dict()
    names = [name for name in ours if ours[name] != theirs[name]]
    said = [", ".join(f"{name} {plain(values[name])}" for name in names[:3]) for values in (ours, theirs)]
    return say("other_settings", shown=said[0], form=said[1])


def sentence(form: Form) -> None:
    """Draw the arithmetic of the form's settings."""
    text = arithmetic(form.config) if form.config else say("sum.refused")
    st.markdown(text)


def notices(session: Session, form: Form) -> None:
    """Draw what is wrong with the settings, the address or the database, each in a place of its own."""
    problems, address, unknown, database = (st.container() for _ in range(4))
    for index, problem in enumerate(form.problems):
        with problems:
            _problem(index, problem)
    for problem, used in session.url_problems:
        key = "url.ignored" if problem.code == "unknown_field" else "url.used"
        text = say(key, reason=explain(problem.code, problem.values), value=plain(used))
        address.warning(text, icon=":material/link_off:")
    if session.unknown_run:
        unknown.info(say("run.unknown"), icon=":material/link_off:")
    if error := engine().store_error:
        text = say("store.fresh", reason=reasons(error.problems), where=engine().store.where)
        database.warning(text, icon=":material/database:")
    if session.trouble:
        database.error(reasons(session.trouble), icon=":material/database:")


def _problem(index: int, problem: Problem) -> None:
    st.error(explain(problem.code, problem.values), icon=":material/block:")
    if problem.remedy:
        remedy = dict(problem.remedy)
        st.button(_remedy_label(remedy), key=f"remedy_{index}", on_click=apply, args=(remedy,))


def _remedy_label(remedy: Mapping[str, Any]) -> str:
    labels = [
        say(f"remedy.{name}.{value}") if name == "drop_last" else say(f"remedy.{name}", value=plain(value))
        for name, value in remedy.items()
    ]
    return labels[0] if len(labels) == 1 else say("remedy.and", first=labels[0], second=labels[1])
