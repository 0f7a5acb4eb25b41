"""Hold what is recorded of each update until it is read back as one block."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import torch
from torch import Tensor

from core.events import Updates

CAPACITY = 2_048
DIVERGED_AT = 1_000.0  # times the first loss
REPORT_EVERY_S = (0.02, 0.05, 0.1, 0.2)  # the first line soon, then a few blocks a second


class Diverged(Exception):
    """A loss is not finite, or a thousand times the first one."""

    def __init__(self, update: int, loss: float) -> None:
        super().__init__(update, loss)
        self.update, self.loss = update, loss


class Recorder:
    """Scalars that the updates write their loss and norm into, beside lists of plain numbers.

    Nothing is read back per update: `take` (a few times a second) and `check` (every few updates) do.
    """

    def __init__(self) -> None:
        self._losses, self._norms = torch.zeros(CAPACITY), torch.zeros(CAPACITY)
        self._slots = [(self._losses[i], self._norms[i]) for i in range(CAPACITY)]
        self._rates: list[float] = []
        self._examples: list[int] = []
        self._seconds: list[float] = []
        self._digest = hashlib.sha256()
        self._due_s = REPORT_EVERY_S[0]
        self._ceiling: float | None = None
        self._offence: tuple[int, float] | None = None
        self._epoch_loss = 0.0
        self.reports = 0
        self.updates_taken = 0
        self.examples_taken = 0
        self.unchanged_updates = 0

    @property
    def losses_sha256(self) -> str:
        """The hash over all losses taken."""
        return self._digest.hexdigest()

    def slots(self) -> tuple[Tensor, Tensor]:
        """Return the loss and norm scalars, both zero, for the next update."""
        return self._slots[len(self._rates)]

    def add(self, rate: float, examples_seen: int, elapsed_s: float) -> bool:
        """Complete the record of an update; return whether the block is due to be taken."""
        self._rates.append(rate)
        self._examples.append(examples_seen)
        self._seconds.append(elapsed_s)
        count = len(self._rates)
        return elapsed_s >= self._due_s or count == CAPACITY or (count == 2 and not self.reports)

    def take(self) -> Updates:
        """Read the block back and begin a new one; it may be empty."""
        self._look()
        count = len(self._rates)
        block = Updates(
            self.updates_taken,
            self._losses[:count].numpy().astype("<f4"),
            np.array(self._rates),
            self._norms[:count].numpy().copy(),
            np.array(self._examples, dtype=np.int64),
            np.array(self._seconds),
        )
        self._losses[:count] = 0.0
        self._norms[:count] = 0.0
        self._rates, self._examples, self._seconds = [], [], []
        if count:
            self._account(block)
        return block

    def check(self) -> None:
        """Raise Diverged if a loss since the last call went off.

        Call it at update numbers that do not depend on time, so that the same run always ends at the same one.
        """
        self._look()
        if self._offence:
            raise Diverged(*self._offence)

    def close_epoch(self, examples: int) -> float:
        """Return the mean loss over the epoch's `examples`, all taken, and begin the next epoch."""
        mean, self._epoch_loss = self._epoch_loss / examples, 0.0
        return mean

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

    def _look(self) -> None:
        losses = self._losses[: len(self._rates)]
        if self._offence or not len(losses):
            return
        if self._ceiling is None:
            self._ceiling = DIVERGED_AT * float(losses[0]) or math.inf
        worst = float(losses.max())  # NaN if one of them is
        if not (math.isfinite(worst) and worst <= self._ceiling):
            off = int((~(losses.isfinite() & (losses <= self._ceiling))).nonzero()[0])
            self._offence = (self.updates_taken + off + 1, float(losses[off]))
