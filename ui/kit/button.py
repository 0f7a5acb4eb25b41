"""Draw a button that says why it is disabled."""

from __future__ import annotations

from typing import Any

import streamlit as st


def button(label: str, *, why_not: str, help_: str, **options: Any) -> None:
    """Draw a button, disabled if there is a reason `why_not`.

    The reason is its help then. The page shows it too, in words that are there without hovering.
    """
    st.button(label, disabled=bool(why_not), help=why_not or help_, **options)
