"""Memory-map a built data set as tensors, so that all training processes share one copy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

PARTS = ("train_inputs", "train_targets", "validation_inputs", "validation_targets")


@dataclass(frozen=True)
class Data:
    """A data set, which lies outside the simulated device.

    train_inputs (N, *shape) float32; train_targets (N,) int64 classes or (N, 1) float32; the same for validation.
    """

    train_inputs: Tensor
    train_targets: Tensor
    validation_inputs: Tensor
    validation_targets: Tensor

    def shaped(self, shape: tuple[int, ...]) -> Data:
        """Return the same data, not copied, with every example viewed in `shape`."""
        inputs, validation = self.train_inputs.view(-1, *shape), self.validation_inputs.view(-1, *shape)
        return replace(self, train_inputs=inputs, validation_inputs=validation)


def load(folder: Path) -> Data:
    """Map the four arrays of `folder` copy-on-write. Nothing writes to them, so processes share their pages."""
    return Data(*(torch.from_numpy(np.load(folder / f"{part}.npy", mmap_mode="c")) for part in PARTS))
