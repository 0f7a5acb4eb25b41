"""State the arithmetic of a run in one sentence, with its own numbers."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.run.cautions import Caution
from core.run.config import RunConfig
from core.run.plan import Plan, plan
from ui.setup import notices
from ui.setup.form import Form
from ui.shell.text import count, loss_text, mib, number, percent, rough, say, times, words

BYTES = ("peak", "limit")
# The value that decides between the singular and the plural of a caution.
COUNTED = {
    "few_updates": "total",
    "one_update_of_part": "left_out",
    "batch_norm_of_few": "size",
    "horizon_too_short": "horizon",
    "horizon_too_short_low": "horizon",
    "horizon_too_long": "horizon",
}


def draw(form: Form) -> tuple[Any, Any]:
    """Draw the arithmetic of the form's settings, or why they cannot be trained.

    Returns two places below it: one for the mark, which keeps its size while it is empty, and one for the cautions.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="arithmetic"):
        if form.config:
            st.markdown(arithmetic(form.config))
        else:
            notices.refusal(form)
    with st.container(horizontal=True, key="footnote"):
        # Not st.empty: it would clear what the page shows until the place is filled again.
        cautions = st.container(width="stretch")
        mark = st.container(width="content", key="mark")
    return mark, cautions


def warn(place: Any, config: RunConfig | None, cautions: list[Caution]) -> None:
    """Draw the cautions, or as many lines about what an update sees, so that the page does not move."""
    if config is None:
        place.caption(say("sum.refused"))
        return
    if not cautions:
        seen = min(config.effective_batch_size, config.spec.examples)
        place.caption(count("sum.share", seen, share=_share(seen / config.spec.examples)))
        return
    first, *others = cautions  # two would take two lines
    details = [_more(first), *(f"{_caution(other)} {_more(other)}" for other in others)]
    more = "\n\n".join(detail.strip() for detail in details if detail) or None
    place.caption(f":material/warning: {_caution(first)}", help=more)


def _more(caution: Caution) -> str:
    """Return what a caution rests on; "" where its sentence says it all."""
    key = f"caution.{caution.code}.more"
    return say(key) if key in words() else ""


def _caution(caution: Caution) -> str:
    values = {name: _value(name, value) for name, value in caution.values.items()}
    if caution.code == "will_run_out":
        return say("caution.will_run_out" if caution.values["largest"] else "caution.will_run_out.none", **values)
    counted = COUNTED.get(caution.code)
    if counted:
        return count(f"caution.{caution.code}", caution.values[counted], **values)
    return say(f"caution.{caution.code}", **values)


def _value(name: str, value: Any) -> Any:
    if not isinstance(value, int | float):
        return value
    if name == "limit_rate":
        return rough(value)
    return mib(value) if name in BYTES else number(value)


def _share(share: float) -> str:
    """Return a share in percent with three significant digits at most."""
    return percent(share, digits=len(f"{100 * share:.3g}".partition(".")[2]))


def arithmetic(config: RunConfig) -> str:
    """Return "10,000 examples / batch size 100 = 100 batches -> 100 updates per epoch x 5 epochs = 500 updates"."""
    counts = plan(config)
    total, per_epoch = counts.total_updates, counts.updates_per_epoch
    terms = {
        "examples": _term("examples", counts.examples),
        "batch_size": say("sum.term.batch_size", size=config.batch_size),
        "batches": _term("batches", counts.batches_per_epoch),
        "accumulate": config.accumulate,
        "per_epoch": _term("per_epoch", per_epoch),
    }
    if total is None:
        terms["seconds"] = _term("seconds", config.budget_value)
    else:
        terms["updates"] = _term("updates", total)
        terms["epochs"] = _term("epochs", config.budget_value if config.budget == "epochs" else total / per_epoch)
        terms["seen"] = _term("examples", config.budget_value)
    kind = config.budget
    text = say(f"sum.{kind}.accumulated" if config.accumulate > 1 else f"sum.{kind}", **terms)
    return f"{text} {_last(config, counts)}".strip()


def _term(name: str, value: float) -> str:
    written = number(value) if float(value).is_integer() or name == "seconds" else times(value)
    return count(f"sum.term.{name}", value, number=written)


def _last(config: RunConfig, counts: Plan) -> str:
    """Say what happens to a shorter last batch or window: each of its few examples weighs more in the mean."""
    dropped = counts.examples - counts.examples_per_epoch
    if dropped:
        return count("sum.dropped", dropped)
    whole = config.effective_batch_size
    last = (counts.examples - 1) % whole + 1
    if last == whole or counts.updates_per_epoch == 1:
        return ""
    key = "sum.short" if config.accumulate == 1 else "sum.short_window"
    return count(key, last, weight=loss_text(whole / last))
