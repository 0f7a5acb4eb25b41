"""Stop what a new run replaces."""

from __future__ import annotations

from collections.abc import Collection

from ui.shell.engine import Engine


def stop_replaced(engine: Engine, *, owner: str, shown: str | None, kept: Collection[str] = ()) -> None:
    """Stop the active runs of an owner and the run that its page shows, except those in `kept`.

    `owner` is the name under which the store keeps the session's runs. The shown run may belong to another session
    whose link was followed, or to this session before a reload; it continues while another page shows it. Raises
    StoreError.
    """
    for record in engine.store.active(session=owner):  # the URL may have named another run since they started
        if record.id not in kept:
            engine.client.command(record.id, "stop")
    if shown and shown not in kept and not engine.watchers.elsewhere(shown):
        engine.client.command(shown, "stop")
