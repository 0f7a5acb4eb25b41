"""Build each registered data set into a folder of .npy files.

The files are `{train,validation}_{inputs,targets}.npy`: inputs float32 (N, *input_shape), targets int64 (N,) for
classification and float32 (N, 1) for regression.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.datasets.plane import Curve, drawn, half_circle, spiral_arm
from core.run.choices.datasets import DATASETS, DatasetSpec

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

SIDE, PHOTO_SIDE = 8, 16
MAX_DEGREES, MIN_SCALE, MAX_SCALE, MAX_SHIFT = 12.0, 0.9, 1.1, 0.5  # the shift is in pixels of the scan
CHUNK = 2_000  # images resampled at once: about 20 MB of temporaries, and as fast as all images at once

FLIPPED_SHARE = 0.1
NOISE_VARIANCE = 0.1
MEANS_DEVIATION = 0.9  # standard deviation of the mixture's means, where that within a class is 1
MOONS_NOISE, SPIRALS_NOISE = 0.15, 0.06  # standard deviations; the moons' radius is 1, the spiral arms are 0.57 apart


@dataclass(frozen=True, eq=False)
class Arrays:
    """A data set in memory.

    `train_origin` and `validation_origin` index the scan that each image was made from, among scikit-learn's 1,797.
    `weights` (D,), `spectrum` (D,) and `noise_variance` are the ground truth of a synthetic regression: targets are
    inputs @ weights + noise, and the inputs' covariance is diag(spectrum).
    """

    train_inputs: NDArray[np.float32]
    train_targets: NDArray[Any]
    validation_inputs: NDArray[np.float32]
    validation_targets: NDArray[Any]
    train_origin: Indices | None = None
    validation_origin: Indices | None = None
    weights: Floats | None = None
    spectrum: Floats | None = None
    noise_variance: float | None = None


def digits() -> Arrays:
    """Return scikit-learn's 1,797 scanned digits, 8 x 8, in a stratified split of 1,437 and 360."""
    pixels, labels = _scans()
    train, validation = _split(labels)
    train_inputs, validation_inputs = _standardised(pixels[train], pixels[validation])
    return Arrays(train_inputs, labels[train], validation_inputs, labels[validation], train, validation)


def noisy_digits(seed: int = 0) -> Arrays:
    """Return the digits with 144 of the 1,437 training labels (10%) each changed to one of the nine others at random.

    Inputs, split and validation labels are those of `digits`. A linear model can fit every label of `digits`; with
    changed labels its training loss has a floor well above 0, about 0.53.
    """
    clean = digits()
    generator = np.random.default_rng(seed)
    labels = clean.train_targets.copy()
    flipped = generator.permutation(len(labels))[: round(FLIPPED_SHARE * len(labels))]
    classes = DATASETS["noisy-digits"].outputs
    labels[flipped] = (labels[flipped] + generator.integers(1, classes, len(flipped))) % classes
    return replace(clean, train_targets=labels)


def photos10k(seed: int = 0) -> Arrays:
    """Return 10,000 training and 2,000 validation images, 16 x 16: the scans, each slightly shifted, turned and scaled.

    The scans are split first, so no scan contributes images to both parts.
    """
    scans, labels = _scans()
    generator = np.random.default_rng(seed)
    spec = DATASETS["photos10k"]
    train_scans, validation_scans = _split(labels)
    train = np.resize(train_scans, spec.examples)  # repeats each scan 6 or 7 times
    validation = np.resize(validation_scans, spec.validation_examples)
    train_inputs, validation_inputs = _standardised(
        _photographed(scans, train, generator), _photographed(scans, validation, generator)
    )
    return Arrays(train_inputs, labels[train], validation_inputs, labels[validation], train, validation)


