"""Draw the frame around a page, however Streamlit came to run that page."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import streamlit as st

from ui.shell import assets, clicks
from ui.shell.pages import PAGES, Page
from ui.shell.session import current
from ui.shell.text import say

APP = Path(__file__).resolve().parents[2] / "app.py"
ICON = Path(__file__).with_name("icon.svg")
# A context variable, not a field of the session: after Streamlit's Stop, two script runs of a session can overlap.
_framed: ContextVar[bool] = ContextVar("framed", default=False)


def run() -> None:
    """Set up the page and run it inside the navigation."""
    clicks.keep()
    st.set_page_config(page_title=say("app.title"), page_icon=str(ICON), layout="wide")
    page = st.navigation([entry for page in PAGES for entry in _entries(page)], position="top")
    st.html(assets.style())
    with st.container(key="shortcut"):
        st.html(assets.script(), unsafe_allow_javascript=True)
    session = current()
    session.give_again()
    with framed():
        page.run()
    _lead_on(next(each for each in PAGES if page.url_path in (each.path, each.url, *each.aliases)))
    session.note_sent()  # an aborted run does not get here: it may have sent nothing


def _lead_on(page: Page) -> None:
    """End a page with the question that the next one answers."""
    following = PAGES[(PAGES.index(page) + 1) % len(PAGES)]
    with st.container(key="next"):
        st.page_link(following.script, label=say(f"next.{page.name}"), icon=":material/arrow_forward:")


@contextmanager
def framed() -> Iterator[None]:
    """Mark the frame as drawn for `ensure`, in this script run only."""
    token = _framed.set(True)
    try:
        yield
    finally:
        _framed.reset(token)


def _entries(page: Page) -> list[st.Page]:
    """Return the entries of a page in the navigation: one in the menu, and a hidden one for each alias."""
    title = say(page.title_key)
    shown = st.Page(
        page.script, title=title, icon=f":material/{page.icon}:", url_path=page.url, default=page is PAGES[0]
    )
    hidden = [st.Page(page.script, title=title, url_path=url, visibility="hidden") for url in page.aliases]
    return [shown, *hidden]


def ensure() -> None:
    """Run app.py if Streamlit has run the page without it, as it does for the first visitor of a new server.

    st.navigation makes Streamlit ignore the folder pages/, but only after it has been called once.
    """
    if not _framed.get():
        runpy.run_path(str(APP), run_name="__main__")
        st.stop()
