"""Read single examples of a built data set for display, without torch and without loading the rest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.run.choices.datasets import DATA, DatasetSpec


def are_built(spec: DatasetSpec, root: Path = DATA) -> bool:
    """Return whether a data set has been built, which takes a few seconds on a fresh machine."""
    return (root / spec.folder).exists()


def of(spec: DatasetSpec, indices: Sequence[int], root: Path = DATA) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Return training images (n, height, width), scaled from 0 to 255 over the whole set, and their classes."""
    inputs, targets = _mapped(root / spec.folder)
    lowest, highest = _range(root / spec.folder)
    images = inputs[list(indices), 0]
    return np.rint((images - lowest) * (255 / (highest - lowest))).astype(np.uint8), targets[list(indices)]


def points(
    spec: DatasetSpec, count: int, indices: Sequence[int], root: Path = DATA
) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Return the first `count` training points followed by those at `indices`, (n, 2), and their classes (n,)."""
    inputs, targets = _mapped(root / spec.folder)
    chosen = [*range(min(count, len(inputs))), *indices]
    return inputs[chosen], targets[chosen]


@cache
def _mapped(folder: Path) -> tuple[NDArray[np.float32], NDArray[Any]]:
    inputs, targets = (np.load(folder / f"train_{part}.npy", mmap_mode="r") for part in ("inputs", "targets"))
    return inputs, targets


@cache
def _range(folder: Path) -> tuple[float, float]:
    inputs, _ = _mapped(folder)
    return float(inputs.min()), float(inputs.max())
