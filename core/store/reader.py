"""Follow the metrics of a run: read only new rows, and downsample the series for charts."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from core.run import batching
from core.run.events import Epoch
from core.store.columns import Columns, Smoothed, choose
from core.store.records import Chunk, RunRecord
from core.words.errors import Problem, StoreError

Axis = Literal["updates", "epochs", "examples", "seconds"]
UpdateSeries = Literal["loss", "smoothed_loss", "rate", "gradient_norm"]
EpochSeries = Literal["train_loss", "validation_loss", "validation_accuracy", "update_ratio"]
Series = UpdateSeries | EpochSeries | Literal["rss_bytes"]

POINTS = 400
SPARKLINE_POINTS = 40
BETA = 0.9
KEPT_BETAS = 4  # smoothed arrays kept for each run, at 4 bytes per update each
CHUNKS_AT_ONCE = 200
SPIKES = {"loss", "gradient_norm"}  # downsampling keeps the extremes of these series and the shape of the others
UPDATE_COLUMNS = {  # 24 bytes per update; the exact rates stay in the chunks
    "loss": "f4",
    "rate": "f4",
    "gradient_norm": "f4",
    "examples_seen": "i8",
    "seconds": "f4",
}
CHUNK_COLUMNS = {"updates": "i8", "rss_bytes": "i8"}


class Source(Protocol):
    """Anything that provides the rows of a run, such as a store. Every method may raise StoreError.

    `where` names the source in messages. The `*_after` methods return rows with an id greater than `last_id`, in order.
    """

    @property
    def where(self) -> str: ...

    def run(self, run_id: str) -> RunRecord | None: ...

    def chunks_after(self, run_id: str, last_id: int = 0, *, limit: int | None = None) -> list[Chunk]: ...

    def epochs_after(self, run_id: str, last_id: int = 0) -> list[tuple[int, Epoch]]: ...


@dataclass(frozen=True)
class Last:
    """The latest recorded update of a run."""

    updates: int
    loss: float
    rate: float
    gradient_norm: float
    examples_seen: int
    seconds: float
    rss_bytes: int


class RunReader:
    """The metrics of one run in growing arrays. Threads may share it.

    `version` increases with every refresh that finds new rows, so that each of several viewers can tell whether its
    charts are up to date. Returned arrays are read-only and never change.
    """

    def __init__(self, source: Source, run_id: str) -> None:
        self.run_id = run_id
        self.version = 0
        self._source = source
        self._lock = threading.RLock()
        self._record: RunRecord | None = None
        self._epochs: list[Epoch] = []
        self._updates = Columns(UPDATE_COLUMNS)
        self._chunks = Columns(CHUNK_COLUMNS)
        self._smoothed: OrderedDict[float, Smoothed] = OrderedDict()  # the losses by beta, least recently used first
        self._last_chunk = self._last_epoch = 0

    def refresh(self) -> bool:
        """Read new rows; return whether anything changed. Raises StoreError."""
        with self._lock:
            before = (len(self._updates), len(self._epochs), self._record)
            # The record is read first, so the rows are never behind it: an ended run is always read to its end.
            self._record = self._source.run(self.run_id)
            for row_id, epoch in self._source.epochs_after(self.run_id, self._last_epoch):
                self._epochs.append(epoch)
                self._last_epoch = row_id
            is_behind = True
            while is_behind:
                new = self._source.chunks_after(self.run_id, self._last_chunk, limit=CHUNKS_AT_ONCE)
                for chunk in new:
                    self._take(chunk)
                is_behind = len(new) == CHUNKS_AT_ONCE
            changed = before != (len(self._updates), len(self._epochs), self._record)
            self.version += changed
            return changed

    def _take(self, chunk: Chunk) -> None:
        block = chunk.updates
        if block.first != len(self._updates):
            cause = Problem("updates_missing", {"known": len(self._updates), "first": block.first})
            raise StoreError(Problem("store_corrupt", {"where": self._source.where, "cause": cause}))
        self._updates.extend(
            {
                "loss": block.losses,
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
        """The run as of the last refresh; None if it does not exist or was deleted."""
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
        """The latest update; None before the first."""
        with self._lock:
            count = len(self._updates)
            if not count:
                return None
            values = {name: self._updates[name][-1].item() for name in UPDATE_COLUMNS}
            return Last(updates=count, rss_bytes=int(self._chunks["rss_bytes"][-1]), **values)

    @property
    def inherited(self) -> int:
        """How many of the updates were inherited from the parent run."""
        with self._lock:
            record, count = self._record, len(self._updates)
        if record is None or record.parent is None:
            return 0
        return min(count, record.facts.first) if record.facts.has_begun else count

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
        """Memory used by the arrays, in bytes."""
        smoothed = tuple(self._smoothed.values())  # atomic, so that this need not wait for a refresh in another thread
        return self._updates.nbytes + self._chunks.nbytes + sum(array.nbytes for array in smoothed)

    def smoothed(self, beta: float) -> NDArray[np.float32]:
        """Return the smoothed losses of all updates. Raises ValueError unless 0 <= beta < 1.

        The arrays of the KEPT_BETAS most recently used betas are kept and extended by the new updates only.
        """
        with self._lock:
            array = self._smoothed.pop(beta, None) or Smoothed(beta)
            self._smoothed[beta] = array
            if len(self._smoothed) > KEPT_BETAS:
                self._smoothed.popitem(last=False)
            return array.follow(self.losses)

    def sparkline(self, name: Series, *, beta: float = BETA, points: int = SPARKLINE_POINTS) -> NDArray[np.float64]:
        """Return at most `points` finite values of a series, downsampled as in `curves`."""
        with self._lock:
            _, values = self._thinned(name, beta, points)
        return values[np.isfinite(values)]

    def speeds(self, *, points: int = SPARKLINE_POINTS) -> NDArray[np.float64]:
        """Return examples per second of training between at most `points` + 1 evenly spaced flushes.

        Updates before the first flush are left out, because the ledger makes them slow.
        """
        with self._lock:
            flushes = self._chunks["updates"]
            chosen = np.linspace(0, len(flushes) - 1, min(len(flushes), points + 1)).astype(np.int64)
            at = flushes[chosen] - 1
            examples = np.diff(self._updates["examples_seen"][at])
            seconds = np.diff(self._updates["seconds"][at].astype(np.float64))
        passed = seconds > 0
        speeds: NDArray[np.float64] = examples[passed] / seconds[passed]
        return speeds

    def curves(
        self, of: Sequence[Series], *, beta: float = BETA, points: int = POINTS, x: Axis = "updates"
    ) -> list[tuple[Series, NDArray[np.float64], NDArray[np.float64]]]:
        """Return the name, x values and y values of each series, downsampled to at most `points` points.

        The first and the last value are always included. `loss` and `gradient_norm` keep every visible extreme; the
        others keep their shape (MinMaxLTTB, Van Der Donckt et al. 2023). `smoothed_loss` is smoothed with `beta`. The
        first update is at x = 1. Values that are not finite become NaN, which a chart draws as a gap.
        """
        with self._lock:
            return [(name, *self._drawn(name, beta, points, x)) for name in of]

    def _drawn(
        self, name: Series, beta: float, points: int, x: Axis
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        numbers, shown = self._thinned(name, beta, points)
        shown[~np.isfinite(shown)] = np.nan
        return self._axis(numbers, x), shown

    def _thinned(self, name: Series, beta: float, points: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return update numbers and values of a series, downsampled to at most `points` points."""
        if points < 5:  # MinMaxLTTB needs at least 5
            raise ValueError(f"points must be at least 5, got {points}")
        values, updates = self._measured(name, beta)
        chosen = choose(values, points, extremes=name in SPIKES)
        return chosen + 1 if updates is None else updates[chosen], values[chosen].astype(np.float64)

    def _measured(self, name: Series, beta: float) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
        """Return the values of a series and their update numbers; None stands for 1, 2, 3, ..."""
        if name == "smoothed_loss":
            return self.smoothed(beta), None
        if name in UPDATE_COLUMNS:
            return self._updates[name], None
        if name == "rss_bytes":
            return self._chunks["rss_bytes"], self._chunks["updates"]
        pairs = [(epoch.updates, getattr(epoch, name)) for epoch in self._epochs]
        measured = [(updates, value) for updates, value in pairs if value is not None and updates]
        numbers = np.array([updates for updates, _ in measured], dtype=np.int64)
        return np.array([value for _, value in measured], dtype=np.float64), numbers

    def places(self, numbers: NDArray[np.int64], x: Axis) -> NDArray[np.float64]:
        """Return the positions of recorded updates, numbered from 1, on an axis."""
        with self._lock:
            return self._axis(numbers, x)

    def _axis(self, numbers: NDArray[np.int64], x: Axis) -> NDArray[np.float64]:
        if x == "examples":
            return self._updates["examples_seen"][numbers - 1].astype(np.float64)
        if x == "seconds":
            return self._updates["seconds"][numbers - 1].astype(np.float64)
        if x == "epochs" and len(numbers):
            assert self._record is not None  # there are rows, so there was a run
            config = self._record.config
            if self._record.facts.first:  # the parent's updates may have had a different batch size
                return self._updates["examples_seen"][numbers - 1] / config.spec.examples
            shape = (config.spec.examples, config.batch_size, config.accumulate)
            return numbers / batching.updates_per_epoch(*shape, drop_last=config.drop_last)
        return numbers.astype(np.float64)


class ReaderCache:
    """Keep one reader for each run, and evict the least recently used ones beyond `limit_bytes`.

    The two most recent ones, usually a run and its predecessor, are kept whatever their size. Threads may share the
    cache.
    """

    def __init__(self, source: Source, *, limit_bytes: int = 64 * 2**20) -> None:
        self._source = source
        self._limit_bytes = limit_bytes
        self._readers: OrderedDict[str, RunReader] = OrderedDict()
        self._lock = threading.Lock()

    def reader(self, run_id: str) -> RunReader:
        """Return the reader of a run. The caller refreshes it."""
        with self._lock:
            reader = self._readers.pop(run_id, None) or RunReader(self._source, run_id)
            self._readers[run_id] = reader
            while len(self._readers) > 2 and self._bytes() > self._limit_bytes:
                self._readers.popitem(last=False)
            return reader

    def _bytes(self) -> int:
        return sum(reader.nbytes for reader in self._readers.values())
