"""Look at a training from outside: the batch at hand, and what the model answers all over the plane."""

from __future__ import annotations

import torch

from core.run.choices.datasets import PLANE
from core.run.events import GRID, SHOWN, Snapshot
from core.train.trainer import Trainer


def take(trainer: Trainer, confusion: tuple[tuple[int, ...], ...]) -> Snapshot:
    """Return a snapshot of now; changes nothing of the training and counts towards no peak."""
    with trainer.unseen():
        newest = torch.zeros(0, dtype=torch.int64) if trainer.newest is None else trainer.newest
        plane = _plane(trainer) if trainer.config.spec.is_plane else b""
        return Snapshot(trainer.updates, tuple(newest[:SHOWN].tolist()), len(newest), confusion, plane)


def _plane(trainer: Trainer) -> bytes:
    """Return the probability of class 1 in 255ths in each cell's middle; half where the weights have gone astray."""
    side = PLANE * ((2 * torch.arange(GRID) + 1) / GRID - 1)
    y, x = torch.meshgrid(side, side, indexing="ij")
    share = trainer.model(torch.stack([x.flatten(), y.flatten()], 1)).softmax(1)[:, 1]
    return bytes((255 * share.nan_to_num(0.5)).round().to(torch.uint8).tolist())
