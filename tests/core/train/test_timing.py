"""Check training times. No test depends on the clock's precision: differences are large, or counted."""

from __future__ import annotations

import math
import time
from itertools import accumulate

import pytest

from core.run.config import RunConfig
from core.run.control import Control
from core.train import timing
from core.train.timing import Stopwatch, core_seconds
from tests.core.conftest import Datasets

DIGITS = RunConfig(dataset="digits", model="mlp", lr=0.05)


def test_a_pause_within_an_evaluation_is_not_counted_twice() -> None:
    control = Control()
    clock = Stopwatch(control)
    with clock.standing():
        time.sleep(0.05)
        control.paused_s += 1_000.0  # as a pause of that length would do
    assert 0 <= clock() < 10


def test_an_update_with_a_thousand_times_the_examples_takes_longer(datasets: Datasets) -> None:
    one, many = (core_seconds(DIGITS.replace(batch_size=size), datasets("digits")) for size in (1, 1_000))
    assert 0 < one < many < math.inf


def test_a_timing_ignores_the_memory_limit(datasets: Datasets) -> None:
    assert core_seconds(DIGITS.replace(hidden=(512,), batch_size=1_000, memory_limit_mb=1.0), datasets("digits")) > 0


def test_the_shortest_round_counts(datasets: Datasets, monkeypatch: pytest.MonkeyPatch) -> None:
    took = [0.5, 0.01, 0.02, 0.3, 0.018, 0.02, 0.02]  # two updates under the ledger, then one, then five rounds of two
    clock = accumulate(second for each in took for second in (0.0, each))
    monkeypatch.setattr(timing, "thread_time", lambda: next(clock))
    assert core_seconds(DIGITS, datasets("digits")) == pytest.approx(0.009)


def test_a_clock_too_coarse_for_one_update_measures_a_round_of_many(
    datasets: Datasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "MOST_UPDATES", 50)
    clock = accumulate(second for each in [0.0, 0.0, *[0.05] * 5] for second in (0.0, each))
    monkeypatch.setattr(timing, "thread_time", lambda: next(clock))
    assert core_seconds(DIGITS, datasets("digits")) == pytest.approx(0.001)
