"""Draw the download of the shown run and the link to the form's settings."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from core.store.export import csv_of
from core.store.reader import RunReader
from ui.shell.engine import engine
from ui.shell.pages import BY_NAME
from ui.shell.text import say


def draw(reader: RunReader | None) -> None:
    """Draw the button of the download and the popover with the link."""
    none = reader is None
    st.download_button(
        say("control.csv"),
        data=_csv(reader),
        file_name=f"batch-lab-{reader.run_id if reader else ''}.csv",
        mime="text/csv",
        key="csv",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        disabled=none,
        help=say("control.csv.none" if none else "control.csv.help"),
    )
    with st.popover(say("control.link"), icon=":material/link:", type="tertiary", help=say("control.link.help")):
        st.caption(say("control.link.text"))
        settings = {name: value for name, value in st.query_params.items() if not BY_NAME["live"].reads(name)}
        here = urlsplit(str(st.context.url or ""))
        link = here._replace(path=here.path or "/", query=urlencode(settings), fragment="")
        st.code(urlunsplit(link), language=None, wrap_lines=True)


def _csv(reader: RunReader | None) -> Callable[[], bytes]:
    return lambda: csv_of(engine().source(reader.run_id), reader.run_id) if reader else b""
