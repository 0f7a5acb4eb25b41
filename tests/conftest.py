"""Make the tests quick: give folders that share a host to one worker, start the slowest files first, and keep what is
imported out of garbage collections.
"""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

TESTS = Path(__file__).parent
# Folders whose files share a browser or a host, which take seconds of processor time to start.
TOGETHER = ("tests/browser/", "tests/ui/", "tests/core/host/")
# Other files that take more than four seconds, the slowest first.
SLOWEST = [
    "core/forecast/test_predict.py",
    "core/forecast/test_own_model.py",
    "core/forecast/test_remedies.py",
    "core/commands/test_main.py",
    "core/store/test_runs.py",
    "core/comparison/test_runner.py",
    "core/train/test_practice.py",
    "core/science/test_expectation.py",
    "core/claims/test_experiments.py",
    "test_contributing.py",
    "core/ensemble/test_ensemble.py",
    "test_tree.py",
    "core/datasets/test_build.py",
    "core/train/test_continuation.py",
    "core/forecast/test_own_forecast.py",
    "core/forecast/test_lines.py",
    "core/train/test_trainer.py",
    "core/store/test_recorded.py",
    "core/train/test_loop.py",
    "core/forecast/test_memory_key.py",
    "core/run/test_control.py",
]


class Scheduling(LoadFileScheduling):
    """Give each file, or each folder whose files share a host, to one worker as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        shared = next((folder for folder in TOGETHER if nodeid.startswith(folder)), None)
        return shared or str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {TESTS / name: number for number, name in enumerate(SLOWEST)}

    def place(item: pytest.Item) -> tuple[bool, int]:
        return not item.nodeid.startswith(TOGETHER), rank.get(item.path, len(rank))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Take what the imports left behind out of every later collection.

    Streamlit collects after each run of a script, which takes 0.2 s because it walks half a million objects of
    PyTorch, Lightning, scikit-learn and the tests themselves.
    """
    gc.collect()
    gc.freeze()
