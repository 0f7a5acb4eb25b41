"""Follow the metrics of a run: read only what is new, draw all of it in few points."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tsdownsample import MinMaxDownsampler, MinMaxLTTBDownsampler

from core import batching
from core.errors import Problem, StoreError
from core.events import Epoch
from core.smoothing import DebiasedEMA
from core.store.records import Chunk, RunRecord
from core.store.runs import Store

Axis = Literal["updates", "epochs", "examples", "seconds"]
UpdateSeries = Literal["loss", "smoothed_loss", "rate", "gradient_norm"]
EpochSeries = Literal["train_loss", "validation_loss", "validation_accuracy"]
Series = UpdateSeries | EpochSeries | Literal["rss_bytes"]

POINTS = 400
BETA = 0.9
CHUNKS_AT_ONCE = 200
SPIKES = {"loss", "gradient_norm"}  # what is drawn with every extreme; the rest is drawn with its shape
UPDATE_COLUMNS = {  # 28 bytes an update; the exact rates stay in the chunks
    "loss": "f4",
    "smoothed_loss": "f4",
    "rate": "f4",
    "gradient_norm": "f4",
    "examples_seen": "i8",
    "seconds": "f4",
}
CHUNK_COLUMNS = {"updates": "i8", "rss_bytes": "i8"}


@dataclass(frozen=True)
class Last:
    """The newest recorded update of a run and what stood beside it."""

    updates: int
    loss: float
    smoothed_loss: float
    rate: float
    gradient_norm: float
    examples_seen: int
    seconds: float
    rss_bytes: int


class RunReader:
    """The metrics of one run in growing arrays. Threads may share it.

    `version` rises with every refresh that found something, so that each of several viewers can tell
    whether it has drawn all. The arrays it gives are read-only and stay as they are.
    """

    def __init__(self, store: Store, run_id: str, *, beta: float = BETA) -> None:
        self.run_id = run_id
        self.version = 0
        self._store = store
        self._lock = threading.RLock()
        self._record: RunRecord | None = None
        self._epochs: list[Epoch] = []
        self._updates = _Columns(UPDATE_COLUMNS)
        self._chunks = _Columns(CHUNK_COLUMNS)
        self._ema = DebiasedEMA(beta)
        self._last_chunk = self._last_epoch = 0

    def refresh(self) -> bool:
        """Read what is new; return whether anything was. Raises StoreError."""
        with self._lock:
            before = (len(self._updates), len(self._epochs), self._record)
            # In this order the rows are never behind the state: a run that reads as ended is read to its end.
            self._record = self._store.run(self.run_id)
            for row_id, epoch in self._store.epochs_after(self.run_id, self._last_epoch):
                self._epochs.append(epoch)
                self._last_epoch = row_id
            while new := self._store.chunks_after(self.run_id, self._last_chunk, limit=CHUNKS_AT_ONCE):
                for chunk in new:
                    self._take(chunk)
            changed = before != (len(self._updates), len(self._epochs), self._record)
            self.version += changed
            return changed

    def _take(self, chunk: Chunk) -> None:
        block = chunk.updates
        if block.first != len(self._updates):
            cause = f"updates {len(self._updates)} to {block.first} of a run are missing or there twice"
            raise StoreError(Problem("store_corrupt", {"where": self._store.where, "cause": cause}))
        self._updates.extend(
            {
                "loss": block.losses,
                "smoothed_loss": self._ema.update(block.losses),
                "rate": block.rates,
                "gradient_norm": block.gradient_norms,
                "examples_seen": block.examples_seen,
                "seconds": block.seconds,
            }
        )
        self._chunks.extend({"updates": [len(self._updates)], "rss_bytes": [chunk.rss_bytes]})
        self._last_chunk = chunk.id

    @property
    def record(self) -> RunRecord | None:
        """The run as of the last refresh; None if it is unknown or was deleted."""
        return self._record

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        with self._lock:
            return tuple(self._epochs)

    @property
    def updates(self) -> int:
        return len(self._updates)

    @property
    def last(self) -> Last | None:
        """The newest update; None before the first."""
        with self._lock:
            count = len(self._updates)
            if not count:
                return None
            values = {name: self._updates[name][-1].item() for name in UPDATE_COLUMNS}
            return Last(updates=count, rss_bytes=int(self._chunks["rss_bytes"][-1]), **values)

    @property
    def losses(self) -> NDArray[np.float32]:
        return self._updates["loss"]

    @property
    def rates(self) -> NDArray[np.float32]:
        return self._updates["rate"]

    @property
    def gradient_norms(self) -> NDArray[np.float32]:
        return self._updates["gradient_norm"]

    @property
    def examples_seen(self) -> NDArray[np.int64]:
        return self._updates["examples_seen"]

    @property
    def seconds(self) -> NDArray[np.float32]:
        return self._updates["seconds"]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the arrays take."""
        return self._updates.nbytes + self._chunks.nbytes

    def series(
        self, of: Sequence[Series] = ("loss", "smoothed_loss"), *, points: int = POINTS, x: Axis = "updates"
    ) -> pd.DataFrame:
        """Return the columns series, x and value: at most `points` rows of each series, its first and last included.

        `loss` and `gradient_norm` keep every visible extreme, `smoothed_loss` and the others their shape (MinMaxLTTB,
        Van Der Donckt et al. 2023). The first update stands at x = 1 update. A value that is not finite is NaN, a gap.
        """
        if points < 4:
            raise ValueError(f"points must be at least 4, got {points}")
        with self._lock:
            drawn = [(name, *self._drawn(name, points, x)) for name in of]
        return pd.DataFrame(
            {
                "series": pd.Categorical.from_codes(
                    np.repeat(np.arange(len(drawn)), [len(values) for _, _, values in drawn]),
                    categories=[name for name, _, _ in drawn],
                ),
                "x": np.concatenate([places for _, places, _ in drawn]),
                "value": np.concatenate([values for _, _, values in drawn]),
            }
        )

    def _drawn(self, name: Series, points: int, x: Axis) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        values, updates = self._measured(name)
        chosen = _choose(values, points, extremes=name in SPIKES)
        numbers = chosen + 1 if updates is None else updates[chosen]
        shown = values[chosen].astype(np.float64)
        shown[~np.isfinite(shown)] = np.nan
        return self._axis(numbers, x), shown

    def _measured(self, name: Series) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
        """Return the values of a series and the number of the update at each; None for 1, 2, 3, ..."""
        if name in UPDATE_COLUMNS:
            return self._updates[name], None
        if name == "rss_bytes":
            return self._chunks["rss_bytes"], self._chunks["updates"]
        pairs = [(epoch.updates, getattr(epoch, name)) for epoch in self._epochs]
        measured = [(updates, value) for updates, value in pairs if value is not None and updates]
        numbers = np.array([updates for updates, _ in measured], dtype=np.int64)
        return np.array([value for _, value in measured], dtype=np.float64), numbers

    def _axis(self, numbers: NDArray[np.int64], x: Axis) -> NDArray[np.float64]:
        if x == "examples":
            return self._updates["examples_seen"][numbers - 1].astype(np.float64)
        if x == "seconds":
            return self._updates["seconds"][numbers - 1].astype(np.float64)
        if x == "epochs" and len(numbers):
            assert self._record is not None  # there are rows, so there was a run
            config = self._record.config
            shape = (config.spec.examples, config.batch_size, config.accumulate)
            return numbers / batching.updates_per_epoch(*shape, drop_last=config.drop_last)
        return numbers.astype(np.float64)


