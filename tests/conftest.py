"""Make the tests quick: give folders that share a host to one worker, start the slowest files first, and collect less
garbage.
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
# This file closes the engine that the other files of its folder share.
FIRST = ["ui/shell/test_database.py"]
# Other files that take more than four seconds, the slowest first.
SLOWEST = [
    "core/forecast/test_remedies.py",
    "core/forecast/test_predict.py",
    "core/train/test_loop.py",
    "core/forecast/test_own_model.py",
    "core/comparison/test_runner.py",
    "core/train/test_practice.py",
    "core/science/test_expectation.py",
    "test_contributing.py",
    "core/store/test_runs.py",
    "core/commands/test_main.py",
    "core/claims/test_experiments.py",
    "core/ensemble/test_ensemble.py",
    "core/run/test_control.py",
    "core/forecast/test_lines.py",
    "core/train/test_continuation.py",
    "core/forecast/test_own_forecast.py",
    "core/datasets/test_build.py",
    "core/train/test_trainer.py",
    "core/store/test_reader.py",
    "core/forecast/test_memory_key.py",
    "core/train/test_changed_runs.py",
]
YOUNG = 50_000  # objects made before Python looks for garbage among them; 700 costs tests/ui a tenth of its time


class Scheduling(LoadFileScheduling):
    """Give each file, or each folder whose files share a host, to one worker as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        shared = next((folder for folder in TOGETHER if nodeid.startswith(folder)), None)
        return shared or str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {TESTS / name: number for number, name in enumerate([*FIRST, *SLOWEST])}

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
    gc.set_threshold(YOUNG)
