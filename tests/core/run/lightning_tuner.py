"""The search for the largest batch size that Lightning makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.pytorch.tuner import Tuner
from torch import Tensor, nn
from torch.utils.data import DataLoader

EXAMPLES = 1_000
Train = Callable[[int], object]  # on a batch of this size


class Module(lightning.LightningModule):
    """A Lightning module whose training is a function of the batch size."""

    def __init__(self, train_on: Train) -> None:
        super().__init__()
        self.train_on = train_on
        self.batch_size = 2  # the tuner's first size, because it makes the first loader before setting it
        self.layer = nn.Linear(1, 1)

    def train_dataloader(self) -> DataLoader[Tensor]:
        return DataLoader(torch.zeros(EXAMPLES, 1), batch_size=self.batch_size)  # type: ignore[arg-type]

    def training_step(self, batch: Tensor, number: int) -> Tensor:
        self.train_on(len(batch))
        return self.layer(batch).mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.0)


def search(train_on: Train, root: Path, **options: Any) -> int | None:
    """Return the result of Lightning's tuner with its default start."""
    trainer = lightning.Trainer(
        accelerator="cpu",
        default_root_dir=root,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        max_epochs=1,
    )
    return Tuner(trainer).scale_batch_size(Module(train_on), steps_per_trial=1, **options)
