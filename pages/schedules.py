"""Compare learning-rate schedules, each at its own best rate, with each other and with theory."""

import streamlit as st

from ui.kit import terms
from ui.schedules import page as schedules_page
from ui.shell import frame
from ui.shell.session import current
from ui.shell.text import say

frame.ensure()
with st.container(horizontal=True, vertical_alignment="center", key="bar"):
    st.title(say("page.schedules"), anchor=False)
st.caption(say("schedules.intro"))
terms.row("schedules", "excess", "seed", "p", "corrected", "wsd", "plateau", "quadratic", "curvature", "b")
schedules_page.panel(current())
