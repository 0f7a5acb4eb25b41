"""Draw what leaves the page: a link to the settings, a link to the shown run, and a file of every update."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from core.store import recorded
from core.store.export import csv_of
from core.store.reader import RunReader
from ui.shell.engine import engine
from ui.shell.text import say


def draw(reader: RunReader | None) -> None:
    """Draw the popover with the links and the download."""
    with st.popover(say("share"), icon=":material/ios_share:", help=say("share.help"), key="share"):
        settings = {name: value for name, value in st.query_params.items() if name != "run"}
        _link("share.settings", settings)
        run_id = reader.run_id if reader else None
        if run_id and run_id != recorded.RUN_ID:
            _link("share.run", {"run": run_id})
        none = "" if reader and reader.updates else say("share.csv.none")
        if none:
            st.caption(none)
        st.download_button(
            say("share.csv"),
            data=_csv(reader),
            file_name=f"batch-lab-{run_id or ''}.csv",
            mime="text/csv",
            key="csv",
            icon=":material/download:",
            on_click="ignore",
            disabled=bool(none),
            help=none or say("share.csv.help"),
            width="stretch",
        )


def _link(key: str, parameters: dict[str, str]) -> None:
    st.caption(say(key))
    here = urlsplit(str(st.context.url or ""))
    link = here._replace(path=here.path or "/", query=urlencode(parameters), fragment="")
    st.code(urlunsplit(link), language=None, wrap_lines=True)


def _csv(reader: RunReader | None) -> Callable[[], bytes]:
    return lambda: csv_of(engine().source(reader.run_id), reader.run_id) if reader else b""
