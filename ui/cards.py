"""Make the metric cards of a run, or of what a run will do: label, value and one line under it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from html import escape

import streamlit as st

from core.config import RunConfig
from core.events import Prediction
from core.plan import plan
from core.store.reader import RunReader
from ui.text import mib, number, say

LONG = 13  # characters, from which a value is set smaller


@dataclass(frozen=True)
class Card:
    """One metric. `confirmed` says that what was predicted has been measured."""

    label: str
    value: str
    detail: str
    help: str
    confirmed: bool = False

    def unconfirmed(self) -> Card:
        """Return the card without the mark, for when the form describes another run than the one shown."""
        return replace(self, confirmed=False, detail=say("card.measured")) if self.confirmed else self


def draw(cards: list[Card]) -> None:
    """Draw cards of equal height, in as many columns as there is room for."""
    st.html(f'<div class="cards">{"".join(_html(card) for card in cards)}</div>')


def _html(card: Card) -> str:
    state = " confirmed" if card.confirmed else ""
    size = "long" if len(card.value) > LONG else ""
    parts = (escape(card.help), escape(card.label), size, escape(card.value), state, escape(card.detail))
    html = (
        '<div class="card" title="{}"><p>{}</p><strong class="{}">{}</strong><small class="detail{}">{}</small></div>'
    )
    return html.format(*parts)


def cards(config: RunConfig, prediction: Prediction | None, reader: RunReader | None) -> list[Card]:
    """Return all cards; without a reader they say what is predicted."""
    return [
        _updates(config, reader),
        _per_epoch(config, reader),
        _loss(reader),
        _validation(config, reader),
        _peak(config, prediction, reader),
        _speed(reader),
        _rss(reader),
    ]


def blank() -> list[Card]:
    """Return the cards of settings that cannot be trained: nothing is known."""
    names = ("updates", "per_epoch", "loss", "accuracy", "peak", "speed", "rss")
    return [Card(say(f"card.{name}"), say("none"), "", "") for name in names]


def planned(config: RunConfig, reader: RunReader | None) -> int | None:
    """Return the planned updates: of the run once it has started, which knows them for a budget of seconds too."""
    record = reader.record if reader else None
    horizon: int | None = record.facts.get("horizon") if record else None
    return horizon or plan(config).total_updates


def updates_done(reader: RunReader) -> int:
    """Return the updates of a run: what it said at its end, before that what has been recorded."""
    record = reader.record
    return max(record.ended.updates if record and record.ended else 0, reader.updates)


def measured_per_epoch(reader: RunReader | None) -> int | None:
    """Return the updates counted in the first complete epoch."""
    return next((epoch.updates_in_epoch for epoch in reader.epochs if epoch.complete), None) if reader else None


def _updates(config: RunConfig, reader: RunReader | None) -> Card:
    total = planned(config, reader)
    label, help_ = say("card.updates"), say("card.updates.help")
    if reader is None:
        return Card(
            label, number(total) if total else say("none"), say("card.predicted" if total else "card.timed"), help_
        )
    done = updates_done(reader)
    value = say("card.updates.value", done=number(done), planned=number(total)) if total else number(done)
    share = math.floor(100 * done / total) if total else None
    return Card(label, value, say("card.timed") if share is None else say("card.updates.done", share=share), help_)


def _per_epoch(config: RunConfig, reader: RunReader | None) -> Card:
    predicted, measured = plan(config).updates_per_epoch, measured_per_epoch(reader)
    label, help_ = say("card.per_epoch"), say("card.per_epoch.help")
    if measured is None:
        return Card(label, number(predicted), say("card.predicted"), help_)
    if measured == predicted:
        return Card(label, number(measured), say("confirmed"), help_, confirmed=True)
    text = say("not_confirmed", predicted=number(predicted), measured=number(measured))
    return Card(label, number(measured), text, help_)


def _loss(reader: RunReader | None) -> Card:
    last = reader.last if reader else None
    value, detail = say("none"), say("card.no_update")
    if last:
        value, detail = loss_text(last.smoothed_loss), say("card.loss.detail", last=loss_text(last.loss))
    return Card(say("card.loss"), value, detail, say("card.loss.help"))


def _validation(config: RunConfig, reader: RunReader | None) -> Card:
    counts = config.spec.task == "classification"
    label = say("card.accuracy" if counts else "card.validation_loss")
    value, detail = say("none"), say("card.no_evaluation")
    for epoch in reversed(reader.epochs if reader else ()):
        if epoch.validation_loss is None:
            continue
        if epoch.validation_accuracy is not None:
            value = f"{100 * epoch.validation_accuracy:.1f}%"
            detail = say("card.accuracy.detail", loss=loss_text(epoch.validation_loss))
        else:
            value = loss_text(epoch.validation_loss)
            detail = say("card.validation.detail", epoch=number(epoch.epoch))
        break
    return Card(label, value, detail, say("card.validation.help"))


def _peak(config: RunConfig, prediction: Prediction | None, reader: RunReader | None) -> Card:
    label, help_, limit = say("card.peak"), say("card.peak.help"), config.memory_limit_bytes
    record = reader.record if reader else None
    measured = record.peak.bytes if record and record.peak else None
    predicted = prediction.peak.bytes if prediction else None
    size = measured if measured is not None else predicted
    if size is None:
        return Card(label, say("none"), say("card.peak.asking"), help_)
    if limit and size > limit:
        share = say("card.peak.over", limit=mib(limit))
    elif limit:
        share = say("card.peak.share", share=_percent(size / limit), limit=mib(limit))
    else:
        share = say("card.peak.no_limit")
    if measured is None:
        return Card(label, mib(size), share, help_)
    if measured == predicted:
        return Card(label, mib(size), say("card.peak.equal"), help_, confirmed=True)
    key = "card.peak.needs" if record and record.state == "out_of_memory" else "card.peak.unequal"
    return Card(label, mib(size), say(key, predicted=mib(predicted)) if predicted else share, help_)


def _speed(reader: RunReader | None) -> Card:
    last = reader.last if reader else None
    value, detail = say("none"), say("card.no_update")
    if last and last.seconds > 0:
        value = say("card.speed.value", rate=number(round(last.examples_seen / last.seconds, -1)))
        detail = say("card.speed.detail", elapsed=f"{last.seconds:,.1f}")
    return Card(say("card.speed"), value, detail, say("card.speed.help"))


def _rss(reader: RunReader | None) -> Card:
    last = reader.last if reader else None
    value = mib(last.rss_bytes, digits=0) if last and last.rss_bytes else say("none")
    return Card(say("card.rss"), value, say("card.rss.detail" if last else "card.rss.none"), say("card.rss.help"))


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.01 else f"{100 * share:.1f}"


def loss_text(value: float) -> str:
    """Return a loss with four significant digits; a word where it is no number."""
    return f"{value:,.4g}" if math.isfinite(value) else "\u221e"
