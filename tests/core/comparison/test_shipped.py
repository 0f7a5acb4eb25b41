"""The comparison that ships with Batch Lab, and its reproduction on a machine of the same kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.comparison import shipped
from core.comparison.result import standing
from core.comparison.runner import Runner
from core.datasets.tensors import Data
from core.run.control import Control
from core.train.fingerprint import fingerprint
from core.words.errors import BatchLabError
from tests.campaign import campaign

Datasets = Callable[[str], Data]


def test_the_shipped_comparison_is_the_articles_pair_trained_to_the_end() -> None:
    found = shipped.load()
    assert found.comparison == shipped.COMPARISON
    assert [(arm.batch_size, arm.spec.examples) for arm in found.comparison.arms] == [(100, 10_000), (1_000, 10_000)]
    assert [(course.state, course.updates[-1]) for course in found.courses] == [("finished", 500), ("finished", 50)]
    by_epochs = standing(found.courses, "epochs")
    assert by_epochs is not None
    assert by_epochs.best == 0
    assert by_epochs.is_clear


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, *campaign([6])])
def test_the_shipped_comparison_is_reproduced(seeds: int, datasets: Datasets) -> None:
    found = shipped.load()
    comparison = replace(found.comparison, seeds=seeds)
    made = Runner(comparison, datasets("photos10k"), Control(), lambda courses: None)
    made.run()
    for before, again in zip(found.courses, made.courses, strict=True):
        np.testing.assert_array_equal(again.updates, before.updates)
        np.testing.assert_allclose(again.rate, before.rate, rtol=1e-6)
        same = found.fingerprint == fingerprint() and seeds == found.comparison.seeds
        tolerance = 1e-5 if same else 0.01
        few = before.updates <= 50
        losses = before.series["loss"][few][:, :seeds]
        np.testing.assert_allclose(again.series["loss"][few], losses, rtol=tolerance)
        assert again.peak_bytes == pytest.approx(before.peak_bytes, rel=0.02)  # workspace depends on the machine


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "shipped.json"
    broken.write_text("{}")
    with pytest.raises(BatchLabError, match="cannot read the shipped comparison .* python -m core compare --record"):
        shipped.load(broken)
    with pytest.raises(BatchLabError, match="cannot read the shipped comparison"):
        shipped.load(tmp_path / "none.json")
