"""Runs that tests control."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from core.datasets.tensors import Data
from core.run.config import RunConfig
from core.run.control import FULL_SPEED
from tests.core.run.running import DIGITS, WAIT_S, Begin, Running


@pytest.fixture
def begin(datasets: Callable[[str], Data]) -> Iterator[Begin]:
    """Return a function that starts a run; all runs end with the test."""
    runs: list[Running] = []

    def begin(config: RunConfig = DIGITS, *, paused: bool = False, pace: float = FULL_SPEED) -> Running:
        runs.append(Running(config, datasets(config.dataset), paused=paused, pace=pace))
        return runs[-1]

    yield begin
    for running in runs:
        running.control.request("stop")
        running.thread.join(WAIT_S)
        assert not running.thread.is_alive()
