"""Make updates and evaluations ahead of a run, to see what memory they take: on fake tensors, or small real ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from core.train.updater import Updater

# Of a window's micro-batches the first finds no gradients, the second adds to them, the rest do as the second: two
# show the most bytes.
SHOWN_MICRO_BATCHES = 2
Sizes = tuple[int, ...]  # the micro-batches of a window
Make = Callable[[], Updater]  # a new training at its beginning; called under the mode in which it is rehearsed


# Of operations that put out statistics, the argument that is the scale.
SCALES = {
    torch.ops.aten.native_batch_norm.default: 1,
    torch.ops.aten.native_layer_norm.default: 2,
    torch.ops.aten.native_group_norm.default: 1,
}


class Fake(FakeTensorMode):  # type: ignore[no-untyped-call]
    """Fake tensors that take the bytes that real ones on a CPU take."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Fake:
        return self  # a model that copies its layers copies their tensors, which stay in this mode

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output: Any = super().__torch_dispatch__(func, types, args, kwargs)
        if func in SCALES:
            normalised, *saved = output
            scale = args[SCALES[func]]  # statistics are as precise as the scale, also where the input is not
            if scale is not None and saved[0].dtype != scale.dtype:
                saved = [torch.empty_like(each, dtype=scale.dtype) for each in saved]
            return normalised, *saved
        if func is torch.ops.aten.native_group_norm_backward.default and output[0] is not None:
            _, inputs, *_ = args  # whose gradient is as precise as they are
            return torch.empty_like(inputs), *output[1:]
        return output


def rehearse(make: Make, windows: Sequence[Sizes], chunks: Sequence[int], *, fake: bool = True) -> Updater:
    """Return a training that made these updates and evaluated these chunks, with all it saw in its timelines.

    On fake tensors nothing is allocated; on real ones there is a record of workspace. Randomness is left as it was.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), Fake() if fake else nullcontext():
        warnings.filterwarnings("ignore", message="Accessing the data pointer of FakeTensor")  # a deep copy does
        updater = make()
        loss = torch.zeros(())
        for sizes in windows:
            updater.update_on(tuple(torch.zeros(size, dtype=torch.int64) for size in sizes), loss, None)
        for chunk in chunks:
            updater.evaluate_chunk(0, chunk)
    return updater
