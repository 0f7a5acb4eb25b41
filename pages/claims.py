"""Read what an article claims about batches, and put each claim to the test."""

import streamlit as st

from ui import claims_page, frame
from ui.session import current
from ui.text import say

frame.ensure()
session = current()

with st.container(horizontal=True, vertical_alignment="center", key="bar"):
    st.title(say("page.claims"), anchor=False)
    there = claims_page.are_there()
    if there:
        claims_page.controls(session)
st.caption(say("claims.intro"))
if there:
    claims_page.panel(session)
