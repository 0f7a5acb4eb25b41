"""Say in which settings the shown run and the form differ, with buttons that make them agree."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.run.events import Prediction
from core.store import RunRecord
from core.store.reader import RunReader
from ui.kit.button import button
from ui.live import changes, controls
from ui.setup.fields import apply, apply_from_panel, settings
from ui.setup.form import Form
from ui.shell.session import Session
from ui.shell.text import count, listed, number, plain, say, setting

NAMED_DIFFERENCES = 2


def draw(session: Session, form: Form, reader: RunReader | None, record: RunRecord | None) -> None:
    """Say in which settings the shown run and the form differ, with a button for each way to make them agree."""
    if reader is None or record is None or form.config is None or record.config == form.config:
        st.markdown("\u00a0", width="stretch")
        return
    ours, theirs = record.config.to_dict(), form.config.to_dict()
    names = [name for name in ours if ours[name] != theirs[name]]
    if "budget" in names:
        names.remove("budget_value")  # the two values have different units
    shown = [
        say("differs.setting", name=setting(name, budget=record.config.budget), value=plain(ours[name]))
        for name in names[:NAMED_DIFFERENCES]
    ]
    wanted = [say("differs.value", value=plain(theirs[name])) for name in names[:NAMED_DIFFERENCES]]
    if len(names) > NAMED_DIFFERENCES:
        wanted.append(count("change.more", len(names) - NAMED_DIFFERENCES))
    can_go_on = changes.can_go_on(record, form.config)
    why_not = changes.why_not(record, reader, form.config) or "" if can_go_on else ""
    st.markdown(f"{say('differs', shown=listed(shown), form=listed(wanted))} {why_not}", width="stretch")
    if can_go_on:
        key = "change.now" if controls.is_active(record) else "change.go_on"
        button(
            say("change"),
            why_not=why_not,
            help_=say(f"{key}.help"),
            key="change_now",
            type="tertiary",
            icon=":material/tune:",
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


def offer_what_fits(slot: Any, form: Form, record: RunRecord | None, prediction: Prediction | None) -> None:
    """Draw a button that sets the largest batch size that fits, for a run that ran out of memory."""
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
