"""The data sets that hosts train on, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.datasets.build import build
from core.run.choices.datasets import DATASETS


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for name in DATASETS:
        build(name, root)
    return root
