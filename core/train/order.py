"""Order the examples of each epoch: one permutation, or N independent draws."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from core.run import batching
from core.run.choices.models import least_batch_size
from core.run.config import RunConfig

Window = tuple[Tensor, ...]


def left_in_epoch(config: RunConfig, examples: int, seen: int) -> int:
    """Return how many examples of an epoch a run still trains on if it starts after the first `seen`.

    The last example is skipped if it would form a batch of one and the model cannot train on that, as with batch
    normalisation.
    """
    left = examples - seen
    is_refused = least_batch_size(config.model, config.norm) > 1
    return left - 1 if seen and is_refused and left % config.batch_size == 1 else left


def draw(config: RunConfig, examples: int, generator: torch.Generator) -> Tensor:
    """Return the indices of the N examples of the next epoch, in order."""
    if config.sampling == "iid":
        return torch.randint(0, examples, (examples,), generator=generator)
    return torch.randperm(examples, generator=generator)


def deal(config: RunConfig, indices: Tensor) -> list[Window]:
    """Split the indices of an epoch, shape (N,) or stacked (M, N), into windows."""
    sizes = (indices.shape[-1], config.batch_size, config.accumulate)
    windows = batching.updates_per_epoch(*sizes, drop_last=config.drop_last) if indices.shape[-1] else 0
    batches: Window = indices.split(config.batch_size, dim=-1)  # type: ignore[no-untyped-call]
    return [
        batches[first : first + config.accumulate] for first in range(0, windows * config.accumulate, config.accumulate)
    ]


class Order:
    """Yield the windows of one epoch after another; a window holds one index tensor for each micro-batch.

    The order has its own generator, so that other random draws (initialisation, dropout) do not affect it.
    """

    def __init__(self, config: RunConfig, examples: int) -> None:
        self.config, self.examples = config, examples
        self.generator = torch.Generator().manual_seed(config.seed)
        self.epoch = 0  # complete epochs
        self.position = 0  # windows completed in this epoch, not counting those of a parent run
        self.skipped = 0  # examples of this epoch that the parent run trained on
        self._draw()

    def window(self) -> Window:
        """Return the next window. Call `advance` once its update is done."""
        return self._windows[self.position]

    @property
    def is_halfway(self) -> bool:
        """Whether the current window is the one in the middle of its epoch."""
        return self.position == len(self._windows) // 2

    def advance(self) -> bool:
        """Move past the current window; return whether that ended an epoch."""
        self.position += 1
        if self.position < len(self._windows):
            return False
        self._begin_epoch()
        return True

    @property
    def seen_in_epoch(self) -> int:
        """How many examples of the current epoch have been used."""
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
        """Continue another run's epoch over the same examples, after the first `seen_in_epoch` of them."""
        self.restore(state | {"position": 0, "skipped": seen_in_epoch})
        if not self._windows:
            self._begin_epoch()

    def _begin_epoch(self) -> None:
        self.epoch, self.position, self.skipped = self.epoch + 1, 0, 0
        self._draw()

    def _draw(self) -> None:
        self._deal(draw(self.config, self.examples, self.generator))

    def _deal(self, indices: Tensor) -> None:
        self._indices = indices
        left = left_in_epoch(self.config, len(indices), self.skipped)
        self._windows = deal(self.config, indices[self.skipped :][:left])
