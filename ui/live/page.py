"""Draw the shown run, or what the form's settings will do: state, cards and charts. Reads, starts nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.run.cautions import cautions
from core.run.config import RunConfig
from core.run.events import Prediction
from core.store import RunRecord, recorded
from core.store.reader import Axis, RunReader
from core.words.errors import BatchLabError
from ui.charts.loss import log_loss, loss, loss_table
from ui.charts.memory.peak import memory, memory_table
from ui.charts.rate import rate, rate_table
from ui.kit import card, plots
from ui.kit.ticking import ticking
from ui.live import black_box, cards, changes, controls, depth, options, status
from ui.live.state import LiveState
from ui.setup import peak_hint, sentence
from ui.setup.form import DEFAULT, Form, apply, apply_from_panel, settings
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.session import Session, current
from ui.shell.text import label, mib, number, plain, say

REFRESH_S, PAUSED_REFRESH_S = 0.5, 2.0
PREDICTION_WAIT_S = 0.15  # in a full run; what takes longer is drawn by a refresh
NAMED_DIFFERENCES = 2


@dataclass(frozen=True)
class Shown:
    """What a full run draws by, and a refresh cannot change: where it is out of date there has to be another."""

    active: bool  # the buttons, and the timer
    paused: bool
    waits: bool  # for something that is worked out elsewhere
    confirms: bool  # the mark beside the sentence


def shown_run(session: Session, form: Form) -> str | None:
    """Return the id of the run to show: the session's own, and before it has any the recorded one, if it is the
    form's."""
    if session.run_id or session.unknown_run:
        return session.run_id
    return recorded.RUN_ID if engine().recording and form.config == recorded.CONFIG else None


def read(run_id: str | None) -> tuple[RunReader | None, str | None]:
    """Return the reader of a run, read to its newest row, and why it cannot be read."""
    if run_id is None:
        return None, None
    reader = engine().reader(run_id)
    trouble = None
    try:
        reader.refresh()
    except BatchLabError as error:
        trouble = say("store.lost", reason=reasons(error.problems))
    return (reader if reader.record else None), trouble


def predicted(config: RunConfig | None, *, wait_s: float = 0.0) -> tuple[Prediction | None, str | None]:
    """Return what a run will need, None while it is worked out, and why it cannot be told."""
    if config is None:
        return None, None
    try:
        return engine().prediction(config, wait_s=wait_s), None
    except BatchLabError as error:
        return None, reasons(error.problems)


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
    peak_hint.tell(form, prediction, no_prediction)
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
        _offer_what_fits(st.empty(), form, record, prediction)
    with st.container(key="story"):
        told = cards.cards(config, prediction, reader) if config else cards.blank()
        with st.container(key="cards"):
            st.html(card.html(told if same else [each.unconfirmed() for each in told]))
        with st.container(key="box"):
            black_box.draw(session, record)
        ghost = _ghost(record)
        before = ghost.record.config if ghost and ghost.record else None
        with st.container(key="charts"):
            x = _charts(config, prediction, reader, ghost, before)
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


def _charts(
    config: RunConfig | None,
    prediction: Prediction | None,
    reader: RunReader | None,
    ghost: RunReader | None,
    before: RunConfig | None,
) -> Axis:
    """Draw the charts that tell the story, and return the unit that was chosen for their x axis."""
    horizon = cards.planned(config, reader) if config else None
    wide, narrow = st.columns([5, 3], gap="small")
    with wide.container(border=True, key="loss"):
        chosen = options.draw_for_loss()
        marks = changes.marks(reader.record if reader else None)
        table = loss_table(
            config,
            reader,
            horizon,
            say,
            x=chosen.x,
            beta=chosen.beta,
            log=chosen.log,
            ghost=ghost,
            ghost_name=_ghost_name(before, config) if before and config else "",
            marks=marks,
        )
        plots.draw(log_loss if chosen.log else loss, table)
    with narrow.container(border=True, key="memory_and_rate"):
        _memory(config, prediction, reader)
        plots.draw(rate, rate_table(config or DEFAULT, horizon, reader, say, marks=marks))
        no_plan = st.empty()
        if config and (why := plots.why_no_plan(config, horizon)):
            no_plan.caption(why)
    return chosen.x


