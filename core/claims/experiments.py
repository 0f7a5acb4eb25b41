"""Run the experiments of the claims and judge their measurements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import perf_counter

from core.claims import (
    budgets,
    capacity,
    counting,
    decay,
    normalisation,
    strides,
    turning,
    whole,
)
from core.claims.results import Results, collect, load
from core.science.judge import Outcome
from core.science.trials import Findings, Progress
from core.train.fingerprint import fingerprint

EXPERIMENTS: dict[str, Callable[[Sequence[int], Progress], Findings]] = {
    "C1": whole.all_at_once_does_not_fit,
    "C3": counting.weights_change_with_every_batch,
    "C4": counting.updates_of_an_epoch,
    "C5": budgets.slow,
    "C6": turning.hard_to_turn,
    "C7": strides.large_strides,
    "C8": capacity.out_of_memory,
    "C9": budgets.does_not_converge,
    "C10": decay.rate_from_large_to_small,
    "C11": normalisation.calmer_inputs,
}


def run(codes: Sequence[str], seeds: Sequence[int], progress: Callable[[str, float], None]) -> Results:
    """Run the experiments of these claims with these seeds, one after the other.

    Verdicts are corrected over the tests of all claims; those of the claims that are not run are the shipped ones.
    `progress` receives the code of the running claim and the share of it that is done, 0 to 1.
    """
    found: dict[str, tuple[Findings, float]] = {}
    for code in codes:
        began = perf_counter()
        progress(code, 0.0)
        findings = EXPERIMENTS[code](seeds, lambda share, code=code: progress(code, share))  # type: ignore[misc]
        found[code] = findings, perf_counter() - began
    when, family = datetime.now(UTC).date(), _shipped([code for code in EXPERIMENTS if code not in codes])
    return collect(found, fingerprint=fingerprint(), seeds=seeds, when=when, family=family)


def _shipped(codes: Sequence[str]) -> list[Outcome]:
    claims = load().claims if codes else {}  # all claims can be run without the file
    return [outcome for code in codes for outcome in claims[code].outcomes]
