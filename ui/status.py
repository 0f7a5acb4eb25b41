"""Say in words where a run stands, and how it ended."""

from __future__ import annotations

from core.events import Prediction
from core.store import RunRecord
from core.store.reader import RunReader
from ui.cards import planned, updates_done
from ui.engine import engine
from ui.text import explain, mib, number, say

COLOURS = {"out_of_memory": "red", "diverged": "orange", "failed": "orange", "finished": "green", "running": "blue"}
WHERE = {"optimizer": "limit.optimizer", "evaluation": "limit.evaluation"}


def line(reader: RunReader | None, prediction: Prediction | None) -> str:
    """Return the state of the shown run: a badge, and what there is to know beside it."""
    record = reader.record if reader else None
    if reader is None or record is None:
        return say("state.none")
    return f":{COLOURS.get(record.state, 'gray')}-badge[{_state(record, reader)}] {_more(record, prediction)}".strip()


def _state(record: RunRecord, reader: RunReader) -> str:
    total = planned(record.config, reader)
    counts = {
        "updates": number(updates_done(reader)),
        "planned": number(total) if total else say("state.planned_unknown"),
    }
    if record.state == "queued":
        place = engine().client.place(record.id)
        return say("state.queued.place", place=place) if place else say("state.queued")
    return say(f"state.{record.state}", **counts)


def _more(record: RunRecord, prediction: Prediction | None) -> str:
    ended = record.ended
    if ended is None:
        return ""
    if ended.state == "out_of_memory":
        return out_of_memory(record, prediction)
    parts = []
    if (ended.state, ended.reason) not in (("finished", "budget"), ("stopped", "asked")):
        parts.append(explain(ended.reason, ended.values))
    if ended.unchanged_updates:
        parts.append(say("state.unchanged", count=number(ended.unchanged_updates)))
    return "".join(f"{part}. " for part in parts)


def out_of_memory(record: RunRecord, prediction: Prediction | None) -> str:
    """Return what was asked for where, by how much it missed the limit, and the way out."""
    facts = dict(record.ended.values) if record.ended else {}
    module = say("limit.module", module=facts["module"]) if facts.get("module") else ""
    parts = [
        say(
            WHERE.get(facts["phase"], "limit"),
            limit=mib(facts["limit_bytes"]),
            phase=facts["phase"],
            module=module,
            requested=mib(facts["requested_bytes"]),
            over=mib(facts["over_bytes"]),
        )
    ]
    if prediction:
        largest = prediction.largest_batch_size
        parts.append(say("limit.fits", largest=number(largest)) if largest else say("limit.fits_none"))
    parts.append(say("limit.real"))
    return " ".join(parts)