def _memory(config: RunConfig | None, prediction: Prediction | None, reader: RunReader | None) -> None:
    record, last = (reader.record, reader.last) if reader else (None, None)
    peaks = {"predicted": prediction.peak if prediction else None, "measured": record.peak if record else None}
    rss = say("chart.memory.rss", rss=mib(last.rss_bytes, digits=0)) if last and last.rss_bytes else ""
    limit = config.memory_limit_bytes if config else None
    plots.draw(memory, memory_table(peaks, limit, say, rss=rss))


def _ghost(record: RunRecord | None) -> RunReader | None:
    """Return the reader of the run that was shown before this one was started."""
    previous = current().state(LiveState).previous_run_id
    if record is None or previous is None or previous == record.id:
        return None
    reader, _ = read(previous)
    before = reader.record if reader else None
    return reader if before and before.config.dataset == record.config.dataset else None  # else it tells nothing


def _ghost_name(before: RunConfig, shown: RunConfig) -> str:
    """Return what the run before had otherwise: its batch size, or else the first setting that differs."""
    old, new = before.to_dict(), shown.to_dict()
    names = [name for name in old if old[name] != new[name]]
    if before.batch_size != shown.batch_size or not names:
        return say("chart.loss.ghost", size=number(before.batch_size))
    first = names[0]
    if first in ("budget", "budget_value"):
        first = "budget_value"
        name = say(f"form.budget_value.{before.budget}")
    else:
        name = label(first)
    return say("chart.loss.ghost.other", name=name.lower(), value=plain(old[first]))


def _offer_what_fits(slot: Any, form: Form, record: RunRecord | None, prediction: Prediction | None) -> None:
    if record is None or record.state != "out_of_memory" or prediction is None or not prediction.largest_batch_size:
        return
    largest = prediction.largest_batch_size
    wanted = settings(record.config) | {"batch_size": largest}
    if form.config and settings(form.config) == wanted:
        return  # it has been taken
    slot.button(
        say("remedy.batch_size", value=number(largest)),
        key="use_what_fits",
        on_click=apply_from_panel,
        args=(wanted,),
        help=say("remedy.batch_size.help"),
    )


def differences(session: Session, form: Form, reader: RunReader | None, record: RunRecord | None) -> None:
    """Say in which settings the shown run and the form differ, with all ways to make them agree."""
    if reader is None or record is None or form.config is None or record.config == form.config:
        st.markdown("\u00a0", width="stretch")
        return
    ours, theirs = record.config.to_dict(), form.config.to_dict()
    names = [name for name in ours if ours[name] != theirs[name]]
    if "budget" in names:
        names.remove("budget_value")  # which would be a number of something else
    words = {name: label(name).lower() for name in names}
    words |= {"budget_value": say(f"form.budget_value.{record.config.budget}").lower()}
    shown = ", ".join(f"{words[name]} **{plain(ours[name])}**" for name in names[:NAMED_DIFFERENCES])
    wanted = ", ".join(f"**{plain(theirs[name])}**" for name in names[:NAMED_DIFFERENCES])
    if len(names) > NAMED_DIFFERENCES:
        wanted = say("differs.more", first=wanted, count=len(names) - NAMED_DIFFERENCES)
    st.markdown(say("differs", shown=shown, form=wanted), width="stretch")
    st.button(
        say("differs.start"),
        key="start_these",
        type="tertiary",
        icon=":material/play_arrow:",
        on_click=controls.ask_to_start,
        args=(session,),
    )
    if changes.can_go_on(record, form.config):
        key = "change.now" if controls.is_active(record) else "change.go_on"
        why_not = changes.why_not(record, reader, form.config)
        st.button(
            say(key),
            key="change_now",
            type="tertiary",
            icon=":material/tune:",
            help=why_not or say(f"{key}.help"),
            disabled=why_not is not None,
            on_click=controls.ask_to_change,
            args=(session,),
        )
    st.button(
        say("differs.take"),
        key="take_settings",
        type="tertiary",
        icon=":material/undo:",
        on_click=apply,
        args=(settings(record.config),),
    )
