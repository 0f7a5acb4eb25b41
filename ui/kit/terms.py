"""Draw the terms of a page where they are first used; each opens two sentences about it."""

from __future__ import annotations

import streamlit as st

from ui.shell.text import say


def row(page: str, *terms: str) -> None:
    """Draw a button for each of these terms, which opens what it means."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"terms_{page}"):
        st.caption(say("terms.title"), width="content")
        for term in terms:
            with st.popover(say(f"term.{term}"), type="tertiary", width="content", key=f"term_{page}_{term}"):
                st.markdown(say(f"term.{term}.about"))


def helps(*terms: str) -> str:
    """Return what terms mean, as the help of a widget that uses them."""
    return "\n\n".join(f"**{say(f'term.{term}')}**: {say(f'term.{term}.about')}" for term in terms)
