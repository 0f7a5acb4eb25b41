"""Draw the shown run, or what the form's settings will do: state, cards and charts. Reads, starts nothing."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from core.config import RunConfig
from core.errors import BatchLabError
from core.events import Prediction
from core.store.reader import RunReader
from ui import cards, controls, plots, status
from ui.engine import engine
from ui.form import Form, apply, settings
from ui.sentence import arithmetic
from ui.session import Session
from ui.text import explain, number, say

REFRESH_S, PAUSED_REFRESH_S = 0.5, 2.0
PREDICTION_WAIT_S = 0.15  # in a full run; what takes longer is drawn by a refresh


def predicted(config: RunConfig | None, *, wait_s: float = 0.0) -> tuple[Prediction | None, str | None]:
    """Return what a run will need, None while it is worked out, and why it cannot be told."""
    if config is None:
        return None, None
    try:
        return engine().prediction(config, wait_s=wait_s), None
    except BatchLabError as error:
        return None, "; ".join(explain(problem.code, problem.values) for problem in error.problems)


def read(run_id: str | None) -> tuple[RunReader | None, str | None]:
    """Return the reader of a run, read to its newest row, and why it cannot be read."""
    if run_id is None:
        return None, None
    if error := engine().start_error(run_id):
        if not isinstance(error, BatchLabError):
            raise error
        return None, "; ".join(explain(problem.code, problem.values) for problem in error.problems)
    reader = engine().readers.reader(run_id)
    try:
        reader.refresh()
    except BatchLabError as error:
        reasons = "; ".join(explain(problem.code, problem.values) for problem in error.problems)
        return reader, say("store.lost", reason=reasons)
    return (reader if reader.record else None), None


def panel(form: Form, run_id: str | None, *, active: bool, paused: bool) -> None:
    """Draw everything that moves, refreshed by a timer while there is something to wait for."""
    reader, _ = read(run_id)
    shown = reader.record.config if reader and reader.record else form.config
    waits = any(
        config is not None and predicted(config, wait_s=PREDICTION_WAIT_S) == (None, None)
        for config in (shown, form.config)
    )
    every = (PAUSED_REFRESH_S if paused and not waits else REFRESH_S) if active or waits else None
    st.fragment(_draw, run_every=every)(form, run_id, active=active, paused=paused, timed=every is not None)


def _draw(form: Form, run_id: str | None, *, active: bool, paused: bool, timed: bool) -> None:
    shared = engine()
    reader, trouble = read(run_id)
    record = reader.record if reader else None
    if active and run_id:
        shared.client.renew([run_id])
    config = record.config if record else form.config
    prediction, no_prediction = predicted(config)
    form_prediction, _ = predicted(form.config)
    if timed and _is_out_of_date(record, run_id, active, paused, config, prediction, no_prediction, form_prediction):
        st.rerun()

    with st.container(key="status"):
        starting = run_id is not None and shared.is_starting(run_id)
        st.markdown(status.asked() if starting and record is None else status.line(reader, prediction))
        way_out = st.empty()
        differs = st.empty()
        wrong = st.empty()
    _offer_what_fits(way_out, record, prediction)
    if record and form.config and record.config != form.config:
        differs.caption(_difference(record.config, form.config))
    if trouble or no_prediction:
        wrong.warning(trouble or no_prediction or "", icon=":material/warning:")
    _tell_what_fits(form, form_prediction)
    if config is None:
        return
    cards.draw(cards.cards(config, prediction, reader))
    _charts(config, prediction, reader)
    if reader and reader.updates:
        shared.freeze_once()


def _is_out_of_date(
    record: Any, run_id: str | None, active: bool, paused: bool, config: RunConfig | None,
    prediction: Prediction | None, no_prediction: str | None, form_prediction: Prediction | None,
) -> bool:  # fmt: skip
    """Return whether the buttons or the timer, which only a full run draws, no longer fit."""
    if active:
        return not controls.is_active(run_id, record) or paused != (record is not None and record.state == "paused")
    return config is None or prediction is not None or no_prediction is not None


def _charts(config: RunConfig, prediction: Prediction | None, reader: RunReader | None) -> None:
    record = reader.record if reader else None
    horizon = cards.planned(config, reader)
    wide, narrow = st.columns([3, 2], gap="small")
    with wide.container(border=True, key="loss"):
        st.markdown(f"**{say('chart.loss')}**")
        plots.loss(reader, horizon)
    with narrow.container(border=True, key="memory_and_rate"):
        st.markdown(f"**{say('chart.memory')}**")
        plots.memory(prediction.peak if prediction else None, record.peak if record else None, config.memory_limit_bytes)
        st.markdown(f"**{say('chart.rate')}**")
        plots.rate(config, horizon, reader)
        if config.schedule == "plateau":
            st.caption(say("chart.rate.plateau"))
        elif horizon is None:
            st.caption(say("chart.rate.seconds"))


def _offer_what_fits(slot: Any, record: Any, prediction: Prediction | None) -> None:
    if record is None or record.state != "out_of_memory" or prediction is None or not prediction.largest_batch_size:
        return
    largest = prediction.largest_batch_size
    slot.button(
        say("remedy.batch_size", value=number(largest)), key="use_what_fits", on_click=apply,
        args=(settings(record.config) | {"batch_size": largest},),
    )  # fmt: skip


def _tell_what_fits(form: Form, prediction: Prediction | None) -> None:
    if prediction is None:
        form.fits.caption(say("form.fits_asking") if form.config else " ")
    elif prediction.largest_batch_size:
        form.fits.caption(say("form.fits", largest=number(prediction.largest_batch_size)))
    else:
        form.fits.caption(say("form.fits_none"))


def _difference(shown: RunConfig, form: RunConfig) -> str:
    """Return the first setting in which the run and the form differ, in words."""
    ours, theirs = shown.to_dict(), form.to_dict()
    names = [name for name in ours if ours[name] != theirs[name]]
    said = [", ".join(f"{name} {_plain(values[name])}" for name in names[:3]) for values in (ours, theirs)]
    return say("other_settings", shown=said[0], form=said[1])


def _plain(value: Any) -> str:
    if value is None:
        return say("none")
    if isinstance(value, list):
        return "-".join(map(str, value))
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def sentence(form: Form, run_id: str | None) -> None:
    """Draw the arithmetic of the form's settings."""
    text = arithmetic(form.config) if form.config else say("sum.refused")
    st.markdown(text)


