"""Draw the memory page below its setup: devices, cards, curve, law and one deeper topic, as answers arrive."""

from __future__ import annotations

import streamlit as st

from core.run.config import RunConfig
from ui.kit.ticking import ticking
from ui.memory import depth, peak
from ui.memory.state import MemoryState
from ui.setup import peak_hint
from ui.setup.fields import apply
from ui.setup.form import Form
from ui.shell.session import Session
from ui.shell.text import say

# Sizes as vendors advertise them. "free" is what Streamlit's Community Cloud gives an app.
DEVICES_MB = {"free": 1_024, "3060": 12_288, "t4": 16_384, "4090": 24_576, "a100": 81_920}
WAIT_S = 0.4  # longest wait of a full run; a refresh draws slower answers
REFRESH_S = 0.4


def devices() -> None:
    """Draw a button for each device, which sets the memory limit."""
    st.caption(say("memory.devices"), width="content", help=say("memory.devices.help"))
    for name, size in DEVICES_MB.items():
        st.button(
            say(f"memory.device.{name}"),
            key=f"device_{name}",
            type="tertiary",
            on_click=apply,
            args=({"memory_limit_mb": size},),
        )


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
