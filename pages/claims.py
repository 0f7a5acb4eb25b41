"""Read what an article claims about batches, and put each claim to the test."""

import streamlit as st

from ui.claims import page as claims_page
from ui.kit import terms
from ui.shell import frame
from ui.shell.session import current
from ui.shell.text import say

frame.ensure()
session = current()

with st.container(horizontal=True, vertical_alignment="center", key="bar"):
    st.title(say("page.claims"), anchor=False)
    there = claims_page.are_there()
    if there:
        claims_page.controls(session)
st.caption(say("claims.intro"))
if there:
    terms.row("claims", "seed", "p", "corrected", "excess", "curvature", "b")
    claims_page.panel(session)
