"""Make the metric cards of a run, or of the run that the settings describe.

To add a card, write a function that returns it and call the function in `cards`.
"""

from __future__ import annotations

import math

from core.run import smoothing
from core.run.changes import position
from core.run.config import RunConfig
from core.run.events import Prediction
from core.run.plan import plan
from core.store.reader import Last, RunReader
from ui.charts.reach import reach
from ui.kit import sparks
from ui.kit.card import Card
from ui.shell.text import count, duration, loss_text, mib, number, percent, say

UNTIMED = 200  # updates: stands for the plan of a budget of seconds until the first updates have been timed


def cards(config: RunConfig, prediction: Prediction | None, reader: RunReader | None) -> list[Card]:
    """Return all cards; without a reader they show what is predicted."""
    return [
        _updates(config, reader),
        _per_epoch(config, reader),
        _loss(config, reader),
        _validation(config, reader),
        _peak(config, prediction, reader),
        _speed(config, reader),
    ]


def blank() -> list[Card]:
    """Return the cards of settings that cannot be trained, which show no value."""
    return [Card(each.label, say("none"), "", "") for each in cards(RunConfig(), None, None)]


def planned(config: RunConfig, reader: RunReader | None) -> int | None:
    """Return the planned updates. A run that has started knows them for a budget of seconds too."""
    record = reader.record if reader else None
    horizon = record.facts.horizon if record else None
    total = plan(config).total_updates
    last = reader.last if reader and reader.inherited else None
    if horizon or not total or last is None or config.budget == "updates":
        return horizon or total
    return last.updates + max(0, total - position(config, last.examples_seen))  # it will continue another run


def window_of(config: RunConfig, reader: RunReader | None, *, share: float = smoothing.SHARE) -> int:
    """Return how many updates the moving average of a run covers: a share of those that fit on the axis of its chart.

    The card, the chart and the verdict show the same average.
    """
    total, has_begun = planned(config, reader), reader is not None and reader.updates > 0
    updates = reach(config, reader, total, "updates") if total or has_begun else UNTIMED
    return smoothing.window(int(updates), config.effective_batch_size, share=share)


def updates_done(reader: RunReader) -> int:
    """Return the updates of a run: the number it reported at its end, or the number recorded so far."""
    record = reader.record
    return max(record.ended.updates if record and record.ended else 0, reader.updates)


def measured_per_epoch(reader: RunReader | None) -> int | None:
    """Return the updates counted in the first complete epoch that the run trained from its beginning."""
    record = reader.record if reader else None
    if reader is None or record is None:
        return None
    first = record.facts.first
    own = (epoch for epoch in reader.epochs if epoch.complete and epoch.updates - epoch.updates_in_epoch >= first)
    return next((epoch.updates_in_epoch for epoch in own), None)


def is_confirmed(config: RunConfig, reader: RunReader | None) -> bool:
    """Return whether the updates of an epoch have been counted and equal the prediction."""
    return measured_per_epoch(reader) == plan(config).updates_per_epoch


def _updates(config: RunConfig, reader: RunReader | None) -> Card:
    total = planned(config, reader)
    label, help_ = say("card.updates"), say("card.updates.help")
    if reader is None:
        value, detail = (number(total), say("card.predicted")) if total else (say("none"), say("card.timed"))
        return Card(label, value, detail, help_, sparks.progress(0.0))
    done = updates_done(reader)
    if not total:
        return Card(label, number(done), say("card.timed"), help_)
    if config.budget == "seconds":
        last = reader.last
        share = 1.0 if reader.record and reader.record.state == "finished" else 0.0
        share = max(share, min(1.0, last.seconds / config.budget_value if last else 0.0))
        detail = say("card.updates.seconds", share=percent(math.floor(100 * share) / 100), planned=number(total))
        return Card(label, number(done), detail, help_, sparks.progress(share))
    share = done / total
    detail = say("card.updates.done", share=percent(math.floor(100 * share) / 100))
    value = say("card.updates.value", done=number(done), planned=number(total))
    return Card(label, value, detail, help_, sparks.progress(share))


def _per_epoch(config: RunConfig, reader: RunReader | None) -> Card:
    predicted, measured = plan(config).updates_per_epoch, measured_per_epoch(reader)
    label, help_ = say("card.per_epoch"), say("card.per_epoch.help")
    if measured is None:
        return Card(label, number(predicted), say("card.predicted"), help_, sparks.ticks(predicted))
    if measured == predicted:
        return Card(
            label,
            number(measured),
            say("confirmed"),
            help_,
            sparks.ticks(measured),
            confirmed=True,
            detail_unconfirmed=say("card.counted"),
        )
    text = say("not_confirmed", predicted=number(predicted), measured=number(measured))
    return Card(label, number(measured), text, help_, sparks.ticks(measured))


