"""The English words of the claims page; what the claims themselves say is in `core.claims.english`."""

from __future__ import annotations

from core.claims.english import ENGLISH

CLAIMS: dict[str, str] = ENGLISH | {
    "page.claims": "Claims",
    "claims.intro": "What an article says about batches, sentence by sentence, and what comes out when each is put to "
    "the test. Verdicts are computed from the figures below them.",
    "claims.choice": "Claim",
    "claims.quote": "\u201c{quote}\u201d",
    "claims.test": "**Test.** {test}",
    "claims.lesson": "**What it comes to.** {lesson}",
    "claims.run": "Run again",
    "claims.run.help": "{seeds} seeds, about {seconds}. The result takes the place of the one shown.",
    "claims.run_all": "Run all",
    "claims.run_all.help": "All ten experiments one after the other, about {seconds}.",
    "claims.first_seed": "Seeds from",
    "claims.first_seed.help": "An experiment takes {seeds} seeds from this one on: data, initial weights and order "
    "come from them. The verdict should not depend on it.",
    "claims.waits": "Waiting for a free core",
    "claims.runs": "Running: {share}%",
    "claims.failed": "The experiment gave no result: {reason}",
    "claims.shipped": "Computed beforehand on {date}, {machine}; seeds {first} to {last}; {seconds}; verdicts "
    "corrected for {tests} tests.",
    "claims.fresh": "Computed just now on this machine; seeds {first} to {last}; {seconds}; verdicts corrected for "
    "{tests}.",
    "claims.tests.one": "1 test",
    "claims.tests.many": "{count} tests",
    "claims.tests.none": "no test",
    "claims.none": "The results that come with Batch Lab cannot be read: {reason}",
    "claims.words": "About words: nothing to test.",
    "claims.also": "also",
    "claims.all": "All claims",
    "claims.machine": "torch {torch}, {capability}",
    "verdict_word.SUPPORTED": "Supported",
    "verdict_word.REFUTED": "Refuted",
    "verdict_word.CONDITIONAL": "Conditional",
    "verdict_word.INCONCLUSIVE": "Inconclusive",
    "verdict_word.WORDS": "Words",
    # The charts.
    "axis.effect": "Ratio of the two, logarithmic",
    "axis.trial": "Compared",
    "axis.low": "95% from",
    "axis.high": "95% to",
    "axis.series": "Series",
    "chart.effects.against": "{one} / {other}",
    "chart.effects.alt": "The effect of each comparison with its 95% interval, every seed as a tick, and the band of "
    "25% in which two results count as equal",
    "chart.evidence.alt": "Measured points on the dashed line of what was predicted",
    "chart.log_evidence.alt": "Measured points on the dashed line of what was predicted, on logarithmic axes",
    "evidence.C3.x": "Batches so far",
    "evidence.C3.y": "Changes of the weights",
    "evidence.C3.every_batch": "plain batches",
    "evidence.C3.accumulated": "four accumulated",
    "evidence.C3.overflow": "half precision, overflowing",
    "evidence.C4.x": "Batch size",
    "evidence.C4.y": "Updates of an epoch of 10,000 examples",
    "evidence.C4.measured": "counted",
    "evidence.C7.x": "(1/B)(N \u2212 B)/(N \u2212 1)",
    "evidence.C7.y": "Mean squared length of a batch's gradient",
    "evidence.C7.measured": "300 batches of each size",
    "evidence.C8.x": "Batch size",
    "evidence.C8.y": "Peak memory (MiB)",
    "evidence.C8.measured": "measured",
    "evidence.C8.limit": "limit (simulated)",
    "evidence.C11.x": "Batch size",
    "evidence.C11.y": "Scatter of the batch's variance, as a share of it",
    "evidence.C11.measured": "4,000 batches of each size",
}  # fmt: skip
