"""Train live: set a run up, start it, watch it."""

import streamlit as st

from ui import controls, form, frame, live
from ui.session import Session
from ui.text import say

frame.ensure()
session = Session()
form.read_url(session)
controls.attach(session)
with st.sidebar:
    setup = form.draw(session)

reader, _ = live.read(session.run_id)
record = reader.record if reader else None
active = controls.is_active(record)
paused = record is not None and record.state == "paused"

with st.container(horizontal=True, vertical_alignment="center", key="bar"):
    st.subheader(say("page.live"), anchor=False)
    controls.draw(setup, active=active, paused=paused)
with st.container(border=True, key="sentence"):
    live.sentence(setup)
live.notices(session, setup)
live.panel(setup, session.run_id, active=active, paused=paused)
