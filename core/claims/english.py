"""The English words of the claims, for a screen and for a terminal alike."""

from __future__ import annotations

ENGLISH: dict[str, str] = {
    # The claims: what the article says, in English, and how it is put to the test.
    "claim.C1": "Memory does not allow to learn from all pictures at once",
    "claim.C1.test": "Ask whether a batch of all examples fits 4 MiB: 1,437 digits with a linear model, 10,000 photos "
    "with an MLP, and those photos in ten parts. Then let a full batch and a batch of 32 see equally many examples.",
    "claim.C1.lesson": "Memory decides for some models and limits, and accumulation gets past it. The deeper reason "
    "for small batches is what each example buys.",
    "claim.C2": "100 pictures are the batch size, and the 100 bundles are the batch",
    "claim.C2.lesson": "A slip of words. A **batch** is one bundle. 100 is the **batch size**, and the other 100 is "
    "the **number of batches**, which is also the number of updates of an epoch. Every page here uses them so.",
    "claim.C3": "Weights are updated batch by batch",
    "claim.C3.test": "Hash all weights before and after every batch of an epoch: plainly, with four batches "
    "accumulated, and in half precision with a loss scale that is too high at first.",
    "claim.C3.lesson": "Weights change with every step of the optimizer. That is every batch, unless gradients are "
    "accumulated or a step is left out because they overflowed.",
    "claim.C4": "100 pictures / 100 batches / 100 updates, 1,000 pictures / 10 batches / 10 updates (in 1 epoch)",
    "claim.C4.test": "Train one epoch of 10,000 examples at 100 and at 1,000 a batch and count; then deal out epochs "
    "of 500 random sizes, with accumulation and dropped last batches.",
    "claim.C4.lesson": "The table is right. In general an epoch has ceil(N/B) batches and ceil(that/k) updates, and "
    "updates per epoch times epochs explains most of what is said about small and large batches.",
    "claim.C5": "(With 100 a batch) learning proceeds slowly",
    "claim.C5.test": "Train a small and a large batch for equal epochs, then for equal updates, and see who is nearer "
    "to the optimum; then time an epoch of each.",
    "claim.C5.lesson": "An epoch of small batches takes longer, and it brings far more: it has more updates. "
    "Update for update there is no difference as long as gradient noise does not matter yet.",
    "claim.C6": "When the direction is wrong, (a small batch) may find it hard to turn towards the optimum",
    "claim.C6.test": "Push the weights across a narrow valley and count the updates until they are back, with a small "
    "and a large batch; measure the angle between an update and the next in real trainings.",
    "claim.C6.lesson": "The batch size hardly matters for the way back, and small batches turn more. What makes it "
    "hard to turn is a small learning rate, or high momentum.",
    "claim.C7": "(With 1,000 a batch) learning proceeds in large strides and fast",
    "claim.C7.test": "Let the weights stand still halfway to the optimum, draw 300 batches of each size, and measure "
    "how long their updates would be.",
    "claim.C7.lesson": "At one rate a larger batch makes shorter strides: less noise adds to their length. They get "
    "long by the larger rate that a cleaner gradient permits.",
    "claim.C8": "An out-of-memory error may occur",
    "claim.C8.test": "Predict the largest batch of the CNN under 4 MiB (simulated), run it and one more for real, and "
    "then get past it by accumulation, half precision and activation checkpointing.",
    "claim.C8.lesson": "Memory is a straight line in the batch size, and its fixed part does not move. Not the batch "
    "is limited, but what has to be kept of it at once.",
    "claim.C9": "(A large batch) may not converge near the optimum",
    "claim.C9.test": "Train both batches with the same budget of epochs, at one rate and at a scaled one; with the "
    "same number of updates, at a low and a high rate; and at a rate beyond what the curvature allows.",
    "claim.C9.lesson": "Three different things are called by this name: too few updates, which is true; batch size "
    "itself, which is not; and a rate scaled up too far, which is true again.",
    "claim.C10": "Hence a learning rate that changes by itself from large to small",
    "claim.C10.test": "Compare a constant rate with a cosine for a small and a large batch at a high rate; then let "
    "the batch grow where the rate would fall.",
    "claim.C10.lesson": "Decay pays, and most for the small batch, whose noise it calms. Raising the batch size "
    "instead does the same. Most schedules are fixed functions of the update: nothing about them is automatic.",
    "claim.C11": "Batch normalisation works by reducing internal covariate shift",
    "claim.C11.test": "Train a deep network without normalisation, with it, and with it but its outputs moved about at "
    "random, so that the inputs of its layers shift more than without any.",
    "claim.C11.lesson": "It helps even where the shift is larger (as Santurkar et al. found in 2018). And it is no "
    "longer the same function for every batch size: one example is refused, two become plus and minus one.",
    "claim.C12": "So that you can explain it calmly in an interview",
    "claim.C12.lesson": "What all this is for. Say what was held fixed, give the number, name the condition.",
    # What is compared, and under which conditions.
    "arm.C1.digits_at_once": "All digits in one batch",
    "arm.C1.digits_at_once.found": "{examples} examples need {peak} of {limit}",
    "arm.C1.photos_at_once": "All photos in one batch",
    "arm.C1.photos_at_once.found": "{examples} examples need {peak} of {limit}",
    "arm.C1.photos_in_parts": "The same photos, accumulated",
    "arm.C1.photos_in_parts.found": "in {parts} parts of {part} the batch {fits}, and their mean is the same gradient",
    "arm.C1.what_it_costs": "Equal examples, tuned rates",
    "arm.C3.every_batch": "Plain batches",
    "arm.C3.every_batch.found": "{changes} changes of the weights in {batches} batches, {predicted} predicted",
    "arm.C3.accumulated": "Four batches accumulated",
    "arm.C3.accumulated.found": "{changes} changes of the weights in {batches} batches, {predicted} predicted",
    "arm.C3.overflow": "Half precision, overflowing",
    "arm.C3.overflow.found": "{changes} changes of the weights in {batches} batches: {skipped} steps left out",
    "arm.C4.article_table": "The article's table",
    "arm.C4.article_table.found": "{updates_100} updates counted at 100 a batch, {updates_1000} at 1,000",
    "arm.C4.any_sizes": "The full formula for any sizes",
    "arm.C4.any_sizes.found": "it is right in {formula} of {combinations} epochs, plain N/B in {plain}",
    "arm.C5.equal_epochs": "Equal epochs, one rate",
    "arm.C5.equal_updates": "Equal updates, one rate",
    "arm.C5.clock": "Seconds for an epoch",
    "arm.C6.wrong_step": "Way back after a wrong step",
    "arm.C6.angle": "Angle between updates",
    "arm.C6.lower_rate": "Way back at a lower rate",
    "arm.C6.momentum": "Way back with momentum",
    "arm.C7.one_rate": "One rate",
    "arm.C7.scaled_rate": "Rate scaled with the batch",
    "arm.C7.gradient_law": "The law of strides",
    "arm.C7.gradient_law.found": "slope and intercept within {slope_errors} and {intercept_errors} standard errors of "
    "the law in all seeds ({within} allowed)",
    "arm.C8.at_the_limit": "At the limit",
    "arm.C8.at_the_limit.found": "{largest} a batch, the largest that is predicted to fit, {fits}, and {next} "
    "{next_fits}; peak on a straight line, R\u00b2 = {r_squared}",
    "arm.C8.accumulated": "The same batch, accumulated",
    "arm.C8.accumulated.found": "{batch_size} a batch in two halves {fits}",
    "arm.C8.half_precision": "The same batch in bfloat16",
    "arm.C8.half_precision.found": "{batch_size} a batch {fits}",
    "arm.C8.checkpointed": "With activation checkpointing",
    "arm.C8.checkpointed.found": "{largest} a batch {fits}",
    "arm.C9.equal_epochs": "Equal epochs, one rate",
    "arm.C9.scaled_rate": "Equal epochs, rate scaled",
    "arm.C9.equal_updates": "Equal updates, low rate",
    "arm.C9.equal_updates_high_rate": "Equal updates, high rate",
    "arm.C9.beyond_curvature": "Rate scaled beyond the curvature",
    "arm.C10.small_batch": "Cosine, small batch",
    "arm.C10.large_batch": "Cosine, large batch",
    "arm.C10.who_gains": "The large batch gains more",
    "arm.C10.batch_instead": "A growing batch instead",
    "arm.C11.thrown_about": "Outputs moved about at random",
    "arm.C11.more_shift": "How far its inputs shift",
    "arm.C11.normalised": "Plain batch normalisation",
    "arm.C11.two_modes": "Training against evaluation mode",
    "arm.C11.batch_of_one": "A batch of one",
    "arm.C11.batch_of_one.found": "is refused: there is nothing to compare it with",
    "arm.C11.batch_of_two": "A batch of two",
    "arm.C11.batch_of_two.found": "every value becomes plus or minus {smallest} to {largest}, whatever it was",
    "arm.C11.scatter": "How a batch's variance scatters",
    "arm.C11.scatter.found": "within {errors} standard errors of sqrt(2/(B-1)) at every size ({within} allowed)",
    # What was measured.
    "metric.excess_loss": "Loss above the optimum",
    "metric.seconds": "Seconds an epoch",
    "metric.updates_back": "Updates until back",
    "metric.angle": "Degrees between updates",
    "metric.update_length": "Length of an update",
    "metric.gain": "Loss saved by decay",
    "metric.train_loss": "Training loss",
    "metric.shift": "Shift of a layer's inputs, in deviations",
    "metric.gap": "Distance between the modes' losses",
    # What was held fixed.
    "fixed.data": "data",
    "fixed.start": "initial weights",
    "fixed.order": "order of examples",
    "fixed.epochs": "epochs",
    "fixed.updates": "updates",
    "fixed.examples": "examples",
    "fixed.rate": "learning rate",
    "fixed.peak_rate": "peak rate",
    "fixed.rate_per_example": "rate / batch size",
    "fixed.rate_per_root": "rate / root of the batch size",
    "fixed.seconds": "seconds",
    "fixed.effective_rate": "rate / (1 - momentum)",
    "fixed.batch_size": "batch size",
    "fixed.memory_limit": "memory limit",
    "fixed.model": "model",
    "fixed.optimizer": "optimizer",
    "fixed.gradient": "gradient",
    "fixed.machine": "this machine",
    "fixed.tuning": "tries at the rate",
    "fixed.weights": "weights",
    # An arm by what tells it from the other.
    "with.batch_size": "B = {value}",
    "with.lr": "rate {value}",
    "with.schedule.constant": "constant",
    "with.schedule.cosine": "cosine",
    "with.schedule.falls": "rate falls",
    "with.schedule.grows": "batch grows",
    "with.norm.none": "none",
    "with.norm.batch": "batch norm",
    "with.norm.noisy": "batch norm, moved about",
    "with.momentum": "momentum {value}",
    # The verdict line.
    "told.within": "within {margin}%; ",
    "told.percent": "{arm} is {percent}% {direction} ({low} to {high})",
    "told.times": "{arm} is {times} times {direction} ({low} to {high})",
    "told.same": "{arm} is the same to the digit",
    "told.diverged": "diverged: {first} of {seeds} against {second} of {seeds}",
    "told.p": "p = {p} ({corrected} corrected)",
    "told.measured": "{metric}: {found}",
    "told.seeds": "{seeds} seeds",
    "told.fixed": "Fixed: {fixed}.",
    "told.fits": "gets through",
    "told.fits_not": "runs out",
    "direction.higher": "higher",
    "direction.lower": "lower",
    "holds.under": "Holds: {arms}.",
    "fails.under": "Does not: {arms}.",
    "open.under": "Open: {arms}.",
}
