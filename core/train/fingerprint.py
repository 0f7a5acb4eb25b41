"""Identify the conditions under which the same run gives the same losses bit for bit."""

from __future__ import annotations

import hashlib
import json

import torch


def fingerprint() -> dict[str, str | int]:
    """Return the torch build, the kernels' CPU capability, the processor and the thread count.

    Runs repeat exactly where all four are equal. `processor` is a digest of the instruction sets and cache sizes:
    they determine how a matrix product is blocked, so two processors with the same `cpu_capability` may sum in a
    different order (see docs/decisions/0015).
    """
    return {
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "processor": _processor(),
        "threads": torch.get_num_threads(),
    }


def _processor() -> str:
    capabilities = torch.cpu.get_capabilities().items()
    relevant = {name: value for name, value in capabilities if name != "cpu_name" and not name.startswith("num_")}
    return hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()[:12]