def notices(session: Session, form: Form) -> None:
    """Draw what is wrong with the address, the settings or the database, each in a place of its own."""
    problems, address, unknown, database = (st.container() for _ in range(4))
    for index, problem in enumerate(form.problems):
        with problems:
            _problem(index, problem.code, problem.values, problem.remedy)
    for problem, used in session.url_problems:
        text = explain(problem.code, problem.values)
        shown = "-".join(map(str, used)) if isinstance(used, tuple) else _plain(used)
        address.warning(say("url.used", reason=text, value=shown), icon=":material/link_off:")
    if session.unknown_run:
        unknown.info(say("run.unknown"), icon=":material/link_off:")
    if error := engine().store_error:
        reasons = "; ".join(explain(problem.code, problem.values) for problem in error.problems)
        database.warning(say("store.fresh", reason=reasons, where=engine().store.where), icon=":material/database:")


def _problem(index: int, code: str, values: Any, remedy: Any) -> None:
    st.error(explain(code, values), icon=":material/block:")
    if remedy:
        st.button(_remedy_label(remedy), key=f"remedy_{index}", on_click=apply, args=(dict(remedy),))


def _remedy_label(remedy: Any) -> str:
    labels = [
        say(f"remedy.{name}.{value}") if name == "drop_last"
        else say(f"remedy.{name}", value=number(value) if isinstance(value, int) else value)
        for name, value in remedy.items()
    ]  # fmt: skip
    return labels[0] if len(labels) == 1 else say("remedy.and", first=labels[0], second=labels[1])
