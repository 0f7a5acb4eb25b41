"""Offer the learning rates that two rules give for another batch size than that of the run before."""

from __future__ import annotations

import streamlit as st

from core.comparison.setup import EXPONENTS
from core.run.config import RunConfig
from core.run.fields import bounds_of
from ui.setup.fields import DEFAULT, apply
from ui.shell.engine import engine
from ui.shell.session import Session
from ui.shell.text import number, say, times


def draw(session: Session, config: RunConfig) -> None:
    """Draw a button for each rule and the reason, if the form has another batch size than the run before."""
    shown = _shown(session)
    if shown is None or shown.effective_batch_size == config.effective_batch_size:
        return
    if shown.optimizer != config.optimizer:
        return  # its rates have another scale
    ratio = config.effective_batch_size / shown.effective_batch_size
    low, high = bounds_of("lr")
    st.caption(say("scaled.why.recorded" if session.run_id is None else "scaled.why", times=times(ratio)))
    for place, (rule, exponent) in zip(st.columns(2), EXPONENTS.items(), strict=True):
        rate = float(f"{min(max(shown.lr * ratio**exponent, low), high):.3g}")
        place.button(
            say(f"scaled.{rule}", rate=number(rate)),
            key=f"scaled_{rule}",
            help=say("scaled.help", rate=number(shown.lr)),
            on_click=apply,
            args=({"lr": rate},),
            width="stretch",
        )


def _shown(session: Session) -> RunConfig | None:
    """Return the settings of the session's run, or of the recorded one; None while they are not known."""
    if session.run_id is None:
        return DEFAULT
    record = engine().reader(session.run_id).record
    return record.config if record else None
