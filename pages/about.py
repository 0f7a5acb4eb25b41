"""About: what Batch Lab does, its data sets, and the machine it runs on."""

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
st.markdown(say("about.article"))
st.subheader(say("about.data"))
for name in DATASETS:
    st.markdown(say("about.dataset", name=name, origin=origin(name), more=origin(name, more=True)))
st.subheader(say("about.machine"))
facts = (
    say("about.cores", cores=number(machine.cores())),
    say("about.memory", free=mib(machine.free_memory_bytes(), digits=0)),
    say("about.database", where=engine().store.where),
)
st.markdown("\n".join(f"- {fact}" for fact in facts))
st.subheader(say("about.words"))
st.markdown(say("about.words.text"))
