"""Draw the options of the charts. They stand inside the panel, so a change redraws only the panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import streamlit as st

from core.run.config import RunConfig
from core.run.smoothing import SHARE
from core.store.reader import Axis
from ui.kit.choice import choice
from ui.shell.text import percent, say

AXES = ("log_x", "log_y", "whole")
SHARES = (0.0, 0.01, 0.02, SHARE, 0.1, 0.2)
DEPTHS = ("batch", "gradient", "rss", "rhythm", "confusion")  # the first one is not a chart, so it is drawn fastest


@dataclass(frozen=True)
class Options:
    """How the loss is drawn: the unit of the x axis, the smoothing, and what each of AXES says."""

    x: Axis
    share: float  # share of the run that the moving average covers
    log_x: bool
    log_y: bool
    whole: bool


def draw_for_loss() -> Options:
    """Draw the options of the loss chart in a row with its title, and return the chosen ones."""
    with st.container(horizontal=True, vertical_alignment="center", key="loss_options"):
        st.markdown(f"**{say('chart.loss')}**", width="content")
        x: Axis = choice(say("option.x"), get_args(Axis), lambda unit: say(f"option.x.{unit}"), key="x_axis")
        with st.popover(say("option.more"), icon=":material/tune:", type="tertiary"):
            axes = st.pills(
                say("option.axes"),
                AXES,
                selection_mode="multi",
                key="axes",
                format_func=lambda name: say(f"option.{name}"),
                help=say("option.axes.help"),
                persist_state="session",
            )
            share = st.select_slider(
                say("option.smoothing"),
                SHARES,
                SHARE,
                key="smoothing",
                format_func=percent,
                help=say("option.smoothing.help"),
                persist_state="session",
            )
    return Options(x, float(share), *(name in axes for name in AXES))


def draw_for_depth(config: RunConfig) -> str:
    """Draw the choice of the chart below the others, and return the chosen one."""
    return choice(say("depth"), depths(config), lambda name: say(f"depth.{name}"), key="depth")


def depths(config: RunConfig) -> tuple[str, ...]:
    """Return the charts to choose from. The decision boundary is one of them where the examples are points."""
    return ("plane", *DEPTHS) if config.spec.is_plane else DEPTHS
