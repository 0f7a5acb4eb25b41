"""Under which conditions the same run gives the same losses bit for bit."""

from __future__ import annotations

import hashlib
import json

import torch


def fingerprint() -> dict[str, str | int]:
    """Return the torch build, the kernels' CPU capability, the processor and the threads: equal ones repeat exactly.

    `processor` is a digest of its instruction sets and cache sizes. Matrix products are chosen and cut by those, so
    that two processors of one `cpu_capability` may add up in another order (see docs/decisions/0015).
    """
    return {
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "processor": _processor(),
        "threads": torch.get_num_threads(),
    }


def _processor() -> str:
    told = torch.cpu.get_capabilities().items()
    known = {name: value for name, value in told if name != "cpu_name" and not name.startswith("num_")}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:12]
