"""Play the paths of a small and of a large batch side by side, with their numbers."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

from core.run.batching import updates_per_epoch
from core.trajectories.paths import Statistics, statistics
from core.trajectories.problems import Array, LossSurface
from ui.charts.trajectory import Side, trajectory, trajectory_table
from ui.kit import plots
from ui.kit.ticking import ticking
from ui.shell.engine import engine
from ui.shell.session import Session
from ui.shell.text import number, rough, say
from ui.trajectories import depth
from ui.trajectories.inputs import MARKS, MODES, UPDATES, Setup, held_fixed, updates
from ui.trajectories.state import TrajectoriesState

TICK_S, PER_TICK = 0.25, 4  # seconds, updates
LATE, HEARD_AFTER_S = 8, 2.0  # positions that a browser may be behind, and when it has heard of the last


def panel(session: Session, setup: Setup) -> None:
    """Draw the player and all that it moves, with a timer while it plays."""
    state = session.state(TrajectoriesState)

    ticking(_draw, TICK_S if state.plays else None, session, setup)


def _draw(session: Session, setup: Setup) -> None:
    state = session.state(TrajectoriesState)
    position, mode = _player(session)
    with st.container(key="trajectories_fixed"):
        held_fixed(setup, mode)
    small, large = _shown("small", setup, position, mode), _shown("large", setup, position, mode)
    with st.container(key="trajectories_panels"):
        left, right = st.columns(2, gap="medium")
        with left:
            ours = _side("small", setup, small, UPDATES)
        with right:
            theirs = _side("large", setup, large, _shown("large", setup, UPDATES, mode))
    with st.container(key="trajectories_compared"):
        st.markdown(compared(setup, mode, ours, theirs))
    with st.container(border=True, key="trajectories_more"):
        depth.draw(setup, setup.path("small")[small], small)
    if state.plays:
        engine().freeze_once()  # Streamlit's collection after each refresh costs more than the refresh
    if position >= UPDATES:
        _stop(session)


def _player(session: Session) -> tuple[int, str]:
    """Draw the controls of the position, moved on if it plays; return it and what is equal at it."""
    state = session.state(TrajectoriesState)
    position = UPDATES if state.position is None else state.position
    if state.plays:
        position = min(position + PER_TICK, UPDATES)
    state.position = position
    # Setting the slider to where it is already would make the browser lose a key pressed meanwhile.
    if session.field("trajectories_position", None) != position:
        session.set_field("trajectories_position", position)
        state.sent = [*state.sent[-LATE:], position]
    with st.container(horizontal=True, vertical_alignment="center", key="trajectories_player"):
        words, icon = ("path.pause", "pause") if state.plays else ("path.play", "play_arrow")
        st.button(
            say(words), key="trajectories_play", icon=f":material/{icon}:", on_click=_play, args=(session,), width=110
        )
        st.button(
            say("path.step"),
            key="trajectories_step",
            icon=":material/skip_next:",
            on_click=_step,
            args=(session,),
            disabled=position >= UPDATES,
        )
        st.slider(
            say("path.position"),
            0,
            UPDATES,
            key="trajectories_position",
            label_visibility="collapsed",
            on_change=_move,
            args=(session,),
        )
        mode: str | None = st.segmented_control(
            say("path.mode"),
            MODES,
            default=MODES[0],
            key="trajectories_mode",
            required=True,
            width="content",
            format_func=lambda name: say(f"path.mode.{name}"),
            label_visibility="collapsed",
            persist_state="session",
        )
    return position, mode or MODES[0]


# Callbacks. What is pressed redraws the fragment alone, and the timer is outside of it: it takes a full run to start or
# to stop it.


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
    state.position = min((state.position or 0) + 1, UPDATES)
    _stop(session)


def _move(session: Session) -> None:
    """Take the position from the slider, unless it only repeats one that it was set to.

    A refresh brings along what the browser shows, which has not always heard of the newest position yet, nor that it
    is the last.
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
    """Return how many updates of a batch size are shown: as many as the small one's, or those of as many examples."""
    if mode == "epochs" and side == "large":
        return position * setup.small // setup.large
    return position


def _side(side: Side, setup: Setup, shown: int, most: int) -> Statistics | None:
    """Draw one of the two paths with its numbers, and return those; None if it has diverged."""
    problem, path, size = setup.problem, setup.path(side), setup.batch_size(side)
    found = statistics(path[: shown + 1], optimum=problem.optimum, radius=problem.radius)
    made = min(shown, _finite(path))  # the one at which it diverged is the last
    values = {"size": number(size), "rate": f"{setup.rate_of(side):,.4g}", "shown": number(made), "most": number(most)}
    st.markdown(
        say("path.title", mark=MARKS[side], epochs=f"{made * size / problem.examples:.2f}", **values),
        unsafe_allow_html=True,
    )
    plots.draw(trajectory, trajectory_table(problem, path, say, side=side, shown=shown), part=side)
    st.markdown(told(problem, path[: shown + 1], found, size))
    return found if np.isfinite(path[shown]).all() else None


def _finite(path: Array) -> int:
    """Return how many places of a path are finite: the number of the update at which it diverged, if it did."""
    return int(np.isfinite(path).all(1).sum())


def told(problem: LossSurface, path: Array, found: Statistics, batch_size: int) -> str:
    """Return what a path is like, in words."""
    here = path[-1]
    if not np.isfinite(here).all():
        return say("path.diverged", update=number(_finite(path)))
    count = updates_per_epoch(problem.examples, batch_size)
    values = {"per_epoch": say("path.per_epoch.one" if count == 1 else "path.per_epoch", count=number(count))}
    if len(path) < 3:
        parts = [say("path.told.short", **values)]
    else:
        values |= {"turn": f"{found.turn_degrees:.0f}", "length": rough(found.mean_length)}
        parts = [say("path.told", **values)]
    parts.append(say("path.told.loss", loss=rough(float(problem.loss(here) - problem.loss(problem.optimum)))))
    radius = f"{problem.radius:g}"
    if found.arrival is None:
        parts.append(say("path.told.away", radius=radius))
    else:
        parts.append(say("path.told.arrival", radius=radius, updates=updates(found.arrival)))
    if not problem.window.holds(here):
        parts.append(say("path.told.outside"))
    return " ".join(parts)


def compared(setup: Setup, mode: str, small: Statistics | None, large: Statistics | None) -> str:
    """Say how the two compare as far as they are shown, from what was measured."""
    if small is None or large is None or not np.isfinite([small.turn_degrees, large.turn_degrees]).all():
        return say("path.compared.none")
    return say(
        f"path.compared.{setup.rule}.{mode}",
        turn=f"{small.turn_degrees:.0f}",
        large_turn=f"{large.turn_degrees:.0f}",
        ratio=rough(small.mean_length / large.mean_length),
        small=number(setup.small),
        large=number(setup.large),
    )
