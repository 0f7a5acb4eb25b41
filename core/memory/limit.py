"""Define the out-of-memory error of the simulated device."""

from __future__ import annotations

from dataclasses import replace

import torch

from core.run.events import FailedAllocation
from core.words.units import MIB


class SimulatedOutOfMemoryError(torch.OutOfMemoryError):
    """An allocation would cross the memory limit. Raised inside its operation; no real memory ran out.

    It subclasses PyTorch's error and uses PyTorch's wording in a single string, because tools that shrink the batch
    search for it (Lightning: "CUDA" and "out of memory"; accelerate: " out of memory.").
    """

    def __init__(self, allocation: FailedAllocation) -> None:
        requested, limit, live = (
            size / MIB for size in (allocation.requested_bytes, allocation.limit_bytes, allocation.live_bytes)
        )
        workspace = allocation.workspace_bytes / MIB
        aside = f" and {workspace:.2f} MiB set aside as workspace" if workspace else ""
        super().__init__(
            f"CUDA out of memory. Tried to allocate {requested:.2f} MiB. "
            f"Simulated device: {limit:.2f} MiB in total, of which {live:.2f} MiB are in use"
            f"{aside} (no real memory ran out)"
        )
        self.allocation = replace(allocation, error=str(self))
