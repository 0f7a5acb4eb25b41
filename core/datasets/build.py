"""Build each data set of the registry into a folder of .npy files.

Train and validation parts are `{train,validation}_{inputs,targets}.npy`: inputs float32 (N, *input_shape),
targets int64 (N,) for a classification and float32 (N, 1) for a regression.
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
MAX_DEGREES, MIN_SCALE, MAX_SCALE, MAX_SHIFT = 12.0, 0.9, 1.1, 0.5  # the shift in pixels of the scan
CHUNK = 2_000  # images resampled at once: about 20 MB of temporaries, and no slower than all of them

FLIPPED_SHARE = 0.1
NOISE_VARIANCE = 0.1
MEANS_DEVIATION = 0.9  # of the mixture's means in each direction, where the deviation within a class is 1
MOONS_NOISE, SPIRALS_NOISE = 0.15, 0.06  # deviations; the moons' radius is 1, and the arms are 0.57 apart


@dataclass(frozen=True, eq=False)
class Arrays:
    """A data set in memory.

    `train_origin` and `validation_origin` give the scan that each image was made from (an index into
    scikit-learn's 1,797). `weights` (D,), `spectrum` (D,) and `noise_variance` are the truth of a made regression:
    the targets are inputs @ weights + noise, and the inputs' covariance is diag(spectrum).
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
    """Return scikit-learn's 1,797 scanned digits, 8 x 8, split 1,437 to 360 with the labels in proportion."""
    pixels, labels = _scans()
    train, validation = _split(labels)
    train_inputs, validation_inputs = _standardised(pixels[train], pixels[validation])
    return Arrays(train_inputs, labels[train], validation_inputs, labels[validation], train, validation)


def noisy_digits(seed: int = 0) -> Arrays:
    """Return the digits with 144 of the 1,437 training labels, 10%, each flipped to one of the nine others at random.

    Inputs, split and validation labels are those of `digits`: only what is trained on is wrong. A linear
    model fits every label of the digits; with flipped ones its training loss has a floor well above 0, about 0.53.
    """
    clean = digits()
    generator = np.random.default_rng(seed)
    labels = clean.train_targets.copy()
    flipped = generator.permutation(len(labels))[: round(FLIPPED_SHARE * len(labels))]
    classes = DATASETS["noisy-digits"].outputs
    labels[flipped] = (labels[flipped] + generator.integers(1, classes, len(flipped))) % classes
    return replace(clean, train_targets=labels)


def photos10k(seed: int = 0) -> Arrays:
    """Return 10,000 and 2,000 images of 16 x 16: the same scans, each shifted, turned and scaled a little.

    The scans are split before anything is made from them, so no scan is behind images of both parts.
    """
    scans, labels = _scans()
    generator = np.random.default_rng(seed)
    spec = DATASETS["photos10k"]
    train_scans, validation_scans = _split(labels)
    train = np.resize(train_scans, spec.examples)  # repeats: each scan is behind 6 or 7 images
    validation = np.resize(validation_scans, spec.validation_examples)
    train_inputs, validation_inputs = _standardised(
        _photographed(scans, train, generator), _photographed(scans, validation, generator)
    )
    return Arrays(train_inputs, labels[train], validation_inputs, labels[validation], train, validation)


def linear(seed: int = 0, *, examples: int = 10_000, validation_examples: int = 2_000) -> Arrays:
    """Return a noisy linear regression whose curvatures are 1, 1/2, ... 1/32 and whose loss floor is known.

    The mean squared error of the true weights is the noise variance, 0.1: no model does better. Curvatures of 1/i
    as in the noisy quadratic model (Zhang et al. 2019, "Which Algorithmic Choices Matter at Which Batch Sizes?").
    """
    dimensions = DATASETS["linear"].input_shape[0]
    spectrum = 1 / np.arange(1, dimensions + 1, dtype=np.float64)
    weights = np.ones(dimensions)  # as far from the usual start near 0 in every direction
    generator = np.random.default_rng(seed)

    def draw(count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        inputs = (generator.standard_normal((count, dimensions)) * np.sqrt(spectrum)).astype(np.float32)
        targets = np.sqrt(NOISE_VARIANCE) * generator.standard_normal(count)
        for column in range(dimensions):  # a fixed order of additions: matrix products differ between machines
            targets += inputs[:, column] * weights[column]
        return inputs, targets.astype(np.float32)[:, None]

    return Arrays(
        *draw(examples), *draw(validation_examples), weights=weights, spectrum=spectrum, noise_variance=NOISE_VARIANCE
    )


def mixture(seed: int = 0) -> Arrays:
    """Return a mixture of ten Gaussians in 20 dimensions, and a constant as the 21st input.

    An example is (mean of its class + N(0, I)) / sqrt(20), and behind it the constant sqrt(1/20). The means are drawn
    from N(0, 0.81 I) and classes uniformly; both parts have the same means. Another seed draws means and data anew.
    """
    spec = DATASETS["mixture"]
    dimensions = spec.input_shape[0] - 1
    generator = np.random.default_rng(seed)
    means = MEANS_DEVIATION * generator.standard_normal((spec.outputs, dimensions))

    def draw(count: int) -> tuple[NDArray[np.float32], Indices]:
        classes = generator.integers(spec.outputs, size=count)
        points = means[classes] + generator.standard_normal((count, dimensions))
        # One rounded operation after another and no sums: float32 then hides the last bit of a platform's logarithm.
        inputs = np.concatenate([points, np.ones((count, 1))], axis=1) / np.sqrt(dimensions)
        return inputs.astype(np.float32), classes

    return Arrays(*draw(spec.examples), *draw(spec.validation_examples))


def moons(seed: int = 0, *, noise: float = MOONS_NOISE) -> Arrays:
    """Return points on two half circles that reach into each other; the noise makes the classes overlap a little."""
    return _plane(DATASETS["moons"], half_circle, seed, noise)


def spirals(seed: int = 0, *, noise: float = SPIRALS_NOISE) -> Arrays:
    """Return points on two arms of 1.75 turns, one within the other: no straight line tells them apart."""
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
    """Return where a data set is, or would be, under `root`."""
    return root / DATASETS[name].folder


def build(name: str, root: Path) -> Path:
    """Make the folder of a data set unless it is there, and return it.

    It appears whole or not at all: the files are written to a folder beside it, which is then renamed. Of two
    processes that build at once the second drops its copy.
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
        shutil.rmtree(work, ignore_errors=True)  # gone already when the rename worked
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
    """Return both parts as drawn, one after the other: centred by symmetry, and scaled alike in both coordinates."""
    generator = np.random.default_rng(seed)
    train = drawn(curve, spec.examples, noise=noise, generator=generator)
    return Arrays(*train, *drawn(curve, spec.validation_examples, noise=noise, generator=generator))


def _scans() -> tuple[NDArray[np.uint8], Indices]:
    """Return the scans (1797, 8, 8), whole numbers 0 to 16, and their labels."""
    from sklearn.datasets import load_digits  # about a second, and the regression needs none of it

    pixels, labels = load_digits(return_X_y=True)
    return pixels.reshape(-1, SIDE, SIDE).astype(np.uint8), labels.astype(np.int64)


def _split(labels: Indices) -> tuple[Indices, Indices]:
    """Return the indices of the training and validation scans, every label in proportion to within one."""
    count = DATASETS["digits"].validation_examples
    shuffled = np.random.default_rng(0).permutation(len(labels))
    by_label = shuffled[np.argsort(labels[shuffled], kind="stable")]
    every_fifth = np.arange(count) * len(labels) // count
    validation = np.sort(by_label[every_fifth])
    return np.setdiff1d(np.arange(len(labels)), validation), validation


def _standardised(
    train: NDArray[np.uint8], validation: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return both parts with a channel axis, at mean 0 and deviation 1 of all the training part's pixels."""
    # Sums of whole numbers are exact, so that every machine gets the same two scalars.
    whole = train.astype(np.int64)
    mean = int(whole.sum()) / train.size
    deviation = (int((whole**2).sum()) / train.size - mean**2) ** 0.5
    first, second = (((part - mean) / deviation).astype(np.float32)[:, None] for part in (train, validation))
    return first, second


def _photographed(scans: NDArray[np.uint8], origin: Indices, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return one image of 16 x 16, 0 to 255, of each scan in `origin`, turned, scaled and shifted at random."""
    angle = np.radians(generator.uniform(-MAX_DEGREES, MAX_DEGREES, len(origin)))
    scale = generator.uniform(MIN_SCALE, MAX_SCALE, len(origin))
    shift = generator.uniform(-MAX_SHIFT, MAX_SHIFT, (2, len(origin)))
    chunks = [slice(first, first + CHUNK) for first in range(0, len(origin), CHUNK)]
    images = [resampled(scans, origin[part], angle[part], scale[part], shift[:, part]) for part in chunks]
    # Whole steps of 1/255: the last bit of a platform's sine or cosine then changes no pixel.
    return np.rint(np.concatenate(images) * (255 / 16)).astype(np.uint8)


def resampled(scans: NDArray[np.uint8], origin: Indices, angle: Floats, scale: Floats, shift: Floats) -> Floats:
    """Return 16 x 16 images of 8 x 8 scans: turned (radians), scaled, then shifted (rows and columns of the scan).

    Bilinear, in one resampling: each pixel asks where in the scan it came from. Outside a scan is 0.
    """
    centre = (SIDE - 1) / 2
    grid = (np.arange(PHOTO_SIDE) + 0.5) * SIDE / PHOTO_SIDE - 0.5 - centre
    down, right = grid[:, None] - shift[0, :, None, None], grid - shift[1, :, None, None]
    cosine, sine = (np.cos(angle) / scale)[:, None, None], (np.sin(angle) / scale)[:, None, None]
    # A border of zeros stands for all that is outside: one pixel before, two after (the far neighbour of pixel 8).
    padded = np.pad(scans, ((0, 0), (1, 2), (1, 2))).astype(np.float64)
    row = np.clip(cosine * down - sine * right + centre, -1, SIDE) + 1
    column = np.clip(sine * down + cosine * right + centre, -1, SIDE) + 1
    top, left = row.astype(np.int64), column.astype(np.int64)
    below, beside = row - top, column - left
    image = origin[:, None, None]
    upper = padded[image, top, left] * (1 - beside) + padded[image, top, left + 1] * beside
    lower = padded[image, top + 1, left] * (1 - beside) + padded[image, top + 1, left + 1] * beside
    return np.asarray(upper * (1 - below) + lower * below)
