"""Define the out-of-memory error of the simulated device."""

from __future__ import annotations

from dataclasses import replace

import torch

from core.run.events import FailedAllocation

SIMULATED = "(Simulated device: no real memory ran out.)"


class SimulatedOutOfMemoryError(torch.OutOfMemoryError):
    """An allocation would cross the memory limit. Raised inside its operation; no real memory ran out.

    It subclasses PyTorch's error and uses PyTorch's wording in a single string, because tools that shrink the batch
    search for it (Lightning: "CUDA" and "out of memory"; accelerate: " out of memory.").
    """

    def __init__(self, allocation: FailedAllocation) -> None:
        super().__init__(f"{cuda_message(allocation)} {SIMULATED}")
        self.allocation = replace(allocation, error=str(self))


def cuda_message(allocation: FailedAllocation) -> str:
    """Return what PyTorch 2.13 prints when a GPU of this capacity is full.

    The wording is that of `c10/cuda/CUDACachingAllocator.cpp`, two double spaces included. The margin stands for memory
    that PyTorch does not manage, and the workspace for memory that PyTorch has reserved and not allocated.
    """
    live, workspace, margin = allocation.live_bytes, allocation.workspace_bytes, allocation.margin_bytes
    capacity, used = allocation.limit_bytes + margin, live + workspace + margin
    return (
        f"CUDA out of memory. Tried to allocate {_size(allocation.requested_bytes)}. "
        f"GPU 0 has a total capacity of {_size(capacity)} of which {_size(max(0, capacity - used))} is free. "
        f"Including non-PyTorch memory, this process has {_size(used)} memory in use. "
        f"Of the allocated memory {_size(live)} is allocated by PyTorch, "
        f"and {_size(workspace)} is reserved by PyTorch but unallocated. "
        "If reserved but unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True "
        "to avoid fragmentation.  See documentation for Memory Management  "
        "(https://docs.pytorch.org/docs/stable/notes/cuda.html#optimizing-memory-usage-with-pytorch-cuda-alloc-conf)"
    )


def _size(size: int) -> str:
    """Return bytes as PyTorch's `format_size` does: a unit is used up to and including 1,024 of it."""
    if size <= 2**10:
        return f"{size} bytes"
    for power, unit in ((10, "KiB"), (20, "MiB")):
        if size <= 2 ** (power + 10):
            return f"{size / 2**power:.2f} {unit}"
    return f"{size / 2**30:.2f} GiB"
