"""Grow arrays, smooth them incrementally, and downsample them for charts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxDownsampler, MinMaxLTTBDownsampler

from core.run.smoothing import DebiasedEMA

SMOOTHED_AT_ONCE = 65_536  # values per pass, to bound the temporary memory for a long run


class Columns:
    """Arrays that grow together at amortised cost. Returned views are read-only and never change."""

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
            # Small arrays double; large ones grow by an eighth, because twice their memory would be too much.
            growth = self._capacity if self._capacity < 65_536 else self._capacity // 8
            self._capacity = max(end, self._capacity + growth, 256)
            for name, array in self._arrays.items():
                grown = np.empty(self._capacity, array.dtype)
                grown[: self._length] = array[: self._length]
                self._arrays[name] = grown  # assigned only once it is filled: another thread may be reading
        for name, block in blocks.items():
            self._arrays[name][self._length : end] = block
        self._length = end


class Smoothed:
    """The debiased moving average of a growing series. Raises ValueError unless 0 <= beta < 1."""

    def __init__(self, beta: float) -> None:
        self._ema = DebiasedEMA(beta)
        self._averages = Columns({"average": "f4"})

    def follow(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the averages at all `values`, computing only those added since the last call."""
        for start in range(len(self._averages), len(values), SMOOTHED_AT_ONCE):
            self._averages.extend({"average": self._ema.update(values[start : start + SMOOTHED_AT_ONCE])})
        return self._averages["average"]

    @property
    def nbytes(self) -> int:
        return self._averages.nbytes


def choose(values: NDArray[Any], points: int, *, extremes: bool) -> NDArray[np.int64]:
    """Return the increasing indices of at most `points` values, including the first and the last."""
    if len(values) <= points:
        return np.arange(len(values))
    if extremes:
        inner = MinMaxDownsampler().downsample(values, n_out=(points - 2) // 2 * 2)  # type: ignore[no-untyped-call]
    else:
        inner = MinMaxLTTBDownsampler().downsample(values, n_out=points - 2)  # type: ignore[no-untyped-call]
    chosen = np.concatenate([[0], inner.astype(np.int64), [len(values) - 1]])
    repeated = chosen[1:] == chosen[:-1]  # they never decrease; np.unique would sort them
    return np.concatenate([chosen[:1], chosen[1:][~repeated]])
