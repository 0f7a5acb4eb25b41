"""Say what was changed in a run, and whether the run can be continued with the form's settings."""

from __future__ import annotations

from contextlib import suppress

from core.run import changes
from core.run.changes import Settings
from core.run.config import RunConfig
from core.store import RunRecord
from core.store.reader import RunReader
from core.words.errors import BatchLabError, StoreError
from ui.charts.changes import Marks
from ui.shell.engine import engine
from ui.shell.text import count, listed, mib, plain, say, setting

NAMED = 2
FIRST = ("batch_size", "lr")  # settings that are named before the others


def can_go_on(record: RunRecord | None, config: RunConfig | None) -> bool:
    """Return whether a run with other settings could continue this one: it is active, or has left a state."""
    if record is None or config is None or record.config == config:
        return False
    if record.is_active:
        return True
    with suppress(StoreError):  # the panel reports it
        return record.state in ("stopped", "out_of_memory") and engine().store.has_state(record.id)
    return False


def why_not(record: RunRecord, reader: RunReader, config: RunConfig) -> str | None:
    """Return why a run that could be continued cannot be continued with these settings; None if it can."""
    names = changes.lasting(record.config, config)
    if names:
        return say("change.lasting", names=listed([setting(name) for name in names]))
    last = reader.last
    epochs = sum(epoch.complete for epoch in reader.epochs)
    if last and changes.is_spent(
        config, updates=last.updates, examples=last.examples_seen, epochs=epochs, seconds=last.seconds
    ):
        return say("change.spent")
    size = _state_bytes(record.config)
    if record.is_active and size > changes.MOST_BYTES:
        return say("change.too_large", size=mib(size), most=mib(changes.MOST_BYTES))
    return None


def _state_bytes(config: RunConfig) -> int:
    """Return the size of the state to keep; 0 until it has been predicted, before the first update."""
    with suppress(BatchLabError):
        prediction = engine().prediction(config)
        return changes.state_bytes(config, prediction.parameters) if prediction else 0
    return 0


def marks(record: RunRecord | None) -> Marks:
    """Return, for each change, the updates before it and its label in the charts."""
    if record is None:
        return []
    budget = record.config.budget
    by_update: dict[int, list[str]] = {}
    for change in reversed(record.facts.changes):  # backwards, because each change names the budget before it
        phrases = _phrases("change.mark", change.settings, budget)
        by_update[change.updates] = phrases + by_update.get(change.updates, [])  # several while the run was paused
        budget = change.settings.get("budget", (budget,))[0]
    return [(updates, listed(by_update[updates], style="standard-narrow")) for updates in reversed(by_update)]


def made(record: RunRecord) -> str:
    """Return the changes that a run made to the settings of the run it continues; empty if there are none."""
    changed = record.facts.changed
    return listed(_phrases("change.instead", changed, record.config.budget)) if changed else ""


def _phrases(key: str, settings: Settings, budget: str) -> list[str]:
    """Return the first changes, batch size and learning rate before the others, and the number of the rest.

    A budget of another kind is left out where other settings changed too: the two values have different units.
    """
    names = [name for name in settings if "budget" not in settings or not name.startswith("budget")] or ["budget"]
    names.sort(key=lambda name: name not in FIRST)
    phrases = []
    for name in names[:NAMED]:
        old, new = settings[name]
        short = key == "change.mark" and name == "lr"
        text = say("change.rate") if short else setting(name, budget=budget)
        phrases.append(say(key, name=text, old=plain(old), new=plain(new)))
    return phrases + [count("change.more", len(names) - NAMED)] * (len(names) > NAMED)
