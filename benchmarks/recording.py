"""Time what recording one update costs, apart from computing what is recorded."""

from __future__ import annotations

from time import perf_counter

import torch

from core.train.recorder import Recorder

UPDATES = 200_000


def measure() -> float:
    """Return microseconds an update: loss and norm into their scalars, the rest into lists, read back in blocks."""
    record, taken = Recorder(), []
    loss, norm = torch.tensor(1.0), torch.tensor(2.0)
    began = perf_counter()
    for update in range(UPDATES):
        loss_slot, norm_slot = record.slots()
        loss_slot += loss.detach()
        norm_slot.copy_(norm)
        if record.add(0.1, update + 1, update * 2e-4):
            taken.append(record.take())
        if update % 16 == 0:
            record.check()
    return 1e6 * (perf_counter() - began) / UPDATES
