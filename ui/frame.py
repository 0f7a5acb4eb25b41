"""Draw the frame around a page, whichever way Streamlit came to run that page."""

from __future__ import annotations

import runpy
from pathlib import Path

import streamlit as st

from ui.session import Session
from ui.text import say

APP = Path(__file__).resolve().parents[1] / "app.py"
ICON = Path(__file__).with_name("icon.svg")
STYLE = """<style>
.st-key-status { min-height: 3.2rem; gap: 0.25rem; }
.st-key-sentence, .st-key-status, .cards { font-variant-numeric: tabular-nums; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 0.6rem; }
.card { height: 6rem; padding: 0.55rem 0.8rem; border-radius: 6px; overflow: hidden; white-space: nowrap;
    border: 1px solid color-mix(in srgb, currentColor 18%, transparent); display: flex; flex-direction: column; }
.card p { margin: 0; font-size: 0.82rem; opacity: 0.75; }
.card strong { font-size: 1.3rem; font-weight: 500; line-height: 1.6; }
.card strong.long { font-size: 1rem; line-height: 2.08; }
.card .detail { font-size: 0.78rem; opacity: 0.75; }
.card .confirmed { color: light-dark(#2b7a3b, #69db7c); opacity: 1; }
.card .confirmed::before { content: "\\2713\\00a0"; }
[data-testid="stMainBlockContainer"] { padding: 4rem 2rem 2rem; }
[data-testid="stSidebarHeader"] { height: 2rem; margin: 0; }
</style>"""


def run() -> None:
    """Set up the page and run it inside the navigation."""
    st.set_page_config(page_title=say("app.title"), page_icon=str(ICON), layout="wide")
    pages = [
        st.Page("pages/live.py", title=say("page.live"), icon=":material/monitoring:", url_path="train", default=True),
        st.Page("pages/live.py", title=say("page.live"), url_path="live", visibility="hidden"),
        st.Page("pages/about.py", title=say("page.about"), icon=":material/info:", url_path="about"),
    ]
    page = st.navigation(pages, position="top")
    st.html(STYLE)
    session = Session()
    session.framed = True
    try:
        page.run()
    finally:
        session.framed = False


def ensure() -> None:
    """Run app.py instead, if Streamlit has run a page by itself, as it does for the first visitor of a new server.

    st.navigation tells Streamlit to leave the folder pages/ alone, but only once somebody has called it.
    """
    if not Session().framed:
        runpy.run_path(str(APP), run_name="__main__")
        st.stop()
