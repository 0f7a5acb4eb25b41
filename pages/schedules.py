"""Compare learning-rate schedules on the same run, each at its own best rate, and with what theory expects."""

import streamlit as st

from ui import frame, schedules_page
from ui.session import current
from ui.text import say

frame.ensure()
with st.container(horizontal=True, vertical_alignment="center", key="bar"):
    st.title(say("page.schedules"), anchor=False)
st.caption(say("schedules.intro"))
schedules_page.panel(current())
