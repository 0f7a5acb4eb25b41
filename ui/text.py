"""Every word on the screen, by key. Codes of the engine have their sentences in core.messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config import FIELDS
from core.messages import sentence

LANGUAGE = "en"
MIB = 2**20

ENGLISH: dict[str, str] = {
    "app.title": "Batch Lab",
    "page.live": "Train live",
    "page.about": "About",
    "none": "\u2014",
    # The setup form.
    "form.title": "Setup",
    "form.more": "More",
    "form.dataset": "Data set",
    "form.model": "Model",
    "form.batch_size": "Batch size",
    "form.batch_size.help": "How many examples go into one batch. One batch, one update (unless gradients are "
    "accumulated): a smaller batch means more updates per epoch.",
    "form.batch_size.slider": "Batch size, logarithmic",
    "form.schedule": "Learning-rate schedule",
    "form.lr": "Peak learning rate",
    "form.budget_value.epochs": "Epochs",
    "form.budget_value.updates": "Updates",
    "form.budget_value.examples": "Examples",
    "form.budget_value.seconds": "Seconds",
    "form.memory_limit_mb": "Memory limit (MiB, simulated)",
    "form.memory_limit_mb.help": "The capacity of the simulated device. A run that needs more ends with a simulated "
    "out-of-memory error; no real memory runs out.",
    "form.memory_limit_mb.slider": "Memory limit, logarithmic",
    "form.budget": "Budget",
    "form.optimizer": "Optimizer",
    "form.accumulate": "Accumulate",
    "form.accumulate.help": "How many batches share one update: their gradients are averaged before it.",
    "form.drop_last": "Drop the last, shorter batch",
    "form.norm": "Normalisation",
    "form.hidden": "Hidden layers (MLP)",
    "form.hidden.help": "The widths of the hidden layers, such as 128-64.",
    "form.sampling": "Sampling",
    "form.sampling.help": "shuffle: every example once an epoch. iid: as many draws, each from all examples.",
    "form.warmup": "Warm-up (share of all updates)",
    "form.momentum": "Momentum",
    "form.weight_decay": "Weight decay",
    "form.seed": "Seed",
    "form.target_loss": "Stop at validation loss",
    "form.fits": "Fits up to **{largest}** under the limit",
    "form.fits_over": ":red[Fits only up to **{largest}** under the limit]",
    "form.fits_none": "No batch size fits under the limit",
    "form.fits_asking": "Working out what fits \u2026",
    "dataset.photos10k": "{examples} images of 16x16, made from 1,437 of scikit-learn's real digit scans by small "
    "shifts, rotations and scalings. Validation: {validation} from the other 360.",
    "dataset.digits": "{examples} of scikit-learn's real digit scans, 8x8, as they are. Validation: the other "
    "{validation}.",
    "dataset.linear": "{examples} made-up examples of a noisy linear regression with 32 inputs. The best "
    "possible model has an expected loss of 0.1. Validation: {validation} more.",
    # The arithmetic.
    "sum.batches": "**{examples}** examples \u00f7 **{size}** a batch = **{batches}** {batches_word}",
    "sum.batch.one": "batch",
    "sum.batch.many": "batches",
    "sum.short": " (the last one of {last})",
    "sum.dropped": " (the last {rest} dropped)",
    "sum.accumulate": " \u00f7 {accumulate} accumulated",
    "sum.per_epoch": " \u2192 :blue[**{updates} {word} per epoch**]",
    "sum.update.one": "update",
    "sum.update.many": "updates",
    "sum.epochs": " \u00d7 {value} {word} = **{total} {total_word}**",
    "sum.epoch.one": "epoch",
    "sum.epoch.many": "epochs",
    "sum.updates": "; a budget of **{total} {total_word}** is {epochs} epochs",
    "sum.examples": "; **{value} examples** are **{total} {total_word}**",
    "sum.seconds": "; how many fit into **{value} seconds** is timed at the start",
    "sum.refused": "These settings cannot be trained; the reason is below.",
    "confirmed": "predicted = measured",
    "not_confirmed": "predicted {predicted}, measured {measured}",
    # Controls.
    "control.start": "Start",
    "control.restart": "Restart",
    "control.start.refused": "These settings cannot be trained: {reason}",
    "control.stop": "Stop",
    "control.pause": "Pause",
    "control.resume": "Resume",
    "control.idle": "No run is active",
    # States.
    "state.none": "Nothing has been trained yet. The cards show what these settings will do.",
    "state.queued": "Starting the engine",
    "state.queued.place": "Waiting, place {place} in the queue",
    "state.starting": "Starting",
    "state.running": "Running",
    "state.paused": "Paused at update {updates} of {planned}",
    "state.stopping": "Stopping",
    "state.finished": "Finished",
    "state.stopped": "Stopped at update {updates} of {planned}",
    "state.out_of_memory": "Out of memory (simulated)",
    "state.diverged": "Diverged at update {updates} of {planned}",
    "state.failed": "Failed at update {updates} of {planned}",
    "state.planned_unknown": "a number still to be timed",
    "state.unchanged": "{count} updates changed nothing: the rate was 0",
    "other_settings": "Showing the run with {shown}; the form says {form}.",
    "run.unknown": "The run in this address is not known here: it may have been made on another machine or deleted. "
    "The settings are those of the address.",
    "store.fresh": "{reason}. Runs are kept in {where} meanwhile.",
    "store.lost": "The database does not answer: {reason}.",
    "url.used": "{reason}. Used instead: {value}.",
    "url.ignored": "{reason}. It was left out.",
    "limit": "The simulated device has {limit} and was full during the {phase} pass{module}: {requested} more were "
    "needed, {over} over the limit.",
    "limit.optimizer": "The simulated device has {limit} and was full in the optimizer's step: {requested} more were "
    "needed, {over} over the limit.",
    "limit.evaluation": "The simulated device has {limit} and was full during the evaluation{module}: {requested} more "
    "were needed, {over} over the limit.",
    "limit.module": " in {module}",
    "limit.fits": "The largest batch that fits is {largest}.",
    "limit.fits_none": "No batch size fits under this limit.",
    "limit.real": "No real memory ran out.",
    "not_enough_memory": "The run needs {needed} of this machine's memory and {free} are free",
    # Remedies.
    "remedy.batch_size": "Use {value}",
    "remedy.drop_last.True": "Drop the last batch",
    "remedy.drop_last.False": "Keep the last batch",
    "remedy.norm": "Use no normalisation",
    "remedy.model": "Use the linear model",
    "remedy.and": "{first}; {second}",
    # Cards.
    "card.updates": "Updates",
    "card.updates.help": "Weight updates done, of those planned.",
    "card.updates.value": "{done} / {planned}",
    "card.predicted": "predicted",
    "card.measured": "measured",
    "card.timed": "timed at the start",
    "card.updates.done": "{share}% done",
    "card.per_epoch": "Updates per epoch",
    "card.per_epoch.help": "Weight updates in one pass over the data: predicted from the sizes, then counted.",
    "card.loss": "Training loss",
    "card.loss.help": "The mean loss of each update, smoothed.",
    "card.loss.detail": "last {last}",
    "card.no_update": "no update yet",
    "card.accuracy": "Validation accuracy",
    "card.accuracy.detail": "loss {loss}",
    "card.validation_loss": "Validation loss",
    "card.validation.help": "Measured on examples that the model is not trained on, after an epoch.",
    "card.validation.detail": "after epoch {epoch}",
    "card.no_evaluation": "no evaluation yet",
    "card.peak": "Peak memory",
    "card.peak.help": "The most bytes alive at once on the simulated device: parameters, gradients, activations, all.",
    "card.peak.asking": "working it out",
    "card.peak.over": "over the limit of {limit}",
    "card.peak.share": "{share}% of {limit}",
    "card.peak.no_limit": "no limit",
    "card.peak.equal": "= predicted",
    "card.peak.needs": "when full; needs {predicted}",
    "card.peak.unequal": "predicted {predicted}",
    "card.speed": "Speed",
    "card.speed.help": "Examples trained a second, evaluation and pauses left out.",
    "card.speed.value": "{rate} /s",
    "card.speed.detail": "examples; {elapsed} s",
    "card.rss": "Real memory",
    "card.rss.help": "What the training process holds of this machine's own memory. It has nothing to do with the "
    "simulated limit.",
    "card.rss.detail": "this machine's",
    "card.rss.none": "no process yet",
    # Charts.
    "chart.loss": "Loss",
    "chart.rate": "Learning rate",
    "chart.memory": "Memory at the peak of one update",
    "chart.rate.plateau": "Depends on the run: halved when the validation loss stops falling.",
    "chart.rate.seconds": "The plan is laid out once the start has been timed.",
    "chart.loss.alt": "Training loss of each update and smoothed, and validation loss, against updates",
    "chart.rate.alt": "Learning rate planned and actual, against updates",
    "chart.memory.alt": "Peak memory by category, predicted and measured, against the simulated limit",
    "chart.memory.limit": "simulated limit {limit}",
    "axis.update": "update",
    "axis.loss": "loss",
    "axis.rate": "learning rate",
    "axis.memory": "memory (MiB)",
    "axis.series": "series",
    "axis.category": "category",
    "axis.row": "peak",
    "series.loss": "each update",
    "series.smoothed_loss": "smoothed",
    "series.validation_loss": "validation",
    "series.planned": "planned",
    "series.actual": "actual",
    "series.predicted": "predicted",
    "series.measured": "measured",
    "series.parameters": "parameters",
    "series.gradients": "gradients",
    "series.optimizer state": "optimizer state",
    "series.activations": "activations",
    "series.batch": "batch",
    "series.temporary": "temporary",
    # About.
    "about.what": "Batch Lab trains a small PyTorch model in front of you and shows how the **batch size** decides the "
    "number of weight updates, the loss they reach and the memory they need. What can be computed beforehand is "
    "shown twice, predicted and measured.",
    "about.data": "Data sets",
    "about.machine": "This machine",
    "about.cores": "Cores, and trainings at once",
    "about.memory": "Free memory",
    "about.database": "Database of runs",
    "about.words": "Words",
    "about.words.text": "**Batch**: examples that are worked on together. **Update**: one change of the weights. "
    "**Epoch**: one pass over all examples. **Updates per epoch**: examples \u00f7 batch size, rounded up, because a "
    "shorter last batch is one too. **Effective batch size**: batch size \u00d7 accumulated batches. **Peak memory**: "
    "the most bytes alive at once in an update. **Memory limit**: the capacity of a *simulated* device; when a run "
    "needs more, it ends with a simulated out-of-memory error, and this machine's real memory is never at risk.",
}  # fmt: skip


def say(key: str, **values: Any) -> str:
    """Return the words for a key. Raises KeyError for an unknown key or a missing value."""
    return ENGLISH[key].format(**values)


def explain(code: str, values: Mapping[str, Any]) -> str:
    """Return the sentence for a code of the engine, with bytes as MiB where the screen has words of its own."""
    if code in ENGLISH:
        return say(code, **{name: mib(value) if isinstance(value, int) else value for name, value in values.items()})
    text = sentence(code, **values)
    return text if text.split()[0] in FIELDS else text[0].upper() + text[1:]


def number(value: float) -> str:
    """Return a number with thousands separators and no more digits than it has."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,g}"


def plain(value: Any) -> str:
    """Return a setting's value as it is written in the form."""
    if value is None:
        return say("none")
    if isinstance(value, list | tuple):
        return "-".join(map(str, value))
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def mib(size: float, digits: int = 2) -> str:
    """Return bytes in MiB, or GiB from 1,024 MiB on."""
    size_mib = size / MIB
    if size_mib >= 1024:
        return f"{size_mib / 1024:,.4g} GiB"
    return f"{number(size_mib) if float(size_mib).is_integer() else f'{size_mib:,.{digits}f}'} MiB"
