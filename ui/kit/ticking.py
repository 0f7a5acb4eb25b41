"""Draw a panel that a timer in the browser refreshes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

import streamlit as st

Arguments = ParamSpec("Arguments")


def ticking(
    draw: Callable[Arguments, None], every_s: float | None, *arguments: Arguments.args, **named: Arguments.kwargs
) -> None:
    """Draw a panel with these arguments, now and every `every_s` seconds; None draws it once.

    Only a full rerun changes the interval and the arguments, so `draw` calls `st.rerun()` when either must change.
    """

    def refresh() -> None:
        st.fragment(draw)(*arguments, **named)

    # Streamlit identifies a fragment by the name of its function: each panel needs its own.
    refresh.__module__, refresh.__qualname__ = draw.__module__, f"{draw.__qualname__}.refresh"
    # The outer fragment has the timer and the inner one draws. A tick that arrives during a full rerun runs right
    # after it, and Streamlit then discards what that rerun has drawn of the ticking fragment but has not sent yet.
    # With a single fragment, a chart would leave the page for a moment (docs/decisions/0007).
    st.fragment(refresh, run_every=every_s)()
