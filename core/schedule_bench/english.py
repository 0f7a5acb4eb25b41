"""The English words of the bench, for a screen and for a terminal alike."""

from __future__ import annotations

ENGLISH: dict[str, str] = {
    # The arms, as names and within a sentence.
    "bench.arm.constant": "Constant",
    "bench.arm.step": "Step",
    "bench.arm.exponential": "Exponential",
    "bench.arm.linear": "Linear",
    "bench.arm.cosine": "Cosine",
    "bench.arm.one-cycle": "One-cycle",
    "bench.arm.wsd": "Warmup-stable-decay",
    "bench.arm.plateau": "Reduce-on-plateau",
    "bench.arm.ramp": "Growing batch",
    "bench.about.constant": "The peak rate throughout.",
    "bench.about.step": "A tenth of the peak from half of the updates on, a hundredth from three quarters on.",
    "bench.about.exponential": "The same share less with every update, down to 1% of the peak.",
    "bench.about.linear": "A straight line down to 0.",
    "bench.about.cosine": "Half a cosine down to 0.",
    "bench.about.one-cycle": "Up from 1/25 of the peak over the first 30%, then down to almost 0.",
    "bench.about.wsd": "The peak, then a straight line to 0 over the last 20%. No warm-up here.",
    "bench.about.plateau": "Halved when three evaluations, one an epoch, brought no better one. It reacts to the run: "
    "no plan knows when.",
    "bench.about.ramp": "The rate stays, and the batch becomes four times as large after half of the examples and "
    "again after three quarters (Smith et al. 2018).",
    "bench.about.ramp.capped": "The rate stays, and the batch becomes four times as large after half of the examples "
    "and again after three quarters, up to all {examples} examples; from there on the rate falls for the rest (Smith "
    "et al. 2018).",
    # What came out.
    "bench.told.all_nearer": "All six decays end nearer to the optimum than a constant rate, {least} to {most} times "
    "(p at most {p} after correction for {tests} tests).",
    "bench.told.nearer": "{arms} {verb} nearer to the optimum than a constant rate, {times} (p at most {p} after "
    "correction for {tests} tests).",
    "bench.told.none_nearer": "No decay can be told to end nearer to the optimum than a constant rate.",
    "bench.told.farther": "{arms} {verb} farther from it, {times}.",
    "bench.told.open": "{arms} cannot be told apart from it (after correction).",
    "bench.told.times.one": "{least} times",
    "bench.told.times.many": "{least} to {most} times",
    "bench.told.ends.one": "ends",
    "bench.told.ends.many": "end",
    "bench.told.and": " and ",
    "bench.told.pairs": "Among the six decays {equal} of {pairs} pairs are shown to end within 25% of each other; "
    "the widest gap is between {near} and {far}, {times} times.",
    "bench.told.pairs_diverged": "Among the six decays {equal} of {pairs} pairs are shown to end within 25% of each "
    "other.",
    "bench.told.twin": "Growing the batch instead of lowering the rate by as much (from the same peak, in trainings of "
    "their own) ends within 25% ({percent}% apart) with {updates} updates instead of {twin_updates}.",
    "bench.told.twin_open": "Growing the batch instead of lowering the rate by as much (from the same peak, in "
    "trainings of their own) is not shown to end within 25%: {times} times as far from the optimum, with {updates} "
    "updates instead of {twin_updates}.",
    "bench.told.twin_not": "Growing the batch instead of lowering the rate by as much (from the same peak, in "
    "trainings of their own) is not within 25%: it ends {times} times as far from the optimum, with {updates} updates "
    "instead of {twin_updates}.",
    "bench.told.twin_diverged": "Growing the batch instead of lowering the rate by as much, from the same peak: "
    "{diverged} of {seeds} trainings diverged.",
    "bench.beside.tuned": "Rates tuned",
    "bench.beside.alike": "One rate, {rate}",
    "bench.beside.nearer": "{times} times nearer",
    "bench.beside.farther": "{times} times farther",
    "bench.beside.same": "the same",
    "bench.beside.diverged": "diverged",
    "bench.beside.constant_diverged": "the constant rate diverged",
    "bench.batches.same": "With tuned rates the batch size hardly matters for that (within 25%).",
    "bench.batches.differs": "With tuned rates it still depends on the batch size.",
    "bench.batches.small": "With one rate for all it gains most at B = {size}, where the noise is largest.",
    "bench.batches.farther": "It ends farther off at B = {sizes}: that rate is low there, and lowering it costs "
    "progress.",
    "bench.batches.farther_ramp": "It ends farther off at B = {sizes}, where the larger batches leave it few updates.",
    "bench.plateau.never": "At this peak none of the {seeds} trainings had its rate lowered: they are those of the "
    "constant rate.",
    "bench.plateau.ended": "The {seeds} trainings end at {percent}% of their peak rate on average.",
    "bench.exact": "The noisy quadratic model expects {exact} at the end, {left} of it left of the start and {noise} "
    "noise; the arithmetic mean that was measured is {measured}: the model is {off}.",
    "bench.exact.noise": "The noisy quadratic model expects {exact} at the end, practically all of it noise; the "
    "arithmetic mean that was measured is {measured}: the model is {off}.",
    "bench.exact.off.above": "{percent}% above it",
    "bench.exact.off.below": "{percent}% below it",
    "bench.exact.off.times": "{times} times as much",
    "bench.exact.off.none": "on it, to the per cent",
    "bench.exact.diverges": "Of this peak the noisy quadratic model says that it diverges.",
}
