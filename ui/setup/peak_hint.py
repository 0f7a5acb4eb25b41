"""Show under the form how much memory its settings need on the simulated device."""

from __future__ import annotations

from core.run.events import Prediction
from ui.setup.form import Form
from ui.shell.text import mib, number, say


def draw(form: Form, prediction: Prediction | None, reason: str | None) -> None:
    """Show the predicted peak, or the reason why there is no prediction."""
    limit = form.config.memory_limit_bytes if form.config else None
    if form.config is None or prediction is None:
        form.needs.caption(reason or (say("form.needs_asking") if form.config else "\u00a0"))
        return
    peak, largest = prediction.peak.bytes, prediction.largest_batch_size
    key = "form.needs_no_limit" if not limit else "form.needs" if peak <= limit else "form.needs_over"
    if limit and not largest:
        key = "form.needs_none"
    usable = mib(limit or 0)
    if form.config.memory_margin_bytes:
        usable = say("form.usable", limit=usable)
    form.needs.caption(say(key, peak=mib(peak), limit=usable, largest=number(largest)))