def _loss(config: RunConfig, reader: RunReader | None) -> Card:
    label, help_ = say("card.loss"), say("card.loss.help")
    if reader is None or not reader.updates:
        return Card(label, say("none"), say("card.no_update"), help_)
    window = window_of(config, reader)
    beta = smoothing.beta(window)
    picture = sparks.line(reader.sparkline("smoothed_loss", beta=beta))
    return Card(label, loss_text(float(reader.smoothed(beta)[-1])), count("card.loss.detail", window), help_, picture)


def _validation(config: RunConfig, reader: RunReader | None) -> Card:
    counts = config.spec.task == "classification"
    name = "accuracy" if counts else "validation_loss"
    label, help_ = say(f"card.{name}"), say(f"card.{name}.help")
    for epoch in reversed(reader.epochs if reader else ()):
        if reader is None or epoch.validation_loss is None:
            continue
        if epoch.validation_accuracy is None:
            detail = say("card.validation_loss.detail", epoch=number(epoch.epoch))
            picture = sparks.line(reader.sparkline("validation_loss"))
            return Card(label, loss_text(epoch.validation_loss), detail, help_, picture)
        detail = say("card.accuracy.detail", loss=loss_text(epoch.validation_loss))
        picture = sparks.line(reader.sparkline("validation_accuracy"))
        return Card(label, percent(epoch.validation_accuracy, 1), detail, help_, picture)
    return Card(label, say("none"), say("card.no_evaluation"), help_)


def _peak(config: RunConfig, prediction: Prediction | None, reader: RunReader | None) -> Card:
    label, help_, limit = say("card.peak"), say("card.peak.help"), config.memory_limit_bytes
    record = reader.record if reader else None
    measured = record.peak.bytes if record and record.peak else None
    predicted = prediction.peak.bytes if prediction else None
    size = measured if measured is not None else predicted
    if size is None:
        return Card(label, say("none"), say("card.peak.asking"), help_)
    picture = sparks.against_limit(size, limit)
    if measured is not None and predicted is not None and measured != predicted:
        key = "card.peak.needs" if record and record.state == "out_of_memory" else "card.peak.unequal"
        return Card(label, mib(size), say(key, predicted=mib(predicted)), help_, picture)
    kind = "no_limit" if not limit else "over" if size > limit else "share"
    equal = measured is not None and measured == predicted
    values = {"share": _percent(size / limit), "limit": mib(limit)} if limit else {}
    detail = say(f"card.peak.{kind}.equal" if equal else f"card.peak.{kind}", **values)
    return Card(label, mib(size), detail, help_, picture, confirmed=equal)


def _speed(config: RunConfig, reader: RunReader | None) -> Card:
    label, help_ = say("card.speed"), say("card.speed.help")
    last = reader.last if reader else None
    if reader is None or last is None or last.seconds <= 0:
        return Card(label, say("none"), say("card.no_update"), help_)
    value = say("card.speed.value", rate=number(round(last.examples_seen / last.seconds, -1)))
    total, record = planned(config, reader), reader.record
    per_update_s = _seconds_per_update(reader, last)
    # How many times longer the waits of a pace make the rest.
    stretch = max(1.0, 1 / (record.facts.pace * per_update_s)) if record and per_update_s else 1.0
    if record and record.ended:
        detail = say("card.speed.took", elapsed=duration(record.ended.elapsed_s))
    elif config.budget == "seconds":
        detail = say("card.speed.left", left=duration(max(0.0, config.budget_value - last.seconds) * stretch))
    elif total:
        detail = say("card.speed.left", left=duration((total - last.updates) * per_update_s * stretch))
    else:
        detail = ""
    return Card(label, value, detail, help_, sparks.line(reader.speeds()))


def _seconds_per_update(reader: RunReader, last: Last) -> float:
    """Return the mean time of an update; inherited updates count only until the run has made one of its own."""
    first = reader.inherited
    if 0 < first < last.updates:
        return (last.seconds - float(reader.seconds[first - 1])) / (last.updates - first)
    return last.seconds / last.updates


def _percent(share: float) -> str:
    return percent(share, 0 if share >= 0.01 else 1)
