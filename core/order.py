"""The order in which a run meets its examples: one permutation, or N independent draws, an epoch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from core import batching
from core.config import RunConfig

Window = tuple[Tensor, ...]


class Order:
    """Deal out the windows of one epoch after the other; a window is the index tensors of its micro-batches.

    Epochs come from an own generator, so that nothing else that draws numbers moves them.
    """

    def __init__(self, config: RunConfig, examples: int) -> None:
        self.config, self.examples = config, examples
        sizes = (examples, config.batch_size, config.accumulate)
        self.windows_per_epoch = batching.updates_per_epoch(*sizes, drop_last=config.drop_last)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.epoch = 0  # complete ones
        self.position = 0  # windows dealt in this epoch
        self._draw()

    def window(self) -> Window:
        """Return the next window; the position moves with `advance`, once its update is done."""
        first = self.position * self.config.accumulate
        return self._batches[first : first + self.config.accumulate]

    def advance(self) -> bool:
        """Count the window as done; return whether that ended an epoch."""
        self.position += 1
        if self.position < self.windows_per_epoch:
            return False
        self.epoch, self.position = self.epoch + 1, 0
        self._draw()
        return True

    def state(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "position": self.position,
            "indices": self._indices.clone(),
            "generator": self.generator.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.epoch, self.position = state["epoch"], state["position"]
        self.generator.set_state(state["generator"])
        self._deal(state["indices"].clone())

    def _draw(self) -> None:
        if self.config.sampling == "iid":
            indices = torch.randint(0, self.examples, (self.examples,), generator=self.generator)
        else:
            indices = torch.randperm(self.examples, generator=self.generator)
        self._deal(indices)

    def _deal(self, indices: Tensor) -> None:
        self._indices = indices
        self._batches: Window = indices.split(self.config.batch_size)  # type: ignore[no-untyped-call]
