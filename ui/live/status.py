"""Say what state the shown run is in: a badge, and the paragraph of its story."""

from __future__ import annotations

from core.run.control import FULL_SPEED
from core.run.events import Prediction
from core.store import RunRecord, recorded
from core.store.reader import RunReader
from ui.live import story
from ui.live.cards import planned, updates_done
from ui.setup import pace
from ui.shell.engine import engine
from ui.shell.text import day, number, say

COLOURS = {"out_of_memory": "red", "diverged": "orange", "failed": "orange"}
COUNTING = ("paused", "stopped", "diverged", "failed")  # states that say how far the run has come
ICONS = {
    "queued": "hourglass_empty",
    "starting": "hourglass_empty",
    "running": "directions_run",
    "paused": "pause",
    "finished": "flag",
    "stopped": "stop",
    "out_of_memory": "memory_alt",
    "diverged": "trending_up",
    "failed": "error",
}


def line(reader: RunReader | None, prediction: Prediction | None, *, refused: bool) -> str:
    """Return a badge with the state of the shown run, followed by the sentences about it."""
    record = reader.record if reader else None
    if reader is None or record is None:
        name, more = ("state.refused", "control.idle") if refused else ("state.none", "state.none.more")
        return f"{_badge(say(name))} {say(more)}"
    if record.id == recorded.RUN_ID:
        recording = engine().recording
        date = day(recording.date) if recording else ""
        more = say("state.recorded.more", date=date)
        return f"{_badge(say('state.recorded'), 'history')} {more} {story.describe(reader, prediction)}"
    badge = _badge(_state(record, reader), ICONS[record.state], COLOURS.get(record.state, "gray"))
    return f"{badge} {story.describe(reader, prediction)}".strip()


def _badge(text: str, icon: str = "play_arrow", colour: str = "gray") -> str:
    return f":{colour}-badge[:material/{icon}: {text}]"


def _state(record: RunRecord, reader: RunReader) -> str:
    if record.state == "queued":
        place = engine().client.place(record.id)
        if place:
            return say("state.queued.place", place=place)
        return say("state.continuing" if reader.inherited else "state.queued")
    if record.state == "running" and record.facts.pace < FULL_SPEED:
        return say("state.running.paced", pace=pace.text(record.facts.pace))
    total = planned(record.config, reader)
    updates = number(updates_done(reader))
    if total is None and record.state in COUNTING:
        return say(f"state.{record.state}.untimed", updates=updates)
    return say(f"state.{record.state}", updates=updates, planned=number(total or 0))
