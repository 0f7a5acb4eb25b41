"""Play the paths of a small and a large batch side by side, with their numbers."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

from core.run.batching import updates_per_epoch
from core.trajectories.paths import Statistics, statistics
from core.trajectories.problems import Array, LossSurface
from ui.charts.trajectory import Side, trajectory, trajectory_table
from ui.kit import plots
from ui.kit.choice import choice
from ui.kit.ticking import ticking
from ui.shell.engine import engine
from ui.shell.session import Session
from ui.shell.text import count, number, rough, say
from ui.trajectories import depth, rates
from ui.trajectories.inputs import MARKS, MODES, UPDATES, Setup, caption_of, held_fixed
from ui.trajectories.state import TrajectoriesState

TICK_S, PER_TICK = 0.25, 4  # seconds, updates
HEIGHT = 430  # pixels of a picture; the style sheet has another for phones
KEYS = {"play": "Alt+P", "step": "Alt+U"}  # those of Pause and One update on the live page
LATE, HEARD_AFTER_S = 8, 2.0  # positions a browser may lag behind, and the delay after which it has the last one


def panel(session: Session, setup: Setup) -> None:
    """Draw the player and everything that follows it, with a timer while it plays."""
    state = session.state(TrajectoriesState)

    ticking(_draw, TICK_S if state.plays else None, session, setup)


def _draw(session: Session, setup: Setup) -> None:
    state = session.state(TrajectoriesState)
    position, mode = _player(session, with_budget=setup.view == "batches")
    if setup.view == "rates":
        rates.draw(setup, position)
    else:
        _two_batches(setup, position, mode)
    if state.plays:
        engine().freeze_once()  # Streamlit's garbage collection after each refresh costs more than the refresh
    if position >= UPDATES:
        _stop(session)


def _two_batches(setup: Setup, position: int, mode: str) -> None:
    with st.container(key="trajectories_fixed"):
        held_fixed(setup, mode)
    small, large = _shown("small", setup, position, mode), _shown("large", setup, position, mode)
    with st.container(key="trajectories_panels"):
        left, right = st.columns(2, gap="medium")
        with left:
            _picture("small", setup, small, UPDATES)
        with right:
            _picture("large", setup, large, _shown("large", setup, UPDATES, mode))
        left, right = st.columns(2, gap="medium")  # below both pictures, which a phone thus shows in one view
        with left:
            ours = _text("small", setup, small)
        with right:
            theirs = _text("large", setup, large)
    with st.container(key="trajectories_compared"):
        st.markdown(compared(setup, mode, ours, theirs))
    with st.container(border=True, key="trajectories_more"):
        depth.draw(setup, setup.path("small")[small], small)


def _player(session: Session, *, with_budget: bool) -> tuple[int, str]:
    """Draw the controls and advance a playing position; return the position and the mode."""
    state = session.state(TrajectoriesState)
    position = UPDATES if state.position is None else state.position
    if state.plays:
        position = min(position + PER_TICK, UPDATES)
    state.position = position
    # Setting the slider to its present value would make the browser lose a key pressed meanwhile.
    if session.field("trajectories_position", None) != position:
        session.set_field("trajectories_position", position)
        state.sent = [*state.sent[-LATE:], position]
    with st.container(horizontal=True, vertical_alignment="center", key="trajectories_player"):
        key, icon = ("trajectories.pause", "pause") if state.plays else ("trajectories.play", "play_arrow")
        st.button(
            say(key),
            key="trajectories_play",
            icon=f":material/{icon}:",
            help=say("control.shortcut", what=say("trajectories.play.help"), keys=KEYS["play"]),
            on_click=_play,
            args=(session,),
            shortcut=KEYS["play"],
            width=110,
        )
        st.button(
            say("trajectories.step"),
            key="trajectories_step",
            icon=":material/skip_next:",
            help=say("control.shortcut", what=say("trajectories.step.help"), keys=KEYS["step"]),
            shortcut=KEYS["step"],
            on_click=_step,
            args=(session,),
        )
        st.slider(
            say("trajectories.position"),
            0,
            UPDATES,
            key="trajectories_position",
            label_visibility="collapsed",
            on_change=_move,
            args=(session,),
        )
        if not with_budget:
            return position, MODES[0]
        label = say("trajectories.mode")
        return position, choice(label, MODES, lambda name: say(f"trajectories.mode.{name}"), key="trajectories_mode")


# Callbacks. A button redraws only the fragment, and the timer is outside it: starting or stopping the timer takes a
# full run.


def _play(session: Session) -> None:
    state = session.state(TrajectoriesState)
    if state.plays:
        _stop(session)
    else:
        state.plays, state.sent = True, [state.position or 0]
        state.position = 0 if state.position == UPDATES else state.position
        st.rerun()


def _step(session: Session) -> None:
    state = session.state(TrajectoriesState)
    state.position = 0 if state.position == UPDATES else (state.position or 0) + 1
    _stop(session)


def _move(session: Session) -> None:
    """Take the position from the slider, unless the slider only repeats a position that the page gave it.

    A refresh sends what the browser shows, and the browser may not have received the newest position yet, nor that it
    is the last one.
    """
    state = session.state(TrajectoriesState)
    asked = int(session.field("trajectories_position", UPDATES))
    late = state.plays or time.monotonic() < state.stopped_s + HEARD_AFTER_S
    if late and asked in state.sent:
        return
    state.position, state.sent = asked, []
    _stop(session)


def _stop(session: Session) -> None:
    state = session.state(TrajectoriesState)
    if state.plays:
        state.plays, state.stopped_s = False, time.monotonic()
        st.rerun()


def _shown(side: Side, setup: Setup, position: int, mode: str) -> int:
    """Return how many updates are shown: the position, or for the large batch the updates of as many examples."""
    if mode == "epochs" and side == "large":
        return position * setup.small // setup.large
    return position


def _picture(side: Side, setup: Setup, shown: int, most: int) -> None:
    """Draw one of the two paths below its title."""
    problem, path, size = setup.problem, setup.path(side), setup.batch_size(side)
    made = min(shown, _finite(path))  # the update that diverged counts as the last
    values = {"size": number(size), "rate": number(setup.rate_of(side)), "shown": number(made), "most": number(most)}
    st.markdown(
        say("trajectories.title", mark=MARKS[side], epochs=made * size / problem.examples, **values),
        unsafe_allow_html=True,
    )
    caption = caption_of(setup.name, size, setup.rate_of(side))
    table = trajectory_table(problem, path, say, side=side, shown=shown, caption=caption)
    with st.container(key=f"trajectory_{side}", height=HEIGHT, border=False):
        plots.draw(trajectory, table, part=side, height="stretch")


def _text(side: Side, setup: Setup, shown: int) -> Statistics | None:
    """Describe one of the two paths and return its numbers; None if it has diverged."""
    problem, path = setup.problem, setup.path(side)
    found = statistics(path[: shown + 1], optimum=problem.optimum, radius=problem.radius)
    text = description(problem, path[: shown + 1], found, setup.batch_size(side))
    st.markdown(f"{MARKS[side]} {text}", unsafe_allow_html=True)
    return found if np.isfinite(path[shown]).all() else None


def _finite(path: Array) -> int:
    """Return how many points of a path are finite, which is the number of the update that diverged, if one did."""
    return int(np.isfinite(path).all(1).sum())


def description(problem: LossSurface, path: Array, found: Statistics, batch_size: int) -> str:
    """Return sentences on a path: its updates, its loss and where it is."""
    here = path[-1]
    if not np.isfinite(here).all():
        return say("trajectories.diverged", update=number(_finite(path)))
    if len(path) < 3:
        sentences = [say("trajectories.no_turn")]
    else:
        sentences = [say("trajectories.turns", turn=found.turn_degrees, length=rough(found.mean_length))]
    sentences.append(count("trajectories.per_epoch", updates_per_epoch(problem.examples, batch_size)))
    above = float(problem.loss(here) - problem.loss(problem.optimum))
    sentences.append(say("trajectories.loss", loss=rough(above)))
    radius = number(problem.radius)
    if found.arrival is None:
        sentences.append(say("trajectories.away", radius=radius))
    else:
        sentences.append(count("trajectories.arrival", found.arrival, radius=radius))
    if not problem.window.holds(here):
        sentences.append(say("trajectories.outside"))
    return " ".join(sentences)


def compared(setup: Setup, mode: str, small: Statistics | None, large: Statistics | None) -> str:
    """Return how the two paths compare up to the shown position."""
    if small is None or large is None or not np.isfinite([small.turn_degrees, large.turn_degrees]).all():
        return say("trajectories.compared.none")
    return say(
        f"trajectories.compared.{setup.rule}.{mode}",
        turn=small.turn_degrees,
        large_turn=large.turn_degrees,
        ratio=rough(small.mean_length / large.mean_length),
        small=number(setup.small),
        large=number(setup.large),
    )
