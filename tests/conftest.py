"""Make the tests quick: start the slowest files first, and keep what is imported out of garbage collections."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# Files that take more than four seconds of processor time in `make quick`, in descending order.
SLOWEST = [
    "core/host/test_processes.py",
    "core/forecast/test_predict.py",
    "ui/compare/test_page.py",
    "core/forecast/test_own_model.py",
    "core/forecast/test_remedies.py",
    "core/commands/test_main.py",
    "core/store/test_runs.py",
    "core/comparison/test_runner.py",
    "core/train/test_practice.py",
    "core/science/test_expectation.py",
    "core/claims/test_experiments.py",
    "ui/memory/test_page.py",
    "test_contributing.py",
    "ui/live/test_page.py",
    "ui/charts/test_style.py",
    "core/host/test_changed_runs.py",
    "ui/live/test_changes.py",
    "core/ensemble/test_ensemble.py",
    "core/host/test_long_answers.py",
    "core/host/test_comparisons.py",
    "core/host/test_continued_runs.py",
    "test_tree.py",
    "core/datasets/test_build.py",
    "ui/setup/test_form.py",
    "core/train/test_continuation.py",
    "core/forecast/test_own_forecast.py",
    "core/forecast/test_lines.py",
    "core/train/test_trainer.py",
    "core/store/test_recorded.py",
    "core/train/test_loop.py",
    "core/forecast/test_memory_key.py",
    "core/run/test_control.py",
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
