"""Draw the options of the charts. They stand inside the panel, so a change redraws only the panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import streamlit as st

from core.run.config import RunConfig
from core.store.reader import BETA, Axis
from ui.shell.text import say

BETAS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
DEPTHS = ("batch", "gradient", "rss", "rhythm", "confusion")  # the first one is not a chart, so it is drawn fastest


@dataclass(frozen=True)
class Options:
    """How the charts are drawn: the unit of the x axis, whether the loss axis is logarithmic, and the smoothing."""

    x: Axis
    log: bool
    beta: float


def draw_for_loss() -> Options:
    """Draw the options of the loss chart in a row with its title, and return the chosen ones."""
    with st.container(horizontal=True, vertical_alignment="center", key="loss_options"):
        st.markdown(f"**{say('chart.loss')}**", width="content")
        x: Axis | None = st.segmented_control(
            say("option.x"),
            get_args(Axis),
            default="updates",
            key="x_axis",
            required=True,
            format_func=lambda unit: say(f"option.x.{unit}"),
            label_visibility="collapsed",
            persist_state="session",
        )
        log = st.toggle(say("option.log"), key="log_loss", persist_state="session")
        st.caption(say("option.smoothing"), width="content", help=say("option.smoothing.help"))
        beta = st.select_slider(
            say("option.smoothing"),
            BETAS,
            BETA,
            key="smoothing",
            width=110,
            format_func=lambda beta: say("option.smoothing.value", beta=beta),
            label_visibility="collapsed",
            persist_state="session",
        )
    return Options(x or "updates", log, float(beta))


def draw_for_depth(config: RunConfig) -> str:
    """Draw the choice of the chart below the others, and return the chosen one."""
    chosen: str | None = st.segmented_control(
        say("depth"),
        depths(config),
        default=depths(config)[0],
        key="depth",
        required=True,
        format_func=lambda name: say(f"depth.{name}"),
        label_visibility="collapsed",
        persist_state="session",
    )
    return chosen if chosen in depths(config) else depths(config)[0]


def depths(config: RunConfig) -> tuple[str, ...]:
    """Return the charts to choose from. The decision boundary is one of them where the examples are points."""
    return ("plane", *DEPTHS) if config.spec.is_plane else DEPTHS
