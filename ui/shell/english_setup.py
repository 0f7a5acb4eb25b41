"""The English words of the setup: its form, the arithmetic in a sentence, and what to be careful with, by key."""

from __future__ import annotations

SETUP: dict[str, str] = {
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
    "form.article": "{size} a batch",
    "form.article.help": "The classic pair to compare: 10,000 images make 100 batches of 100, or 10 of 1,000.",
    "form.schedule_batch_size": "Plan schedule for batch size",
    "form.schedule_batch_size.help": "Builds the schedule for another batch size than the run has, as a program does "
    "that forgets to count the updates anew. Empty: for the run's own.",
    "form.needs": "Peak **{peak}** of {limit}, predicted \u00b7 fits up to **{largest}**",
    "form.needs_over": ":red[:material/warning: Peak **{peak}**, over the limit of {limit} \u00b7 fits up to "
    "**{largest}**]",
    "form.needs_none": ":red[:material/warning: Peak **{peak}**, over the limit of {limit} \u00b7 no batch size fits]",
    "form.needs_no_limit": "Peak **{peak}**, predicted \u00b7 no limit",
    "form.needs_asking": "Predicting the peak \u2026",
    "dataset.photos10k": "{examples} images of 16\u00d716, made from 1,437 real digit scans.",
    "dataset.photos10k.more": "scikit-learn's scans are split first, then moved, turned and scaled a little. "
    "Validation: {validation} images made from the other 360 scans.",
    "dataset.digits": "{examples} of scikit-learn's real digit scans, 8\u00d78, as they are.",
    "dataset.digits.more": "Validation: the other {validation}.",
    "dataset.noisy-digits": "{examples} of scikit-learn's real digit scans, 144 of them under a wrong label.",
    "dataset.noisy-digits.more": "10% of the training labels were flipped to another digit at random, so that no "
    "linear model fits them all. Validation: the other {validation}, all under their true label.",
    "dataset.linear": "{examples} made-up examples of a noisy linear regression, 32 inputs.",
    "dataset.linear.more": "The best possible model has an expected loss of 0.05, half the noise's variance. "
    "Validation: {validation} more.",
    "dataset.mixture": "{examples} made-up examples of a mixture of ten Gaussians, 20 inputs and a constant.",
    "dataset.mixture.more": "The ten overlap a little. The constant serves the linear model as its bias. "
    "Validation: {validation} more of the same ten.",
    "dataset.moons": "{examples} made-up points on two half circles that reach into each other.",
    "dataset.moons.more": "With noise; validation: {validation} more.",
    "dataset.spirals": "{examples} made-up points on two spiral arms wound into each other.",
    "dataset.spirals.more": "No straight line can tell them apart. Validation: {validation} more.",
    # Settings inside a sentence, where their label would not do.
    "setting.budget_value": "Budget",
    "setting.drop_last": "Dropping the last batch",
    "setting.hidden": "Hidden layers",
    "setting.memory_limit_mb": "Memory limit (MiB)",
    "setting.schedule_batch_size": "The schedule's batch size",
    "setting.target_loss": "Target loss",
    "setting.warmup": "Warm-up",
    "setting.lr": "Learning rate",
    # The arithmetic.
    "sum.batches": "**{examples}** examples \u00f7 **{size}** a batch = **{batches}** {batches_word}",
    "sum.batch.one": "batch",
    "sum.batch.many": "batches",
    "sum.short": " (the last batch has {last} {word}, each weighs {weight}\u00d7)",
    "sum.short_window": " (the last update has {last} {word}, each weighs {weight}\u00d7)",
    "sum.dropped": " (the last {rest} dropped)",
    "sum.accumulate": " \u00f7 {accumulate} accumulated",
    "sum.per_epoch": " \u2192 :blue[**{updates} {word} per epoch**]",
    "sum.example.one": "example",
    "sum.example.many": "examples",
    "sum.second.one": "second",
    "sum.second.many": "seconds",
    "sum.update.one": "update",
    "sum.update.many": "updates",
    "sum.epochs": " \u00d7 {value} {word} = **{total} {total_word}**",
    "sum.epoch.one": "epoch",
    "sum.epoch.many": "epochs",
    "sum.updates": "; a budget of **{total} {total_word}** is {epochs} {word}",
    "sum.examples": "; **{value} {word}** make **{total} {total_word}**",
    "sum.share": "The gradient of an update is the mean over {seen} {word}, {share}% of the data.",
    "sum.refused": "Fix the setting to start.",
    "sum.seconds": "; how many fit into **{value} {word}** is timed at the start",
    # What to be careful with before a start.
    "caution.will_run_out": "This will run out of memory: {peak} are needed at the peak and the simulated device has "
    "{limit}. The largest batch that fits is {largest}.",
    "caution.will_run_out.none": "This will run out of memory: {peak} are needed at the peak and the simulated device "
    "has {limit}. No batch size fits.",
    "caution.one_update_per_epoch": "One update an epoch: the batch is the whole data set.",
    "caution.few_updates": "Only {total} updates in all: the loss will hardly move.",
    "caution.batch_norm_of_few": "Batch normalisation takes its means over {size} examples: they will be noisy.",
    "caution.high_rate_for_adam": "{lr} is a high rate for Adam; 0.001 is usual.",
    "caution.horizon_too_short": "The schedule is laid out for {size} a batch, so for {horizon} updates, and this run "
    "makes {total}: the rate is 0 after {horizon}, in epoch {epoch}. Planning it for {own} a batch "
    "mends it.",
    "caution.horizon_too_short_low": "The schedule is laid out for {size} a batch, so for {horizon} updates, and this "
    "run makes {total}: the rate is at its lowest after {horizon}, in epoch {epoch}. Planning it for {own} a "
    "batch mends it.",
    "caution.horizon_too_long": "The schedule is laid out for {size} a batch, so for {horizon} updates, and this run "
    "makes {total}: the rate never gets to its end.",
}
