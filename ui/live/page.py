"""Draw the shown run, or what the form's settings will do: state, cards and charts. Reads, starts nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.run.cautions import cautions
from core.store import RunRecord
from core.store.reader import RunReader
from ui.kit import card
from ui.kit.ticking import ticking
from ui.live import black_box, cards, changes, charts, controls, depth, differences, status
from ui.live.reading import predicted, read
from ui.setup import peak_hint, sentence
from ui.setup.form import Form
from ui.shell.engine import engine
from ui.shell.session import current
from ui.shell.text import say

REFRESH_S, PAUSED_REFRESH_S = 0.5, 2.0
PREDICTION_WAIT_S = 0.15  # in a full run; what takes longer is drawn by a refresh


@dataclass(frozen=True)
class Shown:
    """What a full run draws by, and a refresh cannot change: where it is out of date there has to be another."""

    active: bool  # the buttons, and the timer
    paused: bool
    waits: bool  # for something that is worked out elsewhere
    confirms: bool  # the mark beside the sentence


def tell(form: Form, mark: Any, careful: Any, reader: RunReader | None, record: RunRecord | None) -> Shown:
    """Fill the places of `ui.setup.sentence.draw` and of the form from what is predicted, and by whether the shown
    run has confirmed it. Return what this full run draws by.

    Outside the panel: Streamlit lets a fragment write outside itself only where the last full run has, and fails if
    that was broken off before.
    """
    config = form.config
    prediction, no_prediction = predicted(config, wait_s=PREDICTION_WAIT_S)
    untold = config is not None and (prediction, no_prediction) == (None, None)
    shown = Shown(
        active=controls.is_active(record),
        paused=controls.is_paused(record),
        waits=untold or _is_waiting(record, form),
        confirms=_confirms(reader, form),
    )
    if shown.confirms:
        told = say("confirmed.epoch" if changes.marks(record) else "confirmed")  # a changed run has other totals
        mark.markdown(f":green-badge[:material/check: {told}]", width="content")
    sentence.warn(careful, config, cautions(config, prediction) if config else [])
    peak_hint.draw(form, prediction, no_prediction)
    return shown


def panel(form: Form, run_id: str | None, shown: Shown) -> None:
    """Draw everything that moves, refreshed by a timer while there is something to wait for."""
    slow = shown.paused and not shown.waits
    every = (PAUSED_REFRESH_S if slow else REFRESH_S) if shown.active or shown.waits else None

    ticking(_draw, every, form, run_id, shown)


def _draw(form: Form, run_id: str | None, shown: Shown) -> None:
    shared = engine()
    reader, trouble = read(run_id)
    record = reader.record if reader else None
    session = current()
    if run_id:
        shared.watchers.show("live", run_id)
    if shown.active and run_id:
        shared.client.renew([run_id])
        if session.run_id == run_id != st.query_params.get("run"):  # a run that was broken off did not tell the browser
            st.query_params["run"] = run_id
    # A start that is pressed while a choice of the panel is under way comes with the panel's own rerun.
    if session.wanted or _is_out_of_date(shown, reader, form):
        st.rerun()

    same = record is None or record.config == form.config
    config = record.config if record else form.config
    prediction, no_prediction = predicted(config)
    with st.container(key="state", horizontal=True, vertical_alignment="center"):
        text = status.line(reader, prediction, refused=form.config is None)
        wrong = trouble or no_prediction
        st.markdown(f"{text} :orange[:material/warning: {wrong}]" if wrong else text)
        differences.offer_what_fits(st.empty(), form, record, prediction)
    with st.container(key="story"):
        told = cards.cards(config, prediction, reader) if config else cards.blank()
        with st.container(key="cards"):
            st.html(card.html(told if same else [each.unconfirmed() for each in told]))
        with st.container(key="box"):
            black_box.draw(session, record)
        ghost = charts.ghost_of(record)
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


def _is_out_of_date(shown: Shown, reader: RunReader | None, form: Form) -> bool:
    """Return whether what only a full run draws, the buttons, the timer and the sentence, has to be drawn anew."""
    record = reader.record if reader else None
    if shown.active and (not controls.is_active(record) or shown.paused != controls.is_paused(record)):
        return True
    return (shown.waits and not _is_waiting(record, form)) or shown.confirms != _confirms(reader, form)


def _confirms(reader: RunReader | None, form: Form) -> bool:
    """Return whether the shown run is the form's and has counted what was predicted."""
    record = reader.record if reader else None
    if form.config is None or record is None or record.config != form.config:
        return False
    return cards.is_confirmed(form.config, reader)


def _is_waiting(record: RunRecord | None, form: Form) -> bool:
    """Return whether something is still to come that is worked out elsewhere: a prediction, or the pictures."""
    configs = [record.config if record else None, form.config]
    if any(config and predicted(config) == (None, None) for config in configs):
        return True
    return record is not None and (depth.waits(record.config, record.snapshot) or black_box.waits(record))
