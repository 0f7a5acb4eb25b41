"""The English words of the page of trajectories, by key; `ui.shell.english` has the others."""

from __future__ import annotations

PICTURES: dict[str, str] = {
    "page.trajectories": "Trajectories",
    "path.about": "A small batch and a large one on their way to the optimum of a loss over two weights. The shading "
    "is the true loss, the mean over all {examples} examples. Both axes have one scale: angles are as they look.",
    # Inputs.
    "path_problem": "Loss",
    "path_problem.help": "quadratic: a valley ten times as steep across as along; each example pulls to a centre of "
    "its own. logistic: a regression that tells two overlapping classes apart by two features of different scale.",
    "path_small": "Small batch",
    "path_small.help": "How many of the {examples} examples the small batch has: the blue path of circles.",
    "path_large": "Large batch",
    "path_large.help": "How many of the {examples} examples the large batch has: the orange path of squares. With all "
    "of them it is gradient descent, without noise.",
    "path_rate": "Learning rate",
    "path_rate.help": "What a gradient is multiplied by to give an update. It is constant along a path.",
    "path_rule": "Rate of the large batch",
    "path_rule.help": "same: the small batch's. scaled: as many times that as the batch is larger.",
    "path_seed": "Another draw",
    "path_seed.help": "Another order of the same examples, for both batch sizes.",
    # What that holds fixed.
    "path.fixed.same.updates": "Held fixed: the start, the data, the order of the draws, the rate {rate} and the "
    "number of updates. Only the batch size differs.",
    "path.fixed.same.epochs": "Held fixed: the start, the data, the order of the draws, the rate {rate} and the number "
    "of epochs. With the batch size the number of updates differs.",
    "path.fixed.scaled.updates": "Held fixed: the start, the data, the order of the draws and the number of updates. "
    "With the batch size the rate differs: {rate} for the small batch, {large_rate} for the large one.",
    "path.fixed.scaled.epochs": "Held fixed: the start, the data, the order of the draws and the number of epochs. "
    "With the batch size the number of updates differs, and the rate: {rate} and {large_rate}.",
    "path.limit": "No batch size comes to rest at the optimum from a rate of {limit} on (2 \u00f7 the largest "
    "curvature).",
    "path.beyond": ":material/warning: {rates} beyond {limit} (2 \u00f7 the largest curvature): no batch size comes "
    "to rest at the optimum there.",
    "path.beyond.is": "{rates} is",
    "path.beyond.are": "{rates} are",
    "path.and": " and ",
    # The player.
    "path.play": "Play",
    "path.pause": "Pause",
    "path.step": "One update",
    "path.position": "Updates shown",
    "path.mode": "What is equal",
    "path.mode.updates": "equal updates",
    "path.mode.epochs": "equal epochs",
    # The paths.
    "path.title": "{mark} **{size} a batch**, rate {rate} \u00b7 Update {shown} of {most} \u00b7 {epochs} epochs",
    "path.updates": "{count} updates",
    "path.updates.one": "1 update",
    "path.per_epoch": "{count} updates an epoch",
    "path.per_epoch.one": "1 update an epoch",
    "path.told": "Turns by **{turn}\u00b0** an update, **{length}** long; {per_epoch}.",
    "path.told.short": "No turn yet; {per_epoch}.",
    "path.told.loss": "Loss {loss} above the best.",
    "path.told.arrival": "First within {radius} of the optimum after {updates}.",
    "path.told.away": "Not yet within {radius} of the optimum.",
    "path.told.outside": "It is outside the picture.",
    "path.diverged": "Diverged at update {update}.",
    "path.compared.none": "Measured so far: nothing to compare.",
    "path.compared.same.updates": "Measured so far, at the same rate and after as many updates: {small} a batch "
    "turns by **{turn}\u00b0** an update and {large} by **{large_turn}\u00b0**; the small batch's updates are "
    "**{ratio} times** as long as the large one's.",
    "path.compared.same.epochs": "Measured so far, at the same rate and after at most as many examples: {small} a "
    "batch turns by **{turn}\u00b0** an update and {large} by **{large_turn}\u00b0**; the small batch's updates are "
    "**{ratio} times** as long as the large one's.",
    "path.compared.scaled.updates": "Measured so far, with the rate scaled and after as many updates: {small} a "
    "batch turns by **{turn}\u00b0** an update and {large} by **{large_turn}\u00b0**; the small batch's updates are "
    "**{ratio} times** as long as the large one's.",
    "path.compared.scaled.epochs": "Measured so far, with the rate scaled and after at most as many examples: {small} "
    "a batch turns by **{turn}\u00b0** an update and {large} by **{large_turn}\u00b0**; the small batch's updates are "
    "**{ratio} times** as long as the large one's.",
    # Batch size crossed with rate.
    "path.more": "More about these paths",
    "path.more.cells": "2 \u00d7 2: batch size and rate",
    "path.more.cloud": "Gradient cloud",
    "path.cells.title": "{mark} **{size} a batch**, rate {rate}",
    "path.cells.told": "Updates {length} long, turning by {turn}\u00b0; {arrival}; the last third swings by {spread}.",
    "path.cells.arrival": "first near the optimum after {updates}",
    "path.cells.never": "not near the optimum",
    "path.cells.fixed": "All four have the same start, data, order of draws and {updates}. Near the optimum: "
    "within {radius} of it. The two rates are {low}% and {high}% of the largest that can settle, whatever is chosen "
    "above. Swings: root mean square distance from where the last third was heading.",
    "path.verdict": "The article draws small steps for a small batch, and for a large one big strides that do not "
    "settle. Measured, each over the mean of the other: from a rate of {low} to {high} the length of an update is",
    "path.verdict.mean_length": "{by_rate} and from {small} to {large} a batch it is {by_batch}, so {made_by} the "
    "pictures of small steps and of big strides",
    "path.verdict.spread": "how far the last third swings is {by_rate} and {by_batch}, so {made_by} what does not "
    "settle",
    "path.factor.times": "multiplied by **{factor}**",
    "path.factor.over": "divided by **{factor}**",
    "path.factor.one": "**the same**",
    "path.verdict.rate": "**the learning rate makes**",
    "path.verdict.batch": "**the batch size makes**",
    "path.verdict.both": "**both together make**",
    "path.verdict.none": "**neither makes**",
    "path.lessened.batch": ", and a larger batch makes less of it",
    "path.lessened.rate": ", and a higher rate makes less of it",
    "path.lessened.both": ", and both make less of it",
    # The cloud and its law.
    "path.cloud.about": "{draws} random batches of each size, all at the one point that {size} a batch has reached "
    "after {updates}. Dashed: where the law puts two standard deviations.",
    "path.cloud.diverged": "{size} a batch has diverged: there is no point to draw gradients at. Move the slider back.",
    "path.cloud.title": "**Gradients of random batches**",
    "path.law.title": "**Their mean squared length, by batch size**",
    "path.law.told": "The law: mean squared length = {gradient} + {variance} \u00d7 (1/B) ({examples} \u2212 B) / "
    "({examples} \u2212 1). {near} of {count} measurements are within 2 standard errors of it.",
    "path.law.size": "Batch size",
    "path.law.predicted": "Law",
    "path.law.measured": "Measured",
    "path.law.error": "Standard error",
    # Charts.
    "chart.trajectory.small.alt": "Path of the small batch over the loss, with start, optimum and present weights",
    "chart.trajectory.large.alt": "Path of the large batch over the loss, with start, optimum and present weights",
    "chart.small_trajectory.small_low.alt": "Path of the small batch at the small rate",
    "chart.small_trajectory.small_high.alt": "Path of the small batch at the large rate",
    "chart.small_trajectory.large_low.alt": "Path of the large batch at the small rate",
    "chart.small_trajectory.large_high.alt": "Path of the large batch at the large rate",
    "chart.trajectory.start": "start",
    "chart.trajectory.best": "optimum",
    "chart.cloud.alt": "Gradients of random batches of three sizes around the gradient of all examples",
    "chart.cloud.one": "1 example",
    "chart.cloud.small": "{size} a batch",
    "chart.cloud.large": "{size} a batch",
    "chart.law.alt": "Mean squared length of a batch's gradient against the share of the variance that the batch keeps",
    "chart.law.sizes": "\u2190 {sizes}",
    "axis.weight1": "weight 1",
    "axis.weight2": "weight 2",
    "axis.updates.made": "updates made",
    "axis.excess": "loss above the best",
    "axis.gradient1": "gradient of weight 1",
    "axis.gradient2": "gradient of weight 2",
    "axis.kept": "share of the variance kept, (1/B) (N \u2212 B) / (N \u2212 1)",
    "axis.squared": "mean squared length",
    "axis.standard_error": "standard error",
    "axis.law": "law",
}
