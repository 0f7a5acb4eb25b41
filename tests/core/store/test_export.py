"""Check the CSV of a run by reading it with pandas and with the standard library."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.run.config import RunConfig
from core.run.events import Updates
from core.store import Store, recorded
from core.store.export import csv_of

HEAD = ["update", "epoch", "examples_seen", "seconds", "learning_rate", "loss", "gradient_norm"]
COLUMNS = {  # name in the file, name in a block of updates, type
    "examples_seen": ("examples_seen", np.int64),
    "seconds": ("seconds", np.float64),
    "learning_rate": ("rates", np.float64),
    "loss": ("losses", np.float32),
    "gradient_norm": ("gradient_norms", np.float32),
}
Record = Callable[..., list[Updates]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "runs.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def record(store: Store) -> Record:
    """Return a function that records a run in blocks of the given lengths and returns the blocks."""

    def record(name: str, config: RunConfig, lengths: list[int], **columns: Any) -> list[Updates]:
        total, generator = sum(lengths), np.random.default_rng(5)
        values = {
            "losses": generator.random(total, np.float32) * 10.0 ** generator.integers(-30, 30, total),
            "rates": generator.random(total) / 3,
            "gradient_norms": generator.random(total, np.float32) / 7,
            "examples_seen": np.arange(1, total + 1) * config.batch_size,
            "seconds": generator.random(total).cumsum(),
            **columns,
        }
        types = dict(COLUMNS.values())
        ends = np.cumsum([0, *lengths])
        blocks = [
            Updates(int(first), **{name: np.asarray(values[name], dtype)[first:end] for name, dtype in types.items()})
            for first, end in zip(ends, ends[1:], strict=False)
        ]
        store.create(name, config, owner="o", session="s")
        for block in blocks:
            store.write(name, [block])
        return blocks

    return record


def whole(blocks: list[Updates], name: str) -> np.ndarray:
    return np.concatenate([getattr(block, name) for block in blocks])


def test_pandas_reads_what_was_recorded_to_the_last_bit(store: Store, record: Record) -> None:
    blocks = record("a", RunConfig(), [2, 100, 1, 150])
    read = pd.read_csv(io.BytesIO(csv_of(store, "a")))
    assert read.columns.tolist() == HEAD
    assert read["update"].tolist() == list(range(1, 254))
    for column, (name, dtype) in COLUMNS.items():
        assert read[column].to_numpy(dtype).tobytes() == whole(blocks, name).astype(dtype).tobytes(), column


def test_the_standard_library_reads_what_was_recorded_to_the_last_bit(store: Store, record: Record) -> None:
    blocks = record("a", RunConfig(), [50])
    head, *lines = csv.reader(io.StringIO(csv_of(store, "a").decode("ascii")))
    assert head == HEAD
    assert len(lines) == 50
    for column, (name, dtype) in COLUMNS.items():
        kind = int if dtype is np.int64 else float
        values = np.array([kind(line[HEAD.index(column)]) for line in lines], dtype)
        assert values.tobytes() == whole(blocks, name).tobytes(), column


def test_a_number_has_no_more_digits_than_its_type_holds(store: Store, record: Record) -> None:
    record("a", RunConfig(), [1], losses=[0.1], rates=[0.1], gradient_norms=[1 / 3], seconds=[0.25])
    assert csv_of(store, "a") == b",".join(
        [
            b"update,epoch,examples_seen,seconds,learning_rate,loss,gradient_norm\n1",
            b"1",
            b"100",
            b"0.25",
            b"0.1",
            b"0.1",
            b"0.33333334\n",
        ]
    )


def test_a_nan_loss_is_empty_and_an_infinite_one_is_written(store: Store, record: Record) -> None:
    record("a", RunConfig(), [3], losses=[2.5, np.nan, np.inf])
    read = pd.read_csv(io.BytesIO(csv_of(store, "a")))
    np.testing.assert_array_equal(read["loss"], [2.5, np.nan, np.inf])


@pytest.mark.parametrize(
    ("changes", "per_epoch"),
    [
        ({"dataset": "digits"}, [15, 15, 10]),
        ({"dataset": "digits", "drop_last": True}, [14, 14, 12]),
        ({"dataset": "digits", "accumulate": 4}, [4] * 10),
        ({}, [40]),
    ],
)
def test_every_update_has_the_number_of_its_epoch(
    changes: dict[str, Any], per_epoch: list[int], store: Store, record: Record
) -> None:
    record("a", RunConfig(**changes), [40])
    epochs = pd.read_csv(io.BytesIO(csv_of(store, "a")))["epoch"].tolist()
    assert epochs == [epoch for epoch, updates in enumerate(per_epoch, 1) for _ in range(updates)]


@pytest.mark.parametrize("name", ["begun", "never-heard-of"])
def test_a_run_without_updates_or_a_missing_run_has_only_a_header(name: str, store: Store) -> None:
    store.create("begun", RunConfig(), owner="o", session="s")
    assert csv_of(store, name).decode() == ",".join(HEAD) + "\n"


def test_the_file_has_no_updates_of_other_runs(store: Store, record: Record) -> None:
    record("a", RunConfig(), [3])
    record("b", RunConfig(), [5])
    assert csv_of(store, "b").count(b"\n") == 6


def test_the_shipped_recording_can_be_exported_too() -> None:
    source = recorded.load()
    assert source is not None
    read = pd.read_csv(io.BytesIO(csv_of(source, recorded.RUN_ID)))
    losses = whole([chunk.updates for chunk in source.chunks_after(recorded.RUN_ID)], "losses")
    assert len(read) == 500
    assert read["loss"].to_numpy(np.float32).tobytes() == losses.tobytes()
    assert read["epoch"].tolist() == [epoch for epoch in range(1, 6) for _ in range(100)]
