"""A run as a file for other programs, read back by two of them."""

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
COLUMNS = {  # of the file, of a block of updates, and its type
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
    """Return a function that records a run in blocks of some lengths and returns these."""

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


def test_what_pandas_reads_is_what_was_recorded_to_the_last_bit(store: Store, record: Record) -> None:
    blocks = record("a", RunConfig(), [2, 100, 1, 150])
    read = pd.read_csv(io.BytesIO(csv_of(store, "a")))
    assert read.columns.tolist() == HEAD
    assert read["update"].tolist() == list(range(1, 254))
    for column, (name, dtype) in COLUMNS.items():
        assert read[column].to_numpy(dtype).tobytes() == whole(blocks, name).astype(dtype).tobytes(), column


def test_what_the_standard_library_reads_is_what_was_recorded_to_the_last_bit(store: Store, record: Record) -> None:
    blocks = record("a", RunConfig(), [50])
    head, *lines = csv.reader(io.StringIO(csv_of(store, "a").decode("ascii")))
    assert head == HEAD
    assert len(lines) == 50
    for column, (name, dtype) in COLUMNS.items():
        kind = int if dtype is np.int64 else float
        values = np.array([kind(line[HEAD.index(column)]) for line in lines], dtype)
        assert values.tobytes() == whole(blocks, name).tobytes(), column


def test_a_number_has_no_more_digits_than_its_type(store: Store, record: Record) -> None:
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


def test_a_loss_that_is_no_number_is_empty_and_an_infinite_one_is_said(store: Store, record: Record) -> None:
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
def test_every_update_has_the_epoch_that_it_was_made_in(
    changes: dict[str, Any], per_epoch: list[int], store: Store, record: Record
) -> None:
    record("a", RunConfig(**changes), [40])
    epochs = pd.read_csv(io.BytesIO(csv_of(store, "a")))["epoch"].tolist()
    assert epochs == [epoch for epoch, updates in enumerate(per_epoch, 1) for _ in range(updates)]


@pytest.mark.parametrize("name", ["begun", "never-heard-of"])
def test_a_run_without_updates_or_that_is_not_there_has_a_head_alone(name: str, store: Store) -> None:
    store.create("begun", RunConfig(), owner="o", session="s")
    assert csv_of(store, name).decode() == ",".join(HEAD) + "\n"


def test_no_other_runs_updates_are_among_them(store: Store, record: Record) -> None:
    record("a", RunConfig(), [3])
    record("b", RunConfig(), [5])
    assert csv_of(store, "b").count(b"\n") == 6


def test_the_run_that_comes_with_the_page_can_be_taken_out_too() -> None:
    source = recorded.load()
    assert source is not None
    read = pd.read_csv(io.BytesIO(csv_of(source, recorded.RUN_ID)))
    losses = whole([chunk.updates for chunk in source.chunks_after(recorded.RUN_ID)], "losses")
    assert len(read) == 500
    assert read["loss"].to_numpy(np.float32).tobytes() == losses.tobytes()
    assert read["epoch"].tolist() == [epoch for epoch in range(1, 6) for _ in range(100)]
