"""Say the arithmetic of a run in one sentence, in its own numbers."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.run.cautions import Caution
from core.run.config import RunConfig
from core.run.plan import Plan, plan
from ui.setup import notices
from ui.setup.form import Form
from ui.shell.text import loss_text, mib, number, say

BYTES = ("peak", "limit")


def draw(form: Form) -> tuple[Any, Any]:
    """Draw the arithmetic of the form's settings, or why they cannot be trained.

    Returns the places for the mark beside it and for what to be careful with below it.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="arithmetic"):
        if form.config:
            st.markdown(arithmetic(form.config))
        else:
            notices.refusal(form)
        mark = st.empty()
    return mark, st.empty()


def warn(place: Any, config: RunConfig | None, cautions: list[Caution]) -> None:
    """Draw what to be careful with; where there is nothing, what an update sees takes as much room."""
    if config is None:
        place.caption(say("sum.refused"))
        return
    if not cautions:
        seen = min(config.effective_batch_size, config.spec.examples)
        share = f"{100 * seen / config.spec.examples:.3g}"
        place.caption(say("sum.share", seen=number(seen), word=_word("example", seen), share=share))
        return
    first, *others = cautions  # two would take two lines
    more = "\n\n".join(_caution(each) for each in others) or None
    place.caption(f":material/warning: {_caution(first)}", help=more)


def _caution(caution: Caution) -> str:
    values = {
        name: mib(value) if name in BYTES else number(value) if isinstance(value, int | float) else value
        for name, value in caution.values.items()
    }
    if caution.code == "will_run_out" and not caution.values["largest"]:
        return say("caution.will_run_out.none", **values)
    return say(f"caution.{caution.code}", **values)


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
    if config.accumulate > 1:
        text += say("sum.accumulate", accumulate=number(config.accumulate))
    text += _last(config, counts)
    updates = counts.updates_per_epoch
    text += say("sum.per_epoch", updates=number(updates), word=_word("update", updates))
    return text + _budget(config, counts.total_updates, updates)


def _last(config: RunConfig, counts: Plan) -> str:
    """Say what becomes of a shorter last batch or window: in an update's mean each of few examples weighs more."""
    dropped = counts.examples - counts.examples_per_epoch
    if dropped:
        return say("sum.dropped", rest=number(dropped))
    whole = config.effective_batch_size
    last = (counts.examples - 1) % whole + 1
    if last == whole or counts.updates_per_epoch == 1:
        return ""
    key = "sum.short" if config.accumulate == 1 else "sum.short_window"
    return say(key, last=number(last), word=_word("example", last), weight=loss_text(whole / last))


def _budget(config: RunConfig, total: int | None, per_epoch: int) -> str:
    value = number(config.budget_value)
    if total is None:
        return say("sum.seconds", value=value, word=_word("second", config.budget_value))
    totals = {"total": number(total), "total_word": _word("update", total)}
    if config.budget == "epochs":
        return say("sum.epochs", value=value, word=_word("epoch", config.budget_value), **totals)
    if config.budget == "updates":
        epochs = total / per_epoch
        return say("sum.updates", epochs=f"{epochs:,.3g}", word=_word("epoch", epochs), **totals)
    return say("sum.examples", value=value, word=_word("example", config.budget_value), **totals)


def _word(stem: str, count: float) -> str:
    return say(f"sum.{stem}.one" if count == 1 else f"sum.{stem}.many")
