"""Draw the frame around a page, whichever way Streamlit came to run that page."""

from __future__ import annotations

import runpy
from pathlib import Path

import streamlit as st

from ui.shell.pages import PAGES, Page
from ui.shell.session import current
from ui.shell.text import say

APP = Path(__file__).resolve().parents[2] / "app.py"
ICON = Path(__file__).with_name("icon.svg")
STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 4rem 1.6rem 1.5rem; }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: 0.6rem; }
[data-testid="stSidebarHeader"] { height: 1.5rem; margin: 0; }
[data-testid="stSidebarUserContent"] { padding-bottom: 1rem; }
[data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] { gap: 0.55rem; }
[data-testid="stCaptionContainer"] { opacity: 0.8; }  /* at 0.6 it has a contrast of 4.2 */
[data-selected="true"] p, [data-testid="stSliderThumbValue"] p { color: light-dark(#3b5bdb, #91a7ff); }
[data-selected="true"][data-focused="true"] p { color: light-dark(#364fc7, #a5b8ff); }
button:not(:disabled) kbd { opacity: 1; }
:has(> .st-key-shortcut) { position: absolute; }  /* else it takes a line */
.st-key-bar h1 { font-size: 1.4rem; padding: 0; }
.st-key-bar [data-testid="stHeading"] { flex: 1; }
.st-key-sentence, .st-key-state, .cards { font-variant-numeric: tabular-nums; }
.st-key-sentence { padding: 0.5rem 0.9rem; gap: 0.1rem; }
.st-key-sentence [data-testid="stCaptionContainer"] p { min-height: 1.25rem; }
.st-key-arithmetic { min-height: 1.9rem; }
.st-key-arithmetic button { min-height: 1.9rem; padding: 0 0.7rem; }
.st-key-state { min-height: 3.1rem; flex-wrap: nowrap; }
.st-key-state > :first-child { flex: 1; min-width: 0; }
.st-key-state p { font-size: 0.9rem; line-height: 1.5rem; }
.st-key-differs { min-height: 2.2rem; column-gap: 0.4rem; flex-wrap: nowrap; }
.st-key-differs > :first-child { flex: 1; min-width: 0; }
.st-key-differs > :first-child p { line-height: 1.1rem; }
.st-key-differs button { white-space: nowrap; }
.st-key-needs { min-height: 2.6rem; }
.st-key-preview { margin-bottom: -0.8rem; }
.st-key-differs p { font-size: 0.9rem; }
.st-key-loss, .st-key-memory_and_rate { padding: 0.5rem 0.7rem; gap: 0.4rem; }
.st-key-loss_options { column-gap: 0.9rem; min-height: 2.5rem; }
.st-key-x_axis button { padding: 0.1rem 0.55rem; min-height: 1.9rem; }
.st-key-x_axis p, .st-key-depth p { font-size: 0.82rem; }
.cards { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 0.6rem; }
.card { height: 6.9rem; padding: 0.45rem 0.7rem 0.5rem; border-radius: 6px; overflow: hidden; white-space: nowrap;
    border: 1px solid color-mix(in srgb, currentColor 18%, transparent); display: flex; flex-direction: column; }
.card p, .card small { margin: 0; overflow: hidden; text-overflow: ellipsis;
    color: color-mix(in srgb, currentColor 78%, transparent); }
.card p { font-size: 0.82rem; }
.card strong { font-size: 1.3rem; font-weight: 500; line-height: 1.5; }
.card strong.long { font-size: 1rem; line-height: 1.95; }
.card small { font-size: 0.78rem; line-height: 1.3; }
.card small.confirmed { color: light-dark(#2b7a3b, #69db7c); }
.card small.confirmed::before { content: "\\2713\\00a0"; }
.card img { margin-top: auto; width: 100%; height: 24px; }
.batch { display: flex; flex-wrap: wrap; gap: 0.8rem; }
.batch figure { margin: 0; text-align: center; }
.batch img { width: 6rem; height: 6rem; image-rendering: pixelated; border-radius: 4px; }
.batch figcaption { font-size: 0.8rem; }
.st-key-memory_cards .cards { grid-template-columns: repeat(4, minmax(0, 1fr)); }
[class*="st-key-fix_"] { flex-wrap: nowrap; }
[class*="st-key-fix_"] > :first-child { flex: 1; min-width: 0; }
[class*="st-key-fix_"] p, .st-key-black_box p { font-size: 0.88rem; line-height: 1.35rem; }
.st-key-black_box, .st-key-fixes { gap: 0.5rem; padding: 0.6rem 0.8rem; }
.st-key-curve { gap: 0.3rem; padding: 0.6rem 0.8rem; }
.st-key-claim_shown { gap: 0.5rem; padding: 0.7rem 0.9rem; }
.st-key-claim_head h4 { padding: 0; font-size: 1.25rem; }
.st-key-claim_shown [data-testid="stColumn"] [data-testid="stVerticalBlock"] { gap: 0.5rem; }
.st-key-claim_shown [data-testid="stColumn"] p { font-size: 0.9rem; line-height: 1.45rem; }
.st-key-claim_shown, .claims { font-variant-numeric: tabular-nums; }
.st-key-compare_presets, .st-key-compare_arms { column-gap: 0.9rem; row-gap: 0.2rem; }
.st-key-compare_presets button, .st-key-compare_arms button { min-height: 1.8rem; padding: 0; }
.st-key-compare_arms [class*="st-key-arm_"] { gap: 0.35rem; }
.st-key-compare_switches { column-gap: 1.4rem; }
.st-key-compare_verdict { gap: 0.3rem; padding: 0.6rem 0.9rem; min-height: 6.6rem; font-variant-numeric: tabular-nums; }
.st-key-compare_charts [data-testid="stVerticalBlock"] { gap: 0.5rem; }
.wide { overflow-x: auto; }
.results { width: 100%; border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
.results th { text-align: left; font-weight: 500; white-space: nowrap; }
.results td, .results th { padding: 0.3rem 0.9rem 0.3rem 0; border: 0;
    border-bottom: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
.results tr.chosen td { font-weight: 600; }
.bench_ends td, .bench_beside td { white-space: nowrap; }
.st-key-bench_inputs { column-gap: 1.4rem; row-gap: 0.4rem; }
.st-key-bench_told { gap: 0.2rem; padding: 0.6rem 0.9rem; }
.st-key-bench_about { min-height: 1.6rem; }
.st-key-bench_charts [data-testid="stVerticalBlock"] { gap: 0.4rem; }
.st-key-bench_tables [data-testid="stVerticalBlock"] { gap: 0.4rem; }
.st-key-bench_told, .st-key-bench_about { font-variant-numeric: tabular-nums; }
.claims { width: 100%; border-collapse: collapse; font-size: 0.9rem; }
.claims td { padding: 0.3rem 0.7rem 0.3rem 0; vertical-align: top; border: 0;
    border-bottom: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
.st-key-path_head { gap: 0; }
.st-key-path_head h1 { font-size: 1.4rem; padding: 0 0 1.2rem; }
.st-key-path_inputs { column-gap: 1.4rem; row-gap: 0.5rem; }
.st-key-path_player { column-gap: 0.9rem; }
.st-key-path_panels, .st-key-path_more { font-variant-numeric: tabular-nums; }
.st-key-path_panels [data-testid="stVerticalBlock"], .st-key-path_more [data-testid="stVerticalBlock"] { gap: 0.3rem; }
[class*="st-key-chart_trajectory_"], [class*="st-key-chart_small_trajectory_"] { margin-bottom: -1.6rem; }
@media (max-width: 1350px) {
    .st-key-loss_options { column-gap: 0.5rem; }
    .st-key-x_axis button { padding: 0.1rem 0.3rem; }
    .st-key-state { min-height: 4.6rem; }
    .st-key-differs p { font-size: 0.8rem; }
    .card { padding-inline: 0.55rem; }
    .card small { font-size: 0.72rem; }
}
@media (max-width: 1240px) { .st-key-differs { flex-wrap: wrap; } .st-key-differs > :first-child { flex-basis: 100%; } }
@media (max-width: 1100px) { .cards { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
@media (max-width: 640px) {
    button kbd { display: none !important; }
    .st-key-state { flex-wrap: wrap; }
    .claims td:last-child { display: none; }
    .st-key-path_inputs { column-gap: 0.9rem; }
    .st-key-path_player { column-gap: 0.5rem; }
    .st-key-path_inputs > * { flex-basis: calc(50% - 0.45rem) !important; min-width: 0; }
    .st-key-path_player .st-key-path_position { order: 1; flex-basis: 100%; }
    .st-key-path_step button p { display: none; }
    .st-key-path_play, .st-key-path_play button { width: 92px !important; flex-basis: 92px !important; }
    .st-key-path_mode button { padding-inline: 0.45rem; }
    :has(> .st-key-bench_told) { order: 1; }
    :has(> .st-key-bench_more) { order: 2; }
    :has(> .st-key-path_fixed) { order: 1; }
    :has(> .st-key-path_compared) { order: 2; }
    :has(> .st-key-path_more) { order: 3; }
    .cards, .st-key-memory_cards .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); }
    [data-testid="stMainBlockContainer"] { padding: 4rem 0.9rem 1rem; }
    .st-key-story > :has(> .st-key-charts) { order: -1; }
    .st-key-story > :has(> .st-key-box) { order: -2; }
    .st-key-bar .st-key-start { order: -1; flex-basis: 100%; }
    .st-key-bar .st-key-start button { width: 100%; }
    [data-testid="stExpandSidebarButton"]::after { content: "Setup"; font-size: 0.9rem; }
}
</style>"""

# A segmented control keeps Enter to itself, also with Ctrl: there the shortcut of Start would do nothing.
SHORTCUT = """<script>
if (!window.batchLabListens) {
    window.batchLabListens = true
    for (const kind of ["keydown", "keyup"]) window.addEventListener(kind, event => {
        if (!event.isTrusted || event.key !== "Enter" || !event.ctrlKey
            || !event.target.closest("[data-testid=stButtonGroup]")) return
        event.stopImmediatePropagation()
        document.body.dispatchEvent(new KeyboardEvent(kind, event))
    }, true)
}
</script>"""


def run() -> None:
    """Set up the page and run it inside the navigation."""
    st.set_page_config(page_title=say("app.title"), page_icon=str(ICON), layout="wide")
    page = st.navigation([entry for page in PAGES for entry in _entries(page)], position="top")
    st.html(STYLE)
    with st.container(key="shortcut"):
        st.html(SHORTCUT, unsafe_allow_javascript=True)
    session = current()
    session.framed = True
    try:
        page.run()
    finally:
        session.framed = False


def _entries(page: Page) -> list[st.Page]:
    """Return the entries of a page in the navigation: one in the menu, and a hidden one for each alias."""
    title = say(page.title_key)
    shown = st.Page(
        page.script, title=title, icon=f":material/{page.icon}:", url_path=page.url, default=page is PAGES[0]
    )
    hidden = [st.Page(page.script, title=title, url_path=url, visibility="hidden") for url in page.aliases]
    return [shown, *hidden]


def ensure() -> None:
    """Run app.py instead, if Streamlit has run a page by itself, as it does for the first visitor of a new server.

    st.navigation tells Streamlit to leave the folder pages/ alone, but only once somebody has called it.
    """
    if not current().framed:
        runpy.run_path(str(APP), run_name="__main__")
        st.stop()
