"""What Batch Lab is, what its data are, and the machine it runs on."""

import streamlit as st

from core.run import machine
from core.run.choices.datasets import DATASETS
from ui.setup import address, attachment
from ui.setup.form import origin
from ui.shell import frame
from ui.shell.engine import engine
from ui.shell.session import current
from ui.shell.text import mib, number, say

frame.ensure()
session = current()
address.remember_url(session)
attachment.attach(session)
st.title(say("page.about"))
st.markdown(say("about.what"))
st.subheader(say("about.data"))
for name in DATASETS:
    st.markdown(f"**{name}**: {origin(name)} {origin(name, more=True)}")
st.subheader(say("about.machine"))
st.markdown(f"- {say('about.cores')}: {number(machine.cores())}")
st.markdown(f"- {say('about.memory')}: {mib(machine.free_memory_bytes(), digits=0)}")
st.markdown(f"- {say('about.database')}: `{engine().store.where}`")
st.subheader(say("about.words"))
st.markdown(say("about.words.text"))
