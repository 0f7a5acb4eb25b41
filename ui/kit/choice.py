"""Draw the choice of what a part of a page shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

Name = TypeVar("Name", bound=str)


def choice(label: str, names: Sequence[Name], words: Callable[[str], str], *, key: str) -> Name:
    """Draw a row of buttons of which one is chosen, at first the first one, and return the chosen name.

    `words` returns the text on a button. The label is for screen readers alone. The choice outlives a visit to another
    page.
    """
    chosen: Name | None = st.segmented_control(
        label,
        names,
        default=names[0],
        key=key,
        required=True,
        format_func=words,
        label_visibility="collapsed",
        persist_state="session",
    )
    return chosen if chosen and chosen in names else names[0]
