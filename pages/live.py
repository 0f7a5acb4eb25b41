"""Train live: set a run up, start it, watch it."""

import streamlit as st

from ui.live import controls, differences, exports, page, reading
from ui.setup import address, attachment, form, notices, pace, sentence
from ui.shell import frame
from ui.shell.session import current
from ui.shell.text import say

frame.ensure()
session = current()
address.read_url(session)
attachment.attach(session)
with st.sidebar:
    setup = form.draw(session)
controls.start_if_asked(session, setup)
run_id = reading.shown_run(session, setup)
reader, _ = reading.read(run_id)
record = reader.record if reader else None  # one for the whole page: what comes meanwhile is for a refresh

with st.container(horizontal=True, vertical_alignment="center", key="bar"):
    st.title(say("page.live"), anchor=False)
    controls.draw(session, setup, record)
    pace.draw(session, record)
    exports.draw(reader)
notices.draw(session, setup)
with st.container(border=True, key="sentence"):
    mark, caution_place = sentence.draw(setup)
with st.container(key="differs", horizontal=True, vertical_alignment="center"):
    differences.draw(session, setup, reader, record)
drawn = page.fill_places(setup, mark, caution_place, reader, record)
page.panel(setup, run_id, drawn)
