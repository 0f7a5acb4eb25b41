"""Start, pause and stop a comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.run.control import Command
from core.store import new_run_id
from core.words.errors import StoreError
from ui.compare import described, differences, guess
from ui.compare.shown import Shown
from ui.compare.state import CompareState
from ui.kit.button import button
from ui.setup.replacement import stop_replaced
from ui.shell.engine import engine
from ui.shell.session import Session
from ui.shell.text import say

KEYS = {"start": "Ctrl+Enter", "pause": "Alt+P", "stop": "Alt+X"}  # as on the page of a live run


@dataclass(frozen=True)
class DrawnState:
    """What the last full rerun has drawn; a refresh of the panel cannot change it, so a change needs a full rerun."""

    active: bool  # the buttons, and the timer
    paused: bool
    lost: bool
    hidden: bool  # the preset's description


def drawn_for(session: Session, shown: Shown | None) -> DrawnState:
    """Return what a full rerun draws for the shown comparison."""
    active = shown is not None and shown.is_active
    paused = shown is not None and shown.record is not None and shown.record.state == "paused"
    return DrawnState(active, paused, bool(session.state(CompareState).lost), guess.hides(session, shown))


def draw(session: Session, shown: Shown | None) -> None:
    """Draw Pause, Stop and Start. The verdict and the line of differences say why some are disabled."""
    state = session.state(CompareState)
    drawn = drawn_for(session, shown)
    own = shown is not None and shown.record is not None and shown.record.session == _owner(session)
    restarts = drawn.active and (own or not engine().watchers.elsewhere(state.id or ""))
    idle = "" if drawn.active else say("compare.idle")
    pause: Command = "resume" if drawn.paused else "pause"
    refused = differences.refusal(session)
    _button("pause", say(f"control.{pause}"), say(f"compare.{pause}.help"), pause, idle, _command, session, pause)
    _button("stop", say("compare.stop"), say("compare.stop.help"), "stop", idle, _command, session, "stop")
    start = say("compare.restart" if restarts else "compare.start")
    icon = "restart_alt" if restarts else "play_arrow"
    _button("start", start, say("compare.start.help"), icon, refused, _ask, session)


def _button(key: str, text: str, what: str, icon: str, why_not: str, act: Callable[..., None], *args: object) -> None:
    button(
        text,
        why_not=why_not,
        help_=say("control.shortcut", what=what, keys=KEYS[key]),
        key=f"compare_{key}",
        icon=f":material/{icon}:",
        on_click=act,
        args=args,
        shortcut=KEYS[key],
        type="primary" if key == "start" else "secondary",
    )


def _ask(session: Session) -> None:
    state = session.state(CompareState)
    state.wanted = True
    state.unread = False  # the comparison in the URL must not replace the one that starts


def _command(session: Session, command: Command) -> None:
    state = session.state(CompareState)
    if state.id:
        engine().client.command(state.id, command)


def _owner(session: Session) -> str:
    """Return the name under which the store keeps a session's comparisons, apart from its runs."""
    return f"comparison {session.id}"


def start_if_asked(session: Session) -> None:
    """Start the described comparison if a start was requested, and stop the one it replaces."""
    state = session.state(CompareState)
    asked, state.wanted = state.wanted, False
    if not asked:
        return
    comparison, problems = described.wanted(session)
    state.trouble = problems
    if comparison is None:
        return
    shared, run_id, owner = engine(), new_run_id(), _owner(session)
    try:
        stop_replaced(shared, owner=owner, shown=state.id)
        shared.client.start_comparison(comparison, run_id=run_id, session=owner)
    except StoreError as error:
        state.trouble = error.problems
        return
    state.id, state.notice, state.removed = run_id, None, None
    session.give("compare_axis", comparison.budget)
