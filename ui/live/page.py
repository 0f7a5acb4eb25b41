"""Draw the shown run, or what the form's settings will do: state, cards and charts. Nothing here starts a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.run.cautions import cautions
from core.store import RunRecord
from core.store.reader import RunReader
from ui.kit import card
from ui.kit.ticking import ticking
from ui.live import black_box, cards, changes, charts, controls, depth, differences, status, story
from ui.live.reading import predicted, read
from ui.setup import peak_hint, sentence
from ui.setup.form import Form
from ui.shell.engine import engine
from ui.shell.session import current
from ui.shell.text import say

REFRESH_S, PAUSED_REFRESH_S = 0.5, 2.0
PREDICTION_WAIT_S = 0.15  # a full rerun waits so long; a refresh draws what takes longer


@dataclass(frozen=True)
class DrawnState:
    """State drawn by the last full rerun; a fragment refresh cannot change it, so a change needs a full rerun."""

    active: bool  # the buttons, and the timer
    paused: bool
    pace: float | None  # the pace of the shown run
    waits: bool  # something is still being computed elsewhere
    confirms: bool  # the mark below the arithmetic


def fill_places(
    form: Form, mark: Any, caution_place: Any, reader: RunReader | None, record: RunRecord | None
) -> DrawnState:
    """Fill the places of `ui.setup.sentence.draw` and of the form with predictions, and mark what the run confirms.

    Returns the state that this full rerun draws. It stands outside the panel because a fragment may write outside
    itself only where the last full rerun did, and fails if that rerun was aborted before.
    """
    config = form.config
    prediction, no_prediction = predicted(config, wait_s=PREDICTION_WAIT_S)
    is_predicting = config is not None and (prediction, no_prediction) == (None, None)
    drawn = DrawnState(
        active=controls.is_active(record),
        paused=controls.is_paused(record),
        pace=record.facts.pace if record else None,
        waits=is_predicting or _is_waiting(record, form),
        confirms=_confirms(reader, form),
    )
    text = say("confirmed.epoch" if changes.marks(record) else "confirmed")  # a changed run has different totals
    # A space keeps the line, because Streamlit does not draw an empty container.
    mark.markdown(f":green-badge[:material/check: {text}]" if drawn.confirms else "\u00a0", width="content")
    sentence.warn(caution_place, config, cautions(config, prediction) if config else [])
    peak_hint.draw(form, prediction, no_prediction)
    return drawn


def panel(form: Form, run_id: str | None, drawn: DrawnState) -> None:
    """Draw everything that changes, refreshed by a timer while a run is active or a prediction is missing."""
    slow = drawn.paused and not drawn.waits
    every = (PAUSED_REFRESH_S if slow else REFRESH_S) if drawn.active or drawn.waits else None

    ticking(_draw, every, form, run_id, drawn)


def _draw(form: Form, run_id: str | None, drawn: DrawnState) -> None:
    shared = engine()
    reader, trouble = read(run_id)
    record = reader.record if reader else None
    session = current()
    if run_id:
        shared.watchers.show("live", run_id)
    if drawn.active and run_id:
        shared.client.renew([run_id])
        if session.run_id == run_id != st.query_params.get("run"):  # an aborted script run did not send it
            st.query_params["run"] = run_id
    # A click on Start may be sent in one request with a change in the panel, which reruns only the panel.
    if session.wanted or _is_out_of_date(drawn, reader, form):
        st.rerun()

    same = record is None or record.config == form.config
    config = record.config if record else form.config
    prediction, no_prediction = predicted(config)
    with st.container(key="state", horizontal=True, vertical_alignment="center"):
        text = status.line(reader, prediction, refused=form.config is None)
        wrong = trouble or no_prediction
        numbers = story.statistics(reader) if reader else ""
        st.markdown(f"{text} :orange[:material/warning: {wrong}]" if wrong else text, help=numbers or None)
        differences.offer_what_fits(st.empty(), form, record, prediction)
    with st.container(key="story"):
        drawn_cards = cards.cards(config, prediction, reader) if config else cards.blank()
        with st.container(key="cards"):
            st.html(card.html(drawn_cards if same else [each.unconfirmed() for each in drawn_cards]))
        with st.container(key="box"):
            black_box.draw(session, record)
        ghost = charts.ghost_of(config, record)
        before = ghost.record.config if ghost and ghost.record else None
        with st.container(key="charts"):
            x = charts.draw(config, prediction, reader, ghost, before)
        with st.container(border=True, key="depths"):
            if config:
                depth.draw(x, config, reader, before)
            else:
                st.caption(say("depth.none"))
    if reader and reader.updates:
        shared.freeze_once()


def _is_out_of_date(drawn: DrawnState, reader: RunReader | None, form: Form) -> bool:
    """Return whether the buttons, the timer and the arithmetic, which only a full rerun draws, are out of date."""
    record = reader.record if reader else None
    if drawn.active and (not controls.is_active(record) or drawn.paused != controls.is_paused(record)):
        return True
    if record and drawn.active and drawn.pace != record.facts.pace:
        return True
    return (drawn.waits and not _is_waiting(record, form)) or drawn.confirms != _confirms(reader, form)


def _confirms(reader: RunReader | None, form: Form) -> bool:
    """Return whether the shown run has the form's settings and has counted what was predicted."""
    record = reader.record if reader else None
    if form.config is None or record is None or record.config != form.config:
        return False
    return cards.is_confirmed(form.config, reader)


def _is_waiting(record: RunRecord | None, form: Form) -> bool:
    """Return whether a prediction, a remedy or the pictures are still being computed elsewhere."""
    configs = [record.config if record else None, form.config]
    if any(config and predicted(config) == (None, None) for config in configs):
        return True
    return record is not None and (depth.waits(record.config, record.snapshot) or black_box.waits(record))
