"""Buffer the records of updates and read them back in blocks."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import torch
from torch import Tensor

from core.run.events import DIVERGED_AT, INITIAL_EXAMPLES, Updates

CAPACITY = 2_048
REPORT_EVERY_S = (0.02, 0.05, 0.1)  # the first block is due early, later ones every 0.1 s


class Diverged(Exception):
    """A loss is not finite, or more than `DIVERGED_AT` times the initial loss."""

    def __init__(self, update: int, loss: float) -> None:
        super().__init__(update, loss)
        self.update, self.loss = update, loss


class Recorder:
    """Buffer the loss and gradient norm of each update in tensors, and the other numbers in lists.

    No tensor is read per update, only by `take` (a few times a second) and `check` (every few updates). In a continued
    run the record starts from the parent's `updates`, `examples` and `ceiling`.
    """

    def __init__(self, *, updates: int = 0, examples: int = 0, ceiling: float | None = None) -> None:
        self._losses, self._norms = torch.zeros(CAPACITY), torch.zeros(CAPACITY)
        # Two calls take 2 ms in all. A list of pairs would trigger the garbage collector and delay the start.
        self._loss_slots, self._norm_slots = self._losses.unbind(), self._norms.unbind()
        self._next = 0  # the slot of the next update; the block ends before it
        self._rates: list[float] = []
        self._examples: list[int] = []
        self._seconds: list[float] = []
        self._digest = hashlib.sha256()
        self._due_s = REPORT_EVERY_S[0]
        self._first_losses: list[float] = []
        self.ceiling = ceiling  # a loss above it means divergence; None until INITIAL_EXAMPLES have been seen
        self._divergence: tuple[int, float] | None = None
        self._epoch_loss = 0.0
        self.reports = 0
        self._examples_before = examples
        self.updates_taken = updates
        self.examples_taken = examples
        self.unchanged_updates = 0

    @property
    def losses_sha256(self) -> str:
        """The SHA-256 of all losses taken, as little-endian float32."""
        return self._digest.hexdigest()

    def slots(self) -> tuple[Tensor, Tensor]:
        """Return the loss and norm scalars, both zero, for the next update. `take` does not recycle them."""
        return self._loss_slots[self._next], self._norm_slots[self._next]

    def add(self, rate: float, examples_seen: int, elapsed_s: float) -> bool:
        """Complete the record of an update; return whether it is time to take the block."""
        self._rates.append(rate)
        self._examples.append(examples_seen)
        self._seconds.append(elapsed_s)
        self._next += 1
        if self.ceiling is None:
            self._note_initial(float(self._losses[self._next - 1]), examples_seen - self._examples_before)
        first_two = len(self._rates) == 2 and not self.reports
        return elapsed_s >= self._due_s or self._next == CAPACITY or first_two

    def take(self) -> Updates:
        """Return the block, possibly empty, and begin a new one. An update may be in progress."""
        self._find_divergence()
        losses, norms = self._losses[self._block], self._norms[self._block]
        block = Updates(
            self.updates_taken,
            losses.numpy().astype("<f4"),
            np.array(self._rates),
            norms.numpy().copy(),
            np.array(self._examples, dtype=np.int64),
            np.array(self._seconds),
        )
        self._rates, self._examples, self._seconds = [], [], []
        if self._next == CAPACITY:  # reusing slots earlier would corrupt an update in progress, which holds the next
            self._losses.zero_()
            self._norms.zero_()
            self._next = 0
        if len(block):
            self._account(block)
        return block

    def check(self) -> None:
        """Raise Diverged if a loss has diverged since the last call.

        Call it at update numbers that do not depend on time, so that a run always ends at the same update.
        """
        self._find_divergence()
        if self._divergence:
            raise Diverged(*self._divergence)

    def close_epoch(self, examples: int) -> float:
        """Return the mean loss over the epoch's `examples`, all already taken, and begin the next epoch."""
        mean, self._epoch_loss = self._epoch_loss / examples, 0.0
        return mean

    @property
    def _block(self) -> slice:
        return slice(self._next - len(self._rates), self._next)

    def _account(self, block: Updates) -> None:
        self._digest.update(block.losses.tobytes())
        sizes = np.diff(block.examples_seen, prepend=self.examples_taken)
        self._epoch_loss += float(block.losses.astype(np.float64) @ sizes)
        self.unchanged_updates += int((block.rates == 0).sum())
        self.updates_taken += len(block)
        self.examples_taken = int(block.examples_seen[-1])
        self.reports += 1
        pause = REPORT_EVERY_S[min(self.reports, len(REPORT_EVERY_S) - 1)]
        self._due_s = float(block.seconds[-1]) + pause

    def _note_initial(self, loss: float, examples_seen: int) -> None:
        self._first_losses.append(loss)
        if examples_seen >= INITIAL_EXAMPLES:  # 32 losses cannot exceed 1,000 times their own mean
            initial = sum(self._first_losses) / len(self._first_losses)
            self.ceiling = DIVERGED_AT * initial if initial > 0 else math.inf

    def _find_divergence(self) -> None:
        losses = self._losses[self._block]
        if self._divergence or not len(losses):
            return
        ceiling = math.inf if self.ceiling is None else self.ceiling
        worst = float(losses.max())  # NaN if any loss is NaN
        if not (math.isfinite(worst) and worst <= ceiling):
            off = int((~(losses.isfinite() & (losses <= ceiling))).nonzero()[0])
            self._divergence = (self.updates_taken + off + 1, float(losses[off]))