def linear(seed: int = 0, *, examples: int = 10_000, validation_examples: int = 2_000) -> Arrays:
    """Return a noisy linear regression with curvatures 1, 1/2, ... 1/32 and a known loss floor.

    The mean squared error of the true weights is the noise variance, 0.1, and no model does better. Curvatures of 1/i
    follow the noisy quadratic model (Zhang et al. 2019, "Which Algorithmic Choices Matter at Which Batch Sizes?").
    """
    dimensions = DATASETS["linear"].input_shape[0]
    spectrum = 1 / np.arange(1, dimensions + 1, dtype=np.float64)
    weights = np.ones(dimensions)  # equally far in every direction from the usual start near 0
    generator = np.random.default_rng(seed)

    def draw(count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        inputs = (generator.standard_normal((count, dimensions)) * np.sqrt(spectrum)).astype(np.float32)
        targets = np.sqrt(NOISE_VARIANCE) * generator.standard_normal(count)
        for column in range(dimensions):  # fixes the order of additions; matrix products differ between machines
            targets += inputs[:, column] * weights[column]
        return inputs, targets.astype(np.float32)[:, None]

    return Arrays(
        *draw(examples), *draw(validation_examples), weights=weights, spectrum=spectrum, noise_variance=NOISE_VARIANCE
    )


def mixture(seed: int = 0) -> Arrays:
    """Return a mixture of ten Gaussians in 20 dimensions, with a constant as the 21st input.

    An example is (mean of its class + N(0, I)) / sqrt(20), followed by the constant sqrt(1/20). The means are drawn
    from N(0, 0.81 I) and the classes uniformly; both parts have the same means. The seed determines means and data.
    """
    spec = DATASETS["mixture"]
    dimensions = spec.input_shape[0] - 1
    generator = np.random.default_rng(seed)
    means = MEANS_DEVIATION * generator.standard_normal((spec.outputs, dimensions))

    def draw(count: int) -> tuple[NDArray[np.float32], Indices]:
        classes = generator.integers(spec.outputs, size=count)
        points = means[classes] + generator.standard_normal((count, dimensions))
        # Without sums, rounding to float32 hides platform differences in the last bit of the logarithm.
        inputs = np.concatenate([points, np.ones((count, 1))], axis=1) / np.sqrt(dimensions)
        return inputs.astype(np.float32), classes

    return Arrays(*draw(spec.examples), *draw(spec.validation_examples))


def moons(seed: int = 0, *, noise: float = MOONS_NOISE) -> Arrays:
    """Return points on two interleaved half circles; the noise makes the classes overlap slightly."""
    return _plane(DATASETS["moons"], half_circle, seed, noise)


def spirals(seed: int = 0, *, noise: float = SPIRALS_NOISE) -> Arrays:
    """Return points on two interleaved spiral arms of 1.75 turns, which no straight line can separate."""
    return _plane(DATASETS["spirals"], spiral_arm, seed, noise)


BUILDERS: dict[str, Callable[[], Arrays]] = {
    "photos10k": photos10k,
    "digits": digits,
    "noisy-digits": noisy_digits,
    "linear": linear,
    "mixture": mixture,
    "moons": moons,
    "spirals": spirals,
}


def folder(name: str, root: Path) -> Path:
    """Return the folder of a data set under `root`, whether or not it exists."""
    return root / DATASETS[name].folder


def build(name: str, root: Path) -> Path:
    """Build the folder of a data set unless it exists, and return its path.

    The folder appears atomically: the files are written to a temporary folder, which is then renamed. If two processes
    build at the same time, the second discards its copy.
    """
    target = folder(name, root)
    if target.is_dir():
        return target
    work = root / f".{target.name}-{os.getpid()}-{secrets.token_hex(4)}"
    work.mkdir(parents=True)
    try:
        for file_name, array in _files(BUILDERS[name]()).items():
            np.save(work / f"{file_name}.npy", array)
        try:
            work.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)  # no longer exists if the rename succeeded
    return target


def _files(arrays: Arrays) -> dict[str, NDArray[Any]]:
    files: dict[str, NDArray[Any]] = {
        "train_inputs": arrays.train_inputs,
        "train_targets": arrays.train_targets,
        "validation_inputs": arrays.validation_inputs,
        "validation_targets": arrays.validation_targets,
    }
    truth = (
        ("optimum_weights", arrays.weights),
        ("spectrum", arrays.spectrum),
        ("noise_variance", arrays.noise_variance),
    )
    return files | {file_name: np.asarray(value) for file_name, value in truth if value is not None}


