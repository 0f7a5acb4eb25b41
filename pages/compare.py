"""Train two to six configurations side by side, and see which one wins under which budget."""

import streamlit as st

from ui.compare import arms, controls, described, differences, guess, page, switches, url
from ui.compare.shown import read
from ui.kit import terms
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
described.follow_form(session, setup)
controls.start_if_asked(session)  # before the buttons, which depend on whether something trains
shown = read(session)  # read once, so that the whole page shows the same state
url.write(session, shown)
with st.container(horizontal=True, vertical_alignment="center", key="bar"):
    st.title(say("page.compare"), anchor=False)
    controls.draw(session, shown)
with st.container(key="compare_setup"):
    tells = not guess.hides(session, shown)
    switches.presets(session, tells=tells)
    switches.draw(session)
    arms.draw(session, setup, shown)
    differences.draw(session, setup, shown, tells=tells)
    terms.row("compare", "arm", "seed", "p", "excess", "curvature")
notices.draw(session, setup)
page.panel(session, shown)
if tells:
    switches.quote(session)
