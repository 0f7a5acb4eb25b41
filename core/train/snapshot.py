"""Take a snapshot of a run: its latest batch, its confusion matrix and its predictions over the plane."""

from __future__ import annotations

import torch

from core.run.choices.datasets import PLANE
from core.run.events import GRID, SHOWN, Snapshot
from core.train.trainer import Trainer


def take(trainer: Trainer, confusion: tuple[tuple[int, ...], ...]) -> Snapshot:
    """Return a snapshot of the current state. It neither changes the training nor counts towards the peak."""
    with trainer.unseen():
        newest = torch.zeros(0, dtype=torch.int64) if trainer.newest is None else trainer.newest
        plane = _plane(trainer) if trainer.config.spec.is_plane else b""
        return Snapshot(trainer.updates, tuple(newest[:SHOWN].tolist()), len(newest), confusion, plane)


def _plane(trainer: Trainer) -> bytes:
    """Return the probability of class 1 at the centre of each cell, in 255ths; NaN becomes one half."""
    side = PLANE * ((2 * torch.arange(GRID) + 1) / GRID - 1)
    y, x = torch.meshgrid(side, side, indexing="ij")
    share = trainer.model(torch.stack([x.flatten(), y.flatten()], 1)).softmax(1)[:, 1]
    return bytes((255 * share.nan_to_num(0.5)).round().to(torch.uint8).tolist())
