"""Say how it stands with the shown run: a badge, and the paragraph that its end deserves."""

from __future__ import annotations

from core.run.events import Prediction
from core.store import RunRecord, recorded
from core.store.reader import RunReader
from ui.live import story
from ui.live.cards import planned, updates_done
from ui.shell.engine import engine
from ui.shell.text import number, say

COLOURS = {"out_of_memory": "red", "diverged": "orange", "failed": "orange"}
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
    """Return a badge, and what there is to know beside it."""
    record = reader.record if reader else None
    if reader is None or record is None:
        return _badge(say("state.refused" if refused else "state.none")) + (
            "" if refused else " " + say("state.none.more")
        )
    if record.id == recorded.RUN_ID:
        recording = engine().recording
        date = f"{recording.date:%d %B %Y}".lstrip("0") if recording else ""
        return f"{_badge(say('state.recorded'), 'history')} {say('state.recorded.more', date=date)} " + story.told(
            reader, prediction
        )
    badge = _badge(_state(record, reader), ICONS[record.state], COLOURS.get(record.state, "gray"))
    return f"{badge} {story.told(reader, prediction)}".strip()


def _badge(text: str, icon: str = "play_arrow", colour: str = "gray") -> str:
    return f":{colour}-badge[:material/{icon}: {text}]"


def _state(record: RunRecord, reader: RunReader) -> str:
    total = planned(record.config, reader)
    if record.state == "queued":
        place = engine().client.place(record.id)
        if place:
            return say("state.queued.place", place=place)
        return say("state.goes_on" if reader.inherited else "state.queued")
    total_words = number(total) if total else say("state.planned_unknown")
    return say(f"state.{record.state}", updates=number(updates_done(reader)), planned=total_words)
