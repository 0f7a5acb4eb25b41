"""See what fits before it runs: peak memory against batch size, and what to do when it does not fit."""

import streamlit as st

from ui.kit import terms
from ui.memory import devices
from ui.memory import page as memory_page
from ui.setup import address, attachment, form, notices
from ui.shell import frame
from ui.shell.session import current
from ui.shell.text import say

frame.ensure()
session = current()
address.read_url(session)
session.wanted = None
attachment.attach(session)
with st.sidebar:
    setup = form.draw(session)

with st.container(horizontal=True, vertical_alignment="center", key="bar"):
    st.title(say("page.memory"), anchor=False)
    devices.draw()
notices.draw(session, setup)
if setup.config:
    terms.row("memory", "workspace", "autocast", "b")
    memory_page.panel(session, setup)
else:
    notices.refusal(setup)
