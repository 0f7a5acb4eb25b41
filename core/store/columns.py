"""Grow arrays, follow them with a smoothed one, and choose the few of their values that are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxDownsampler, MinMaxLTTBDownsampler

from core.run.smoothing import DebiasedEMA

SMOOTHED_AT_ONCE = 65_536  # of a long run that is smoothed anew, so that what it takes on the way stays small


class Columns:
    """Arrays that grow together at an amortised cost. What is given out is read-only and stays as it is."""

    def __init__(self, dtypes: Mapping[str, str]) -> None:
        self._arrays: dict[str, NDArray[Any]] = {name: np.empty(0, dtype) for name, dtype in dtypes.items()}
        self._capacity = self._length = 0

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, name: str) -> NDArray[Any]:
        view = self._arrays[name][: self._length]
        view.flags.writeable = False
        return view

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self._arrays.values())

    def extend(self, blocks: Mapping[str, Any]) -> None:
        added = len(next(iter(blocks.values())))
        end = self._length + added
        if end > self._capacity:
            # Doubling while small; by an eighth when large, where twice the memory would hurt.
            growth = self._capacity if self._capacity < 65_536 else self._capacity // 8
            self._capacity = max(end, self._capacity + growth, 256)
            for name, array in self._arrays.items():
                grown = np.empty(self._capacity, array.dtype)
                grown[: self._length] = array[: self._length]
                self._arrays[name] = grown  # whole, since another thread may look at it now
        for name, block in blocks.items():
            self._arrays[name][self._length : end] = block
        self._length = end


class Smoothed:
    """A growing series, smoothed. Raises ValueError for a beta that is not at least 0 and less than 1."""

    def __init__(self, beta: float) -> None:
        self._ema = DebiasedEMA(beta)
        self._averages = Columns({"average": "f4"})

    def follow(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the averages at all `values`, of which only those that came since the last call are worked out."""
        for start in range(len(self._averages), len(values), SMOOTHED_AT_ONCE):
            self._averages.extend({"average": self._ema.update(values[start : start + SMOOTHED_AT_ONCE])})
        return self._averages["average"]

    @property
    def nbytes(self) -> int:
        return self._averages.nbytes


def choose(values: NDArray[Any], points: int, *, extremes: bool) -> NDArray[np.int64]:
    """Return the indices of at most `points` values, rising, the first and the last among them."""
    if len(values) <= points:
        return np.arange(len(values))
    if extremes:
        inner = MinMaxDownsampler().downsample(values, n_out=(points - 2) // 2 * 2)  # type: ignore[no-untyped-call]
    else:
        inner = MinMaxLTTBDownsampler().downsample(values, n_out=points - 2)  # type: ignore[no-untyped-call]
    return np.unique(np.concatenate([[0], inner.astype(np.int64), [len(values) - 1]]))
