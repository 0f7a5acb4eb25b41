"""The error of a simulated device that is full."""

from __future__ import annotations

import torch

MIB = 2**20


class SimulatedOutOfMemoryError(torch.OutOfMemoryError):
    """Raised inside the operation whose allocation would cross the memory limit; no real memory ran out.

    It is PyTorch's own error with PyTorch's own wording in a single string, because that is what tools that
    shrink the batch look for (Lightning: "CUDA" and "out of memory"; accelerate: " out of memory.").
    """

    def __init__(
        self,
        *,
        requested_bytes: int,
        live_bytes: int,
        limit_bytes: int,
        workspace_bytes: int = 0,
        phase: str,
        module: str,
        operation: str,
        shape: tuple[int, ...] = (),
    ) -> None:
        aside = f" and {workspace_bytes / MIB:.2f} MiB set aside as workspace" if workspace_bytes else ""
        super().__init__(
            f"CUDA out of memory. Tried to allocate {requested_bytes / MIB:.2f} MiB. "
            f"Simulated device: {limit_bytes / MIB:.2f} MiB in total, of which {live_bytes / MIB:.2f} MiB are in use"
            f"{aside} (no real memory ran out)"
        )
        self.requested_bytes = requested_bytes
        self.live_bytes = live_bytes
        self.limit_bytes = limit_bytes
        self.workspace_bytes = workspace_bytes
        self.phase = phase
        self.module = module
        self.operation = operation
        self.shape = shape

    def facts(self) -> dict[str, int | str | list[int]]:
        """Return what was asked for, where, and by how much it missed the limit."""
        return {
            "requested_bytes": self.requested_bytes,
            "live_bytes": self.live_bytes,
            "limit_bytes": self.limit_bytes,
            "workspace_bytes": self.workspace_bytes,
            "over_bytes": self.live_bytes + self.requested_bytes + self.workspace_bytes - self.limit_bytes,
            "phase": self.phase,
            "module": self.module,
            "operation": self.operation,
            "shape": list(self.shape),
        }
