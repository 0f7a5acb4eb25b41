"""Say what was changed in a run, and whether the form's settings may go on from it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from core.run import changes
from core.run.changes import Settings
from core.run.config import RunConfig
from core.store import ACTIVE_STATES, RunRecord
from core.store.reader import RunReader
from core.words.errors import BatchLabError, StoreError
from ui.charts.changes import Marks
from ui.shell.engine import engine
from ui.shell.text import label, mib, plain, say

NAMED = 2
SHORT = ("batch_size", "lr")  # settings that have a shorter name here


def can_go_on(record: RunRecord | None, config: RunConfig | None) -> bool:
    """Return whether a run with other settings could take the place of this one: it is active, or has left a state."""
    if record is None or config is None or record.config == config:
        return False
    if record.state in ACTIVE_STATES:
        return True
    with suppress(StoreError):  # the panel says so
        return record.state in ("stopped", "out_of_memory") and engine().store.has_state(record.id)
    return False


def why_not(record: RunRecord, reader: RunReader, config: RunConfig) -> str | None:
    """Return why settings cannot take the place of those of a run that could go on, None if they can."""
    names = changes.lasting(record.config, config)
    if names:
        return say("change.lasting", names=_listed([label(name).lower() for name in names]))
    last = reader.last
    epochs = sum(epoch.complete for epoch in reader.epochs)
    if last and changes.is_spent(
        config, updates=last.updates, examples=last.examples_seen, epochs=epochs, seconds=last.seconds
    ):
        return say("change.spent")
    size = _state_bytes(record.config)
    if record.state in ACTIVE_STATES and size > changes.MOST_BYTES:
        return say("change.too_large", size=mib(size), most=mib(changes.MOST_BYTES))
    return None


def _state_bytes(config: RunConfig) -> int:
    """Return how much there is to keep; nothing while that is worked out, before the first update."""
    with suppress(BatchLabError):
        prediction = engine().prediction(config)
        return changes.state_bytes(config, prediction.parameters) if prediction else 0
    return 0


def marks(record: RunRecord | None) -> Marks:
    """Return after how many updates a run was changed, and what its charts say there."""
    if record is None:
        return []
    budget, found = record.config.budget, []
    for change in reversed(record.facts.changes):  # from the present budget back to those before
        found.append((change.updates, _said("change.mark", change.settings, budget)))
        budget = change.settings.get("budget", (budget,))[0]
    return _together(found[::-1])


def _together(found: Marks) -> Marks:
    """Return what was changed after the same update, paused, as one mark."""
    by_update: dict[int, list[str]] = {}
    for updates, words in found:
        by_update.setdefault(updates, []).append(words)
    return [(updates, ", ".join(words)) for updates, words in by_update.items()]


def told(record: RunRecord) -> str:
    """Return in words with what a run went on from another; nothing if it has the same settings."""
    changed = record.facts.changed
    return say("story.with", changed=_said("change.told", changed, record.config.budget)) if changed else ""


def _said(key: str, settings: Settings, budget: str) -> str:
    """Say the first changes, batch size and rate before the others, and count the rest.

    A budget of another kind is left out where there is more to say: its number would be one of something else.
    """
    names = [name for name in settings if "budget" not in settings or not name.startswith("budget")] or ["budget"]
    names.sort(key=lambda name: name not in SHORT)
    parts = []
    for name in names[:NAMED]:
        old, new = settings[name]
        parts.append(say(key, name=_name(name, budget), old=_value(old), new=_value(new)))
    if len(names) > NAMED:
        return say("change.more", told=", ".join(parts), count=len(names) - NAMED)
    return _listed(parts) if key == "change.told" else ", ".join(parts)


def _name(name: str, budget: str) -> str:
    if name in SHORT:
        return say(f"change.{name}")
    return (say(f"form.budget_value.{budget}") if name == "budget_value" else label(name)).lower()


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return say("change.on" if value else "change.off")
    return plain(value)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else say("change.and", first=", ".join(words[:-1]), last=words[-1])