class ReaderCache:
    """Hand out one reader a run and smoothing, and forget the longest unused ones beyond `limit_bytes`.

    The reader just asked for is kept whatever its size. Threads may share the cache.
    """

    def __init__(self, store: Store, *, limit_bytes: int = 64 * 2**20) -> None:
        self._store = store
        self._limit_bytes = limit_bytes
        self._readers: OrderedDict[tuple[str, float], RunReader] = OrderedDict()
        self._lock = threading.Lock()

    def reader(self, run_id: str, *, beta: float = BETA) -> RunReader:
        """Return the reader of a run, which the caller refreshes."""
        with self._lock:
            key = (run_id, beta)
            reader = self._readers.pop(key, None) or RunReader(self._store, run_id, beta=beta)
            self._readers[key] = reader
            while len(self._readers) > 1 and self._bytes() > self._limit_bytes:
                self._readers.popitem(last=False)
            return reader

    def _bytes(self) -> int:
        return sum(reader.nbytes for reader in self._readers.values())


class _Columns:
    """Arrays that grow together at an amortised cost."""

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
                self._arrays[name] = np.empty(self._capacity, array.dtype)
                self._arrays[name][: self._length] = array[: self._length]
        for name, block in blocks.items():
            self._arrays[name][self._length : end] = block
        self._length = end


def _choose(values: NDArray[Any], points: int, *, extremes: bool) -> NDArray[np.int64]:
    """Return the indices of at most `points` values, rising, the first and the last among them."""
    if len(values) <= points:
        return np.arange(len(values))
    if extremes:
        inner = MinMaxDownsampler().downsample(values, n_out=(points - 2) // 2 * 2)  # type: ignore[no-untyped-call]
    else:
        inner = MinMaxLTTBDownsampler().downsample(values, n_out=points - 2)  # type: ignore[no-untyped-call]
    return np.unique(np.concatenate([[0], inner.astype(np.int64), [len(values) - 1]]))
