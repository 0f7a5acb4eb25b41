"""Train two to six configurations side by side, and see which one wins under which budget."""

import streamlit as st

from ui.compare import arms, page, url
from ui.compare.shown import read
from ui.setup import address, form, notices
from ui.shell import frame
from ui.shell.session import current
from ui.shell.text import say

frame.ensure()
session = current()
address.read_url(session)
session.wanted = None
with st.sidebar:
    setup = form.draw(session)

url.attach(session)
page.start_if_asked(session)  # before the buttons, which depend on whether something trains
shown = read(session)  # read once, so that the whole page shows the same state
with st.container(horizontal=True, vertical_alignment="center", key="bar"):
    st.title(say("page.compare"), anchor=False)
    page.buttons(session, shown)
with st.container(key="compare_setup"):  # a notice that comes and goes in here moves nothing below
    arms.presets(session)
    arms.switches(session)
    arms.draw(session, setup)
notices.draw(session, setup)
page.panel(session, shown)
