"""Every word on the screen in English, by key. Codes of the engine have their sentences in core.words.messages."""

from __future__ import annotations

from ui.shell.english_change import CHANGE
from ui.shell.english_claims import CLAIMS
from ui.shell.english_compare import COMPARE
from ui.shell.english_memory import MEMORY
from ui.shell.english_pictures import PICTURES
from ui.shell.english_schedules import SCHEDULES
from ui.shell.english_setup import SETUP

ENGLISH: dict[str, str] = (
    SETUP
    | MEMORY
    | PICTURES
    | CLAIMS
    | COMPARE
    | SCHEDULES
    | CHANGE
    | {
        "app.title": "Batch Lab",
        "page.live": "Train live",
        "page.about": "About",
        "none": "\u2014",
        "confirmed": "predicted = measured",
        "confirmed.epoch": "an epoch: predicted = measured",
        "not_confirmed": "predicted {predicted}, measured {measured}",
        # Controls.
        "control.start": "Start",
        "control.restart": "Restart",
        "control.start.help": "Train these settings from the beginning",
        "control.restart.help": "Stop this run and train the form's settings from the beginning",
        "control.start.refused": "These settings cannot be trained: {reason}",
        "control.stop": "Stop",
        "control.stop.help": "End this run; what it has recorded is kept",
        "control.pause": "Pause",
        "control.pause.help": "Stand still after this update",
        "control.resume": "Resume",
        "control.resume.help": "Go on",
        "control.one_update": "One update",
        "control.one_update.help": "Make one update and stand still; without a run, begin one",
        "control.one_epoch": "One epoch",
        "control.one_epoch.help": "Go on to the end of the epoch and stand still; without a run, begin one",
        "control.idle": "No run is active.",
        "control.shortcut": "{what} ({keys})",
        "control.csv": "CSV",
        "control.csv.help": "Download every update of this run: loss, rate, gradient norm, examples, seconds",
        "control.csv.none": "There is nothing to download before the first update.",
        "control.link": "Link",
        "control.link.help": "A link to these settings",
        "control.link.text": "This address sets everything up as it is in the form, without the run.",
        # States.
        "state.none": "Ready",
        "state.none.more": "The cards show what these settings will do. Start trains them.",
        "state.refused": "Invalid settings",
        "state.recorded": "Recorded",
        "state.recorded.more": "A finished run of these settings, recorded on {date}. Start trains it here.",
        "state.queued": "Starting the engine",
        "state.queued.place": "Waiting, place {place} in the queue",
        "state.starting": "Starting",
        "state.running": "Running",
        "state.paused": "Paused at update {updates} of {planned}",
        "state.finished": "Finished",
        "state.stopped": "Stopped at update {updates} of {planned}",
        "state.out_of_memory": "Out of memory (simulated)",
        "state.diverged": "Diverged at update {updates} of {planned}",
        "state.failed": "Failed at update {updates} of {planned}",
        "state.planned_unknown": "a number still to be timed",
        "differs": "Showing {shown}; the form is set to {form}",
        "differs.start": "Start these settings",
        "differs.take": "Take the run's settings",
        "differs.more": "{first} and {count} more",
        "run.unknown": "The run in this address is not known here: it may have been made on another machine or deleted. "
        "The settings are those of the address.",
        "store.fresh": "{reason}. Runs are kept in {where} meanwhile.",
        "store.lost": "The database does not answer: {reason}.",
        "url.several": "Not everything in this address can be used:",
        "url.used": "{reason}. Used instead: {value}.",
        "url.ignored": "{reason}. It was left out.",
        "oom.forward": "{live} of the simulated device's {limit} were in use during the {phase} pass{module}, which asked "
        "for {requested} more: {aside}{over} over the limit.",
        "oom.optimizer": "{live} of the simulated device's {limit} were in use in the optimizer's step, which asked for "
        "{requested} more: {aside}{over} over the limit.",
        "oom.evaluation": "{live} of the simulated device's {limit} were in use during the evaluation{module}, which asked "
        "for {requested} more: {aside}{over} over the limit.",
        "oom.module": " in {module}",
        "oom.aside": "with {aside} set aside as workspace, ",
        "oom.fits": "The largest batch that fits is {largest}.",
        "oom.fits_none": "No batch size fits under this limit.",
        "oom.real": "No real memory ran out.",
        # What the end of a run says, by its verdict.
        "story.running": "Epoch {epoch}; the rate is {rate}, the norm of the gradient {norm}.",
        "verdict.converged": "**Converged**: the loss came from {initial_loss} down to {final_loss} and has stopped "
        "falling.",
        "verdict.converged.slow": "**Converged** as the rate ran out, {rate_share}% of its peak being left: the loss came "
        "from {initial_loss} to {final_loss} and has stopped falling. A longer run may go lower.",
        "verdict.still_falling": "**Still falling**: the loss came from {initial_loss} down to {final_loss}, and more "
        "updates would lower it further.",
        "verdict.too_few_updates": "**Too few updates**: {updates} took the loss from {initial_loss} to {final_loss}.",
        "verdict.other_batch": "The same budget makes {other_updates} of them at {other_batch_size} a batch.",
        "verdict.rate_died_early": "**The rate died early**: after update {alive_updates} it was under 1% of its peak, and "
        "the {dead_updates} updates left hardly moved the weights; the loss stands at {final_loss}.",
        "verdict.slope": "In updates {tail_first_update} to {tail_last_update} it fell by {fall_loss} (95% interval "
        "{fall_low_loss} to {fall_high_loss}).",
        "verdict.slope.slight": "In updates {tail_first_update} to {tail_last_update} it still fell by {fall_loss}, under "
        "1% of the way.",
        "verdict.slope.up": "In updates {tail_first_update} to {tail_last_update} it rose by {change} (95% interval {low} "
        "to {high}).",
        "verdict.slope.level": "In updates {tail_first_update} to {tail_last_update} its change of {change} is not "
        "distinguishable from zero (95% interval {low} to {high}).",
        "verdict.unclear": "**Cannot tell**: the loss came from {initial_loss} to {final_loss}, and scatters too much to "
        "say whether it still falls.",
        "verdict.thrashing": "**Thrashing**: the loss had come down to {before_climb_loss}, went up by {climb_loss} by "
        "update {climb_update} and ended at {final_loss}. A rate of {lr} is too high for {size} a batch; lower it.",
        "verdict.learned_nothing": "**Learned nothing**: the loss began at {initial_loss} and ended at {final_loss}. A "
        "rate of {lr} is far too low, or so high that it broke the model.",
        "verdict.reached_target": "**Reached the target**: the validation loss fell to {target_loss} after {updates} "
        "updates.",
        "verdict.stopped.falling": "The loss stood at {final_loss} and was still falling.",
        "verdict.stopped.level": "The loss stood at {final_loss}.",
        "verdict.diverged.nan": "The loss of update {update} is not a number. A rate of {lr} is too high for {size} a "
        "batch: lower it, or warm it up.",
        "verdict.diverged.infinite": "The loss of update {update} is infinite. A rate of {lr} is too high for {size} a "
        "batch: lower it, or warm it up.",
        "verdict.diverged.high": "The loss of update {update} is {loss}, a thousand times the initial one or more. A rate "
        "of {lr} is too high for {size} a batch: lower it, or warm it up.",
        "verdict.unchanged": "{count} updates changed nothing: their rate was 0.",
        "not_enough_memory": "The run needs {needed} of this machine's memory and {free} are free",
        # Remedies.
        "remedy.batch_size": "Use {value}",
        "remedy.batch_size.help": "Sets the batch size in the setup; Start trains it.",
        "remedy.drop_last.True": "Drop the last batch",
        "remedy.drop_last.False": "Keep the last batch",
        "remedy.norm": "Use no normalisation",
        "remedy.model": "Use the linear model",
        "remedy.schedule_batch_size": "Lay it out for the run's own",
        "remedy.and": "{first}; {second}",
        # Cards.
        "card.updates": "Updates",
        "card.updates.help": "Weight updates done, of those planned.",
        "card.updates.value": "{done} / {planned}",
        "card.predicted": "predicted",
        "card.counted": "counted",
        "card.timed": "timed at the start",
        "card.updates.seconds": "{share}% of the time; about {planned}",
        "card.updates.done": "{share}% done",
        "card.per_epoch": "Updates per epoch",
        "card.per_epoch.help": "Weight updates in one pass over the data: predicted from the sizes, then counted.",
        "card.loss": "Training loss",
        "card.loss.help": "The mean loss of each update, smoothed.",
        "card.loss.detail": "smoothed; last {last}",
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
        "card.peak.equal": "{share}, as predicted",
        "card.peak.needs": "in use; needs {predicted}",
        "card.peak.unequal": "predicted {predicted}",
        "card.speed": "Speed",
        "card.speed.help": "Examples trained a second, evaluation and pauses left out.",
        "card.speed.value": "{rate} /s",
        "card.speed.left": "{left} left",
        "card.speed.took": "examples; took {elapsed}",
        # Charts.
        "chart.loss": "Loss",
        "chart.loss.cut": "cut off: up to {highest}",
        "chart.loss.ghost.other": "before: {name} {value}",
        "chart.loss.ghost": "before: {size} a batch",
        "chart.rate": "Learning rate",
        "chart.rate.here": "you are here",
        "chart.rate.intended": "laid out for {size} a batch",
        "chart.memory": "Peak memory of one update",
        "chart.memory.limit": "simulated limit {limit}",
        "chart.memory.far": "simulated limit {limit} \u2192",
        "chart.memory.rss": "real process memory: {rss}, not limited",
        "chart.rate.plateau": "Depends on the run: halved when the validation loss stops falling.",
        "chart.rate.seconds": "The plan is laid out once the start has been timed.",
        "chart.rhythm.this": "{size} a batch",
        "chart.rhythm.this.thinned": "{size} a batch, every {every}th",
        "chart.rhythm.before": "before: {size} a batch",
        "chart.rhythm.before.thinned": "before: {size} a batch, every {every}th",
        "chart.loss.alt": "Training loss of each update and smoothed, validation loss, and the run before",
        "chart.log_loss.alt": "Training loss of each update and smoothed, validation loss, and the run before, logarithmic",
        "chart.rate.alt": "Learning rate planned and actual, against updates",
        "chart.small_rate.alt": "Learning rate that these settings plan, against updates",
        "chart.memory.alt": "Peak memory by category, predicted and measured, against the simulated limit",
        "chart.gradient.alt": "Norm of the gradient of each update",
        "chart.rss.alt": "Resident memory of the training process over time",
        "chart.rhythm.alt": "One epoch with a stroke at every update, beside that of the run before",
        "chart.confusion.alt": "Validation examples by true class and by the model's answer",
        "chart.plane.alt": "The plane as the model divides it between the two classes, with training points",
        "option.x": "X axis",
        "option.log": "log",
        "option.smoothing": "Smoothing",
        "option.smoothing.value": "{beta:g}",
        "option.smoothing.help": "An exponential average over about 1 / (1 - value) updates, debiased; it never moves what "
        "it has drawn. 0 draws every update as it is.",
        "option.x.updates": "updates",
        "option.x.epochs": "epochs",
        "option.x.examples": "examples",
        "option.x.seconds": "seconds",
        "depth": "More about this run",
        "depth.plane": "Decision boundary",
        "depth.gradient": "Gradient norm",
        "depth.rss": "Memory over time",
        "depth.rhythm": "Update rhythm",
        "depth.batch": "Last batch",
        "depth.confusion": "Confusion matrix",
        "depth.gradient.about": "The norm (length) of the gradient of each update. A larger batch averages more examples: "
        "less noise, a shorter and steadier gradient.",
        "depth.rss.about": "What the training process holds of this machine's own memory. It has nothing to do with the "
        "simulated limit.",
        "depth.rhythm.about": "One epoch, and a stroke wherever the weights change. What is filled has been done in the "
        "present epoch.",
        "depth.batch.about": "The newest batch: {shown} of its {size} examples{more}.",
        "depth.batch.more": ", and {count} more",
        "depth.batch.none": "There is no batch before the first update.",
        "depth.batch.no_pictures": "These examples are rows of numbers, there is nothing to look at. The newest batch "
        "has {size} of them.",
        "depth.batch.label": "class {label}",
        "depth.confusion.about": "Validation examples of the newest evaluation: rows are the true class, columns the "
        "model's answer. What is off the diagonal is wrong.",
        "depth.confusion.none": "There is no evaluation yet.",
        "depth.confusion.regression": "A regression has no classes to mix up.",
        "depth.plane.about": "What the model answers all over the plane after update {update}: the deeper the colour, the "
        "more confident. Rings mark examples of the last batch.",
        "depth.building": "The data set is being built, once on this machine; a few seconds.",
        "depth.none": "There is nothing to see before the first update.",
        "axis.updates": "updates",
        "axis.epochs": "epochs",
        "axis.examples": "examples seen",
        "axis.seconds": "seconds of training",
        "axis.update": "update",
        "axis.x": "at",
        "axis.loss": "loss",
        "axis.rate": "learning rate",
        "axis.rate.short": "rate",
        "axis.memory": "memory (MiB)",
        "axis.rss": "resident memory (MiB)",
        "axis.gradient": "norm of the gradient",
        "axis.within_epoch": "examples into the epoch",
        "axis.answer": "the model's answer",
        "axis.truth": "true class",
        "axis.count": "examples",
        "axis.share": "share of the class",
        "axis.first": "first coordinate",
        "axis.second": "second coordinate",
        "axis.category": "category",
        "axis.row": "peak",
        "series.done": "done in this epoch",
        "series.to come": "to come",
        "series.before": "the run before",
        "series.class 0": "class 0",
        "series.class 1": "class 1",
        "series.loss": "each update",
        "series.smoothed_loss": "smoothed",
        "series.validation_loss": "validation",
        "series.planned": "planned",
        "series.actual": "actual",
        "series.predicted": "predicted",
        "series.measured": "measured",
        "series.parameters": "parameters",
        "series.gradients": "gradients",
        "series.optimizer state": "optimizer",
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
    }
)
