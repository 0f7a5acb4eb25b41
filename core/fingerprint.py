"""Under which conditions the same run gives the same losses bit for bit."""

from __future__ import annotations

import torch


def fingerprint() -> dict[str, str | int]:
    """Return the torch build, the CPU capability its kernels use, and the threads: equal ones repeat exactly."""
    return {
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }
