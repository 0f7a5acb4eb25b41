"""Train two to six configurations side by side and see who wins, and under which budget it would be another."""

import streamlit as st

from ui.compare import (
    arms as compare_setup,
)
from ui.compare import (
    page as compare_page,
)
from ui.compare import (
    shown as compare_record,
)
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

compare_setup.attach(session)
compare_page.start_if_asked(session)  # before the buttons, which say whether something trains
shown = compare_record.read(session)  # one for the whole page: what comes meanwhile is for a refresh
with st.container(horizontal=True, vertical_alignment="center", key="bar"):
    st.title(say("page.compare"), anchor=False)
    compare_page.buttons(session, shown)
with st.container(key="compare_setup"):  # in one place, so that what comes and goes in it moves nothing after it
    compare_setup.presets(session)
    compare_setup.switches(session)
    compare_setup.arms(session, setup)
notices.draw(session, setup)
compare_page.panel(session, shown)
