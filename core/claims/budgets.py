"""Train a small and a large batch on the same budget, of each kind in turn, and compare where they end."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from core.datasets.build import build
from core.datasets.tensors import load
from core.run.choices.datasets import DATA
from core.run.config import RunConfig
from core.run.plan import plan
from core.science.convex import FIXED, MIXTURE
from core.science.trials import Arm, Claimed, Findings, Pair, Progress
from core.train.timing import core_seconds

SMALL, LARGE = 16, 256
RATE, HIGH_RATE = 1.0, 8.0
EPOCHS = 4
UPDATES = 512  # the small batch makes this many in EPOCHS epochs
WHOLE, STEEP = 2_048, (64.0, 128.0)  # 2 / curvature is about 80 at the start
ARTICLE = (100, 1_000)


def slow(seeds: Sequence[int], progress: Progress) -> Findings:
    """Test C5: compare two batch sizes over equal epochs, over equal updates, and by time per epoch."""
    trials = [_by_epochs(seeds, claimed="lower")]
    progress(0.2)
    trials.append(_by_updates(seeds, RATE, "equal_updates", claimed="lower"))
    progress(0.5)
    trials.append(_by_the_clock(seeds))
    progress(1.0)
    return Findings(trials)


def does_not_converge(seeds: Sequence[int], progress: Progress) -> Findings:
    """Test C9: compare two batch sizes under four budgets and rates, then two rates on both sides of 2 / curvature."""
    trials = [_by_epochs(seeds, claimed="higher")]
    progress(0.1)
    trials.append(_by_epochs(seeds, claimed="higher", name="scaled_rate", rate=RATE * LARGE / SMALL))
    progress(0.2)
    trials.append(_by_updates(seeds, RATE, "equal_updates", claimed="higher"))
    progress(0.5)
    trials.append(_by_updates(seeds, HIGH_RATE, "equal_updates_high_rate", claimed="higher"))
    progress(0.8)
    trials.append(_beyond_curvature(seeds))
    progress(1.0)
    return Findings(trials)


def _by_epochs(seeds: Sequence[int], *, claimed: Claimed, name: str = "equal_epochs", rate: float = RATE) -> Pair:
    began = perf_counter()
    first = MIXTURE.arm(seeds, batch_size=SMALL, lr=RATE, budget_value=EPOCHS)
    second = MIXTURE.arm(seeds, batch_size=LARGE, lr=rate, budget_value=EPOCHS)
    fixed = (*FIXED, "epochs", "rate" if rate == RATE else "rate_per_example")
    return Pair(name, "excess_loss", fixed, first, second, claimed, perf_counter() - began)


def _by_updates(seeds: Sequence[int], rate: float, name: str, *, claimed: Claimed) -> Pair:
    began = perf_counter()
    first, second = (
        MIXTURE.arm(seeds, batch_size=size, lr=rate, budget="updates", budget_value=UPDATES) for size in (SMALL, LARGE)
    )
    return Pair(name, "excess_loss", (*FIXED, "updates", "rate"), first, second, claimed, perf_counter() - began)


def _beyond_curvature(seeds: Sequence[int]) -> Pair:
    """Compare a full batch at two scaled rates; only the higher one is beyond 2 / curvature."""
    began = perf_counter()
    first, second = (MIXTURE.arm(seeds, batch_size=WHOLE, lr=rate, budget_value=EPOCHS) for rate in STEEP)
    fixed = (*FIXED, "epochs", "updates", "batch_size")
    return Pair("beyond_curvature", "excess_loss", fixed, first, second, "higher", perf_counter() - began)


def _by_the_clock(seeds: Sequence[int]) -> Pair:
    """Compare the seconds per epoch of the article's two batch sizes, timed in alternation on one core."""
    began = perf_counter()
    config = RunConfig(budget="epochs", budget_value=1)
    data = load(build(config.dataset, DATA))
    times: dict[int, list[float]] = {size: [] for size in ARTICLE}
    for seed in seeds:
        for size, seen in times.items():
            timed = config.replace(batch_size=size, seed=seed)
            seen.append(core_seconds(timed, data) * plan(timed).updates_per_epoch)
    first, second = (Arm({"batch_size": size}, tuple(seen)) for size, seen in times.items())
    fixed = ("data", "start", "machine", "epochs")
    return Pair("clock", "seconds", fixed, first, second, "lower", perf_counter() - began)
