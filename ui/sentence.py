"""Say the arithmetic of a run in one sentence, in its own numbers."""

from __future__ import annotations

from core.config import RunConfig
from core.plan import plan
from ui.text import number, say


def arithmetic(config: RunConfig) -> str:
    """Return "10,000 examples / 100 a batch = 100 batches -> 100 updates per epoch x 5 epochs = 500 updates"."""
    counts = plan(config)
    text = say(
        "sum.batches",
        examples=number(counts.examples),
        size=number(config.batch_size),
        batches=number(counts.batches_per_epoch),
        batches_word=_word("batch", counts.batches_per_epoch),
    )
    rest = counts.examples % config.batch_size
    if rest:
        text += say("sum.dropped", rest=number(rest)) if config.drop_last else say("sum.short", last=number(rest))
    if config.accumulate > 1:
        text += say("sum.accumulate", accumulate=number(config.accumulate))
    updates = counts.updates_per_epoch
    text += say("sum.per_epoch", updates=number(updates), word=_word("update", updates))
    return text + _budget(config, counts.total_updates, updates)


def _budget(config: RunConfig, total: int | None, per_epoch: int) -> str:
    value = number(config.budget_value)
    if total is None:
        return say("sum.seconds", value=value)
    totals = {"total": number(total), "total_word": _word("update", total)}
    if config.budget == "epochs":
        return say("sum.epochs", value=value, word=_word("epoch", int(config.budget_value)), **totals)
    if config.budget == "updates":
        return say("sum.updates", epochs=number(round(total / per_epoch, 2)), **totals)
    return say("sum.examples", value=value, **totals)


def _word(stem: str, count: int) -> str:
    return say(f"sum.{stem}.one" if count == 1 else f"sum.{stem}.many")
