"""Draw the paths of the arms' weights once they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.comparison.paths import WeightPaths
from core.comparison.setup import Comparison
from core.words.errors import BatchLabError
from ui.charts.weight_paths import weight_paths, weight_paths_table
from ui.compare.state import CompareState
from ui.kit import plots
from ui.kit.button import button
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.session import Session
from ui.shell.text import loss_text, number, percent, say, words


def waits(session: Session) -> bool:
    """Return whether the answer with the paths is awaited."""
    state = session.state(CompareState)
    return state.paths is not None and not state.paths.done()


def draw(session: Session, comparison: Comparison | None, names: Sequence[str], settings: str) -> None:
    """Draw the button and the progress or the paths of a comparison's arms. Without a comparison, only the button.

    `settings` is a line for the picture.
    """
    state = session.state(CompareState)
    setup = comparison.to_json() if comparison else ""
    share = state.paths.share if state.paths else None
    with st.container(border=True, key="weight_paths"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{say('weights.title')}**", width="stretch")
            why_not = say("weights.none") if comparison is None else ""
            if waits(session):
                why_not = say("weights.waits") if share is None else say("weights.running", share=percent(share))
            if why_not:
                st.caption(why_not)
            button(
                say("weights.show"),
                why_not=why_not,
                help_=say("weights.show.help"),
                key="follow_weights",
                icon=":material/polyline:",
                on_click=_follow,
                args=(session, comparison),
            )
        if comparison is None or state.paths is None or state.paths_of != setup:
            return
        if not state.paths.done():
            return
        try:
            _paths(state.paths.result(), names, settings)
        except BatchLabError as error:
            st.caption(say("weights.failed", reason=reasons(error.problems)))
    if state.paths_waited:  # the last full run drew a timer, which only another full run removes
        state.paths_waited = False
        st.rerun()


def _follow(session: Session, comparison: Comparison) -> None:
    state = session.state(CompareState)
    try:
        state.paths = engine().weight_paths(comparison)
        state.paths_of, state.paths_waited = comparison.to_json(), True
    except BatchLabError as error:
        state.trouble = error.problems
    st.rerun()  # the button is in the fragment and the timer is outside of it


def _paths(paths: WeightPaths, names: Sequence[str], settings: str) -> None:
    titles = (say("weights.title"), settings, *names)
    plots.draw(weight_paths, weight_paths_table(paths, names, words()), names=titles)
    share = percent(sum(paths.shares), 1)
    sentences = [say("weights.about", share=share, examples=number(paths.examples))]
    sentences += [
        say("weights.ends", arm=name, loss=loss_text(path.loss[-1]), plane=loss_text(path.plane_loss[-1]))
        for name, path in zip(names, paths.paths, strict=True)
    ]
    st.markdown(" ".join([*sentences, say("weights.lesson")]))