def _plane(spec: DatasetSpec, curve: Curve, seed: int, noise: float) -> Arrays:
    """Return both parts as drawn. Symmetry already centres them, and both coordinates have the same scale."""
    generator = np.random.default_rng(seed)
    train = drawn(curve, spec.examples, noise=noise, generator=generator)
    return Arrays(*train, *drawn(curve, spec.validation_examples, noise=noise, generator=generator))


def _scans() -> tuple[NDArray[np.uint8], Indices]:
    """Return the scans (1797, 8, 8), integers 0 to 16, and their labels."""
    from sklearn.datasets import load_digits  # takes about a second, and most data sets do not need it

    pixels, labels = load_digits(return_X_y=True)
    return pixels.reshape(-1, SIDE, SIDE).astype(np.uint8), labels.astype(np.int64)


def _split(labels: Indices) -> tuple[Indices, Indices]:
    """Return the indices of the training and validation scans, stratified by label to within one."""
    count = DATASETS["digits"].validation_examples
    shuffled = np.random.default_rng(0).permutation(len(labels))
    by_label = shuffled[np.argsort(labels[shuffled], kind="stable")]
    every_fifth = np.arange(count) * len(labels) // count
    validation = np.sort(by_label[every_fifth])
    return np.setdiff1d(np.arange(len(labels)), validation), validation


def _standardised(
    train: NDArray[np.uint8], validation: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return both parts with a channel axis, standardised by the mean and deviation of the training pixels."""
    # Integer sums are exact, so every machine gets the same two scalars.
    whole = train.astype(np.int64)
    mean = int(whole.sum()) / train.size
    deviation = (int((whole**2).sum()) / train.size - mean**2) ** 0.5
    first, second = (((part - mean) / deviation).astype(np.float32)[:, None] for part in (train, validation))
    return first, second


def _photographed(scans: NDArray[np.uint8], origin: Indices, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return one 16 x 16 image, 0 to 255, of each scan in `origin`, turned, scaled and shifted at random."""
    angle = np.radians(generator.uniform(-MAX_DEGREES, MAX_DEGREES, len(origin)))
    scale = generator.uniform(MIN_SCALE, MAX_SCALE, len(origin))
    shift = generator.uniform(-MAX_SHIFT, MAX_SHIFT, (2, len(origin)))
    chunks = [slice(first, first + CHUNK) for first in range(0, len(origin), CHUNK)]
    images = [resampled(scans, origin[part], angle[part], scale[part], shift[:, part]) for part in chunks]
    # Rounding to 1/255 hides platform differences in the last bit of sine and cosine.
    return np.rint(np.concatenate(images) * (255 / 16)).astype(np.uint8)


def resampled(scans: NDArray[np.uint8], origin: Indices, angle: Floats, scale: Floats, shift: Floats) -> Floats:
    """Return 16 x 16 images of 8 x 8 scans: turned (radians), scaled, then shifted (rows and columns of the scan).

    One bilinear resampling maps each pixel back to its place in the scan. Pixels outside a scan are 0.
    """
    centre = (SIDE - 1) / 2
    grid = (np.arange(PHOTO_SIDE) + 0.5) * SIDE / PHOTO_SIDE - 0.5 - centre
    down, right = grid[:, None] - shift[0, :, None, None], grid - shift[1, :, None, None]
    cosine, sine = (np.cos(angle) / scale)[:, None, None], (np.sin(angle) / scale)[:, None, None]
    # A border of zeros represents the outside: one pixel before, two after (the far neighbour of pixel 8).
    padded = np.pad(scans, ((0, 0), (1, 2), (1, 2))).astype(np.float64)
    row = np.clip(cosine * down - sine * right + centre, -1, SIDE) + 1
    column = np.clip(sine * down + cosine * right + centre, -1, SIDE) + 1
    top, left = row.astype(np.int64), column.astype(np.int64)
    lower_weight, right_weight = row - top, column - left
    image = origin[:, None, None]
    upper = padded[image, top, left] * (1 - right_weight) + padded[image, top, left + 1] * right_weight
    lower = padded[image, top + 1, left] * (1 - right_weight) + padded[image, top + 1, left + 1] * right_weight
    return np.asarray(upper * (1 - lower_weight) + lower * lower_weight)
