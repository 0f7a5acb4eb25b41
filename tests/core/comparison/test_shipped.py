"""The recorded comparisons that ship with Batch Lab, and their reproduction on a machine of the same kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from core.comparison import shipped
from core.comparison.course import Course
from core.comparison.presets import PRESETS
from core.comparison.result import standing
from core.comparison.runner import Runner
from core.comparison.setup import compared
from core.datasets.tensors import Data
from core.run.control import Control
from core.train.fingerprint import fingerprint
from core.words.errors import BatchLabError
from tests.campaign import campaign

Datasets = Callable[[str], Data]
MOST_BYTES = 40_000  # of a recording: a visitor waits for one


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_a_recording_of_its_arms_that_has_ended(preset: str) -> None:
    found = shipped.load(preset)
    assert found.comparison == compared(PRESETS[preset].arms)
    assert len(found.courses) == len(found.comparison.arms)
    for course in found.courses:
        assert course.state in ("finished", "diverged")
        assert course.updates[-1] == course.planned or course.state == "diverged"
    by_epochs = standing(found.courses, "epochs")
    assert by_epochs is not None
    assert by_epochs.is_clear
    assert (shipped.FOLDER / f"{preset}.json").stat().st_size < MOST_BYTES


def test_the_first_recording_is_the_articles_pair() -> None:
    found = shipped.load(next(iter(PRESETS)))
    assert [(arm.batch_size, arm.spec.examples) for arm in found.comparison.arms] == [(100, 10_000), (1_000, 10_000)]
    assert [course.updates[-1] for course in found.courses] == [500, 50]
    by_epochs = standing(found.courses, "epochs")
    assert by_epochs is not None
    assert by_epochs.best == 0


def test_a_series_is_recorded_as_it_is_drawn() -> None:
    values = np.array([[3.0, 1.0, 2.0, 8.0], [np.nan, 5.0, np.nan, 7.0], [np.nan] * 4])
    np.testing.assert_allclose(shipped.as_drawn(values), [[1.0, 2.5, 8.0], [5.0, 6.0, 7.0], [np.nan] * 3])
    many = np.exp(np.linspace(-20, 20, 500))[:, None]
    np.testing.assert_allclose(shipped.as_drawn(many), np.repeat(many, 3, axis=1), rtol=5e-4)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    preset = PRESETS["noise"]
    course = Course("finished", planned=2, series={"loss": np.array([[2.0, 4.0], [1.0, 1.0]])})
    shipped.write(preset, [course, course], when=date(2026, 12, 1), fingerprint={"torch": "2.13"}, folder=tmp_path)
    found = shipped.load("noise", tmp_path)
    assert (found.comparison, found.date) == (compared(preset.arms), date(2026, 12, 1))
    assert found.fingerprint == {"torch": "2.13"}
    np.testing.assert_allclose(found.courses[1].series["loss"], [[2.0, 3.0, 4.0], [1.0, 1.0, 1.0]])


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["noise", *campaign(list(PRESETS))])
def test_a_recording_is_reproduced(preset: str, datasets: Datasets) -> None:
    found = shipped.load(preset)
    made = Runner(found.comparison, datasets(found.comparison.arms[0].dataset), Control(), lambda courses: None)
    made.run()
    tolerance = 1e-3 if found.fingerprint == fingerprint() else 0.02
    for before, again in zip(found.courses, made.courses, strict=True):
        np.testing.assert_array_equal(again.updates, before.updates)
        np.testing.assert_allclose(again.rate, before.rate, rtol=1e-6)
        few = before.updates <= 50
        losses = shipped.as_drawn(again.series["loss"])[few]
        np.testing.assert_allclose(losses, before.series["loss"][few], rtol=tolerance)
        assert again.peak_bytes == pytest.approx(before.peak_bytes, rel=0.02)  # workspace depends on the machine


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "noise.json").write_text("{}")
    with pytest.raises(BatchLabError, match="cannot read the recorded comparison .* python -m core compare --record"):
        shipped.load("noise", tmp_path)
    with pytest.raises(BatchLabError, match="cannot read the recorded comparison"):
        shipped.load("article", tmp_path)
