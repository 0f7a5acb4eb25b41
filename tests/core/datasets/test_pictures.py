"""Compare examples for display with the scans they come from and with the whole arrays."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from core.datasets import build as builder
from core.datasets import pictures
from core.run.choices.datasets import DATASETS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for name in ("digits", "noisy-digits", "photos10k", "moons"):
        builder.build(name, root)
    return root


def test_digits_are_the_scans_in_255ths_with_their_classes(built: Path) -> None:
    scans = load_digits()
    origin = builder.digits().train_origin
    assert origin is not None
    chosen = [0, 1_436, 7, 7]
    images, classes = pictures.of(DATASETS["digits"], chosen, built)
    assert (images.shape, images.dtype) == ((4, 8, 8), np.uint8)
    exact = scans.images[origin[chosen]] * 255 / 16
    assert np.abs(images - exact).max() <= 0.51
    assert classes.tolist() == scans.target[origin[chosen]].tolist()


def test_noisy_digits_are_the_same_pictures_with_the_training_labels(built: Path) -> None:
    images, classes = pictures.of(DATASETS["noisy-digits"], range(1_437), built)
    clean, truth = pictures.of(DATASETS["digits"], range(1_437), built)
    assert np.array_equal(images, clean)
    assert (classes != truth).sum() == 144
    assert classes.tolist() == builder.noisy_digits().train_targets.tolist()


def test_photos_are_scaled_from_the_darkest_to_the_brightest_pixel_of_the_set(built: Path) -> None:
    spec = DATASETS["photos10k"]
    images, classes = pictures.of(spec, range(10_000), built)
    assert (images.shape, int(images.min()), int(images.max())) == ((10_000, 16, 16), 0, 255)
    inputs = np.load(built / spec.folder / "train_inputs.npy")[:, 0]
    share = (inputs.astype(np.float64) - inputs.min()) / (inputs.max() - inputs.min())
    assert np.abs(images - 255 * share).max() <= 0.51
    assert classes.tolist() == np.load(built / spec.folder / "train_targets.npy").tolist()


def test_an_image_is_as_bright_alone_as_among_others(built: Path) -> None:
    spec = DATASETS["photos10k"]
    together, _ = pictures.of(spec, [3, 8], built)
    alone, _ = pictures.of(spec, [8], built)
    assert np.array_equal(alone[0], together[1])


def test_no_indices_give_no_pictures(built: Path) -> None:
    images, classes = pictures.of(DATASETS["digits"], (), built)
    assert (images.shape, classes.shape) == ((0, 8, 8), (0,))


def test_points_are_the_first_of_the_set_and_then_the_requested_ones(built: Path) -> None:
    spec = DATASETS["moons"]
    inputs = np.load(built / spec.folder / "train_inputs.npy")
    targets = np.load(built / spec.folder / "train_targets.npy")
    points, classes = pictures.points(spec, 5, (1_999, 2, 7), built)
    order = [0, 1, 2, 3, 4, 1_999, 2, 7]
    assert np.array_equal(points, inputs[order])
    assert np.array_equal(classes, targets[order])


def test_the_number_of_points_is_capped_at_the_size_of_the_set(built: Path) -> None:
    points, _ = pictures.points(DATASETS["moons"], 5_000, (0,), built)
    assert len(points) == 2_001


def test_a_set_built_in_another_folder_is_read_separately(built: Path, tmp_path: Path) -> None:
    folder = DATASETS["digits"].folder
    shutil.copytree(built / folder, tmp_path / folder)
    targets = np.load(tmp_path / folder / "train_targets.npy")
    np.save(tmp_path / folder / "train_targets.npy", targets + 10)
    pictures.of(DATASETS["digits"], [0], built)
    _, classes = pictures.of(DATASETS["digits"], [0], tmp_path)
    assert classes.tolist() == [targets[0] + 10]


def test_looking_at_examples_loads_neither_torch_nor_scikit_learn() -> None:
    script = "import sys; from core.datasets import pictures; sys.exit(bool({'torch', 'sklearn'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
