"""Rehearse updates and evaluations before a run to see their memory, on fake tensors or in small real batches."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from core.train.updater import Updater

# The first micro-batch of a window finds no gradients, the second adds to them, and the others repeat the second. Two
# therefore reach the peak.
SHOWN_MICRO_BATCHES = 2
Sizes = tuple[int, ...]  # examples in each micro-batch of a window
Make = Callable[[], Updater]  # builds a new updater; called within the mode of the rehearsal

# The index of the scale among the arguments of each operation that outputs statistics.
SCALES = {
    torch.ops.aten.native_batch_norm.default: 1,
    torch.ops.aten.native_layer_norm.default: 2,
    torch.ops.aten.native_group_norm.default: 1,
}


class Fake(FakeTensorMode):  # type: ignore[no-untyped-call]
    """Fake tensors with the sizes of real tensors on a CPU."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Fake:
        return self  # a copied layer keeps its tensors in this mode

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output: Any = super().__torch_dispatch__(func, types, args, kwargs)
        if func in SCALES:
            normalised, *saved = output
            scale = args[SCALES[func]]  # statistics have the dtype of the scale, whatever the input has
            if scale is not None and saved[0].dtype != scale.dtype:
                saved = [torch.empty_like(each, dtype=scale.dtype) for each in saved]
            return normalised, *saved
        if func is torch.ops.aten.native_group_norm_backward.default and output[0] is not None:
            _, inputs, *_ = args  # their gradient has their dtype
            return torch.empty_like(inputs), *output[1:]
        return output


def rehearse(make: Make, windows: Sequence[Sizes], chunks: Sequence[int], *, fake: bool = True) -> Updater:
    """Return an updater that has made these updates and evaluated these chunks, with their timelines.

    Fake tensors allocate nothing. Real ones also record workspace. The state of the random generator is restored.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), Fake() if fake else nullcontext():
        warnings.filterwarnings("ignore", message="Accessing the data pointer of FakeTensor")  # a deep copy causes it
        updater = make()
        loss = torch.zeros(())
        for sizes in windows:
            updater.update_on(tuple(torch.zeros(size, dtype=torch.int64) for size in sizes), loss, None)
        for chunk in chunks:
            updater.evaluate_chunk(0, chunk)
    return updater
