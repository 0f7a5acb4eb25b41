"""The order in which a run meets its examples: one permutation, or N independent draws, an epoch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from core import batching
from core.config import RunConfig

Window = tuple[Tensor, ...]


def left_in_epoch(config: RunConfig, examples: int, seen: int) -> int:
    """Return how many examples of an epoch are still to be met by a run that begins after the first `seen`.

    One fewer than there are where a batch of one would remain, which batch normalisation cannot train on.
    """
    left = examples - seen
    is_refused = config.model == "mlp" and config.norm == "batch"
    return left - 1 if seen and is_refused and left % config.batch_size == 1 else left


class Order:
    """Deal out the windows of one epoch after the other; a window is the index tensors of its micro-batches.

    Epochs come from an own generator, so that nothing else that draws numbers moves them.
    """

    def __init__(self, config: RunConfig, examples: int) -> None:
        self.config, self.examples = config, examples
        self.generator = torch.Generator().manual_seed(config.seed)
        self.epoch = 0  # complete ones
        self.position = 0  # windows dealt in this epoch, since the examples that another run had met in it
        self.skipped = 0  # those examples
        self._draw()

    def window(self) -> Window:
        """Return the next window; the position moves with `advance`, once its update is done."""
        first = self.position * self.config.accumulate
        return self._batches[first : first + self.config.accumulate]

    def advance(self) -> bool:
        """Count the window as done; return whether that ended an epoch."""
        self.position += 1
        if self.position < self._windows:
            return False
        self._begin_epoch()
        return True

    @property
    def seen_in_epoch(self) -> int:
        """How many examples of the present epoch have been met."""
        return self.skipped + self.position * self.config.effective_batch_size

    def state(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "position": self.position,
            "skipped": self.skipped,
            "indices": self._indices.clone(),
            "generator": self.generator.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.epoch, self.position, self.skipped = state["epoch"], state["position"], state["skipped"]
        self.generator.set_state(state["generator"])
        self._deal(state["indices"].clone())

    def take_over(self, state: dict[str, Any], seen_in_epoch: int) -> None:
        """Go on in the epoch of another order of the same examples, at the next that it has not dealt."""
        self.restore(state | {"position": 0, "skipped": seen_in_epoch})
        if not self._windows:
            self._begin_epoch()

    def _begin_epoch(self) -> None:
        self.epoch, self.position, self.skipped = self.epoch + 1, 0, 0
        self._draw()

    def _draw(self) -> None:
        if self.config.sampling == "iid":
            indices = torch.randint(0, self.examples, (self.examples,), generator=self.generator)
        else:
            indices = torch.randperm(self.examples, generator=self.generator)
        self._deal(indices)

    def _deal(self, indices: Tensor) -> None:
        self._indices = indices
        config = self.config
        left = indices[self.skipped :][: left_in_epoch(config, len(indices), self.skipped)]
        self._batches: Window = left.split(config.batch_size)  # type: ignore[no-untyped-call]
        sizes = (len(left), config.batch_size, config.accumulate)
        self._windows = batching.updates_per_epoch(*sizes, drop_last=config.drop_last) if len(left) else 0
