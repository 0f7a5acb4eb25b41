"""Draw the memory page below its setup: cards, curve, law and one deeper topic, as answers arrive."""

from __future__ import annotations

import streamlit as st

from core.run.config import RunConfig
from ui.kit.ticking import ticking
from ui.memory import depth, peak
from ui.memory.state import MemoryState
from ui.setup import peak_hint
from ui.setup.form import Form
from ui.shell.session import Session

WAIT_S = 0.4  # longest wait of a full run; a refresh draws slower answers
REFRESH_S = 0.4


def panel(session: Session, form: Form) -> None:
    """Draw everything, and refresh it while an answer is missing or an animation plays."""
    state = session.state(MemoryState)
    config = form.config
    assert config is not None
    known, measured = peak.ask(config, wait_s=WAIT_S), peak.runs_on(config)
    peak_hint.draw(form, known.prediction, known.trouble)
    state.waits = known.waits or state.waits

    ticking(_draw, REFRESH_S if state.waits else None, session, config, measured)


def _draw(session: Session, config: RunConfig, measured: list[tuple[int, int]]) -> None:
    state = session.state(MemoryState)
    known = peak.ask(config)
    peak.numbers(config, known)
    peak.curve(config, known, measured)
    peak.law(config, known)
    with st.container(border=True, key="memory_depths"):
        waits = depth.draw(session, config, known) or known.waits
    if waits != state.waits:  # the last full run chose the timer
        state.waits = waits
        st.rerun()
