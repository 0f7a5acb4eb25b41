"""Make the tests quick: start the slowest files first, and keep what is imported out of garbage collections."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# Files that take more than two seconds, in descending order of the time measured.
SLOWEST = [
    "core/host/test_processes.py",
    "core/commands/test_main.py",
    "ui/compare/test_page.py",
    "test_contributing.py",
    "core/host/test_changed_runs.py",
    "ui/live/test_page.py",
    "ui/live/test_changes.py",
    "core/host/test_long_answers.py",
    "core/forecast/test_own_model.py",
    "core/forecast/test_predict.py",
    "core/store/test_runs.py",
    "core/forecast/test_remedies.py",
    "core/host/test_continued_runs.py",
    "core/host/test_comparisons.py",
    "ui/setup/test_form.py",
    "core/train/test_practice.py",
    "core/train/test_loop.py",
    "core/comparison/test_runner.py",
    "core/commands/test_compare.py",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {TESTS / name: number for number, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


def pytest_collection_finish() -> None:
    """Take what the imports left behind out of every later collection.

    Streamlit collects after each run of a script, which takes 0.2 s beside the half million objects of PyTorch,
    Lightning, scikit-learn and the tests themselves.
    """
    gc.collect()
    gc.freeze()
