"""The English words of the page of schedules; what came out of the bench is in `core.schedule_bench.english`."""

from __future__ import annotations

from core.schedule_bench.english import ENGLISH

SCHEDULES: dict[str, str] = ENGLISH | {
    "page.schedules": "Schedules",
    "schedules.intro": "The same training under every learning-rate schedule, each at the peak rate that is best for "
    "it. How near to the optimum does it end, and what did theory expect?",
    "schedules.batch": "Batch size",
    "schedules.batch.help": "All schedules at this batch size. They see equally many examples at each, so that larger "
    "batches make fewer updates.",
    "schedules.batch.option": "B = {size}",
    "schedules.peaks": "Peak rate",
    "schedules.peaks.help": "Tuned: each schedule has the best of {tries} rates, found on {seeds} other seeds. The "
    "same for all: {rate}, whatever the schedule and the batch size.",
    "schedules.peaks.tuned": "tuned for each",
    "schedules.peaks.alike": "{rate} for all",
    "schedules.arm": "Schedule",
    "schedules.first_seed": "Seeds from",
    "schedules.first_seed.help": "{seeds} seeds from this one on: data and order come from them. Rates are tuned on "
    "the {tuning} after those.",
    "schedules.run": "Run again",
    "schedules.run.help": "All schedules at this batch size, {trainings} trainings, about {seconds}. The result takes "
    "the place of the one shown.",
    "schedules.waits": "Waiting for a free core",
    "schedules.runs": "Running: {share}%",
    "schedules.failed": "The bench gave no result: {reason}",
    "schedules.shipped": "Computed beforehand on {date}, torch {torch}, {capability}; seeds {first} to {last}; "
    "{seconds}.",
    "schedules.fresh": "Computed just now on this machine; seeds {first} to {last}; {seconds}.",
    "schedules.alike": "One peak of {rate} for all, at B = {size}:",
    "schedules.edge": "The best rate tried is the {end} one: there may be a better one beyond.",
    "schedules.edge.lowest": "lowest",
    "schedules.edge.highest": "highest",
    "schedules.curves": "Loss above the optimum. The line is the geometric mean of {seeds} seeds, the band holds all "
    "of them, and what is dashed is the exact expectation of the noisy quadratic model.",
    "schedules.rates": "Rate / batch size, as a share of the peak",
    "schedules.tuning": "Where each ends at every peak tried, {seeds} other seeds. Ring: the best. Dotted: {rate}.",
    "schedules.beside": "{arm} beside the constant rate",
    "schedules.beside.constant": "The constant rate is what the others are compared with.",
    "schedules.bench_ends.label": "Where each schedule ends",
    "schedules.bench_beside.label": "The schedule beside the constant rate, by batch size",
    "schedules.table.arm": "Schedule",
    "schedules.table.peak": "Peak rate",
    "schedules.table.updates": "Updates",
    "schedules.table.end": "End above the optimum (95%)",
    "schedules.table.beside": "Beside constant (95%)",
    "schedules.table.p": "p",
    "schedules.table.exact": "Model off by",
    "schedules.table.diverged": "diverged in {count} of {seeds}",
    "schedules.table.with_range": "{value} ({low} to {high})",
    "schedules.fixed": "**Held fixed:** data, initial weights (all 0), {examples} examples seen ({epochs} epochs, "
    "drawn one by one and put back), {tries} tries at the rate for each schedule on {seeds} seeds of their own, plain "
    "SGD, weight decay {decay}. p: all sign flips of the {pairs} pairs of seeds, corrected for {tests} tests (Holm). "
    "Model off by: the end of the dashed line beside the arithmetic mean that was measured, for which it stands; the "
    "ends in the table are geometric means. The optimum is computed by Newton's method.",
    "schedules.model": "What the dashed line is",
    "schedules.model.text": "Near its optimum a loss is a quadratic: along each of its {directions} directions it has "
    "a curvature h, and the gradients of single examples scatter with a variance c. Of plain SGD on such a loss the "
    "mean square m of the distance from the optimum is known exactly, update by update, for any rate \u03b7 and any "
    "batch size B:\n\n**m\u2032 = (1 \u2212 \u03b7h)\u00b2 m + \u03b7\u00b2 c / B**, and the expected loss above "
    "the optimum is \u00bd \u2211 h m.\n\nNothing in it is fitted. The curvatures are the eigenvalues of the "
    "Hessian at the optimum (the largest is {curvature}, so that rates beyond {limit} are unstable there), c is the "
    "variance of the examples' gradients at the optimum along each eigenvector, and m begins with the squared "
    "distance of the zero weights. Far from the optimum the real loss is no quadratic: it starts at {start} and the "
    "model at {exact_start}, and it falls faster. The lower the rate, the longer that is remembered. Where little "
    "is left of the start the two agree: at a peak of {rate}, B = {size}, all schedules end within {worst}% of what "
    "is expected.",
    # The charts.
    "axis.bench.seen": "Examples seen",
    "axis.bench.excess": "Loss above the optimum",
    "axis.bench.lowest": "Lowest seed",
    "axis.bench.highest": "Highest seed",
    "axis.bench.share": "Share of the peak",
    "axis.bench.peak": "Peak rate",
    "axis.bench.arm": "Schedule",
    "chart.bench_curves.alt": "Loss above the optimum against examples seen, a line for each schedule, for the chosen "
    "one with a band over the seeds and the exact expectation dashed",
    "chart.bench_rates.alt": "Learning rate for the size of the batch as a share of the first, against examples seen, "
    "a line for each schedule",
    "chart.bench_tuning.alt": "Loss above the optimum at the end against the peak rate, a line for each schedule, a "
    "ring at the best rate of the chosen one and its exact expectation dashed",
}
