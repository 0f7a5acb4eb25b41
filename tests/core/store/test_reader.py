import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import ArrayLike, NDArray
from sqlalchemy import text

from core.run.config import RunConfig
from core.run.events import Ended, Epoch, Paused, Updates
from core.run.smoothing import DebiasedEMA
from core.store import Chunk, RunRecord, Store
from core.store.database import open_database
from core.store.reader import Axis, ReaderCache, RunReader, Series
from core.words.errors import StoreError

MakeUpdates = Callable[..., Updates]
MILLION = 1_000_000


def series(reader: RunReader, of: Sequence[str] = ("loss", "smoothed_loss"), **options: Any) -> pd.DataFrame:
    """Return the curves of a reader as one frame with the columns series, x and value."""
    frames = [pd.DataFrame({"series": name, "x": x, "value": value}) for name, x, value in reader.curves(of, **options)]
    return pd.concat(frames, ignore_index=True)


def plain_ema(losses: list[float], beta: float) -> list[float]:
    average, averages = 0.0, []
    for t, loss in enumerate(losses):
        average = beta * average + (1 - beta) * loss
        averages.append(average / (1 - beta ** (t + 1)))
    return averages


def of(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame[frame["series"] == name]


@pytest.fixture
def reader(store: Store, run_id: str, make_updates: MakeUpdates) -> RunReader:
    """Follow a run of 5,000 updates, 50 epochs, with one spike and one gap."""
    block = make_updates(0, 5_000)
    block.losses[1_234] = 99
    block.losses[4_321] = np.nan
    epochs = [
        Epoch(n, 100 * n, 100, True, n / 10, n / 20 if n % 2 else None, None, seconds=n / 10) for n in range(1, 51)
    ]
    store.write(run_id, [block, *epochs], rss_bytes=8_192)
    reader = RunReader(store, run_id)
    reader.refresh()
    return reader


# Following a run.


def test_reading_a_growing_run_equals_reading_it_at_once(store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    growing, first = RunReader(store, run_id), 0
    for count in (2, 50, 1, 700, 3_000, 5):
        store.write(run_id, [make_updates(first, count), Epoch(first, first + count, count, True, 0.5, None, None, 1)])
        first += count
        assert growing.refresh()
        assert growing.updates == first
    once = RunReader(store, run_id)
    once.refresh()
    for name in ("losses", "rates", "gradient_norms", "examples_seen", "seconds"):
        np.testing.assert_array_equal(getattr(growing, name), getattr(once, name))
    assert growing.epochs == once.epochs
    pd.testing.assert_frame_equal(series(growing), series(once), rtol=1e-6)
    np.testing.assert_array_equal(growing.speeds(), once.speeds())
    expected = make_updates(0, first)
    np.testing.assert_array_equal(once.losses, expected.losses)
    np.testing.assert_array_equal(once.examples_seen, expected.examples_seen)
    np.testing.assert_allclose(once.rates, expected.rates, rtol=1e-7)


def test_refresh_returns_whether_anything_changed_and_counts_versions(
    store: Store, run_id: str, make_updates: MakeUpdates
) -> None:
    reader = RunReader(store, run_id)
    news = [reader.refresh(), reader.refresh()]
    epoch = Epoch(1, 2, 2, True, 0.5, None, None, 1)
    for event in (make_updates(0, 2), epoch, Paused(True), Ended("stopped", "asked", updates=2)):
        store.write(run_id, [event])
        news += [reader.refresh(), reader.refresh()]
    assert news == [True, False] * 5
    assert reader.version == 5


def test_only_new_rows_are_read(address: str, store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    reader = RunReader(store, run_id)
    store.write(run_id, [make_updates(0, 10), Epoch(1, 10, 10, True, 0.5, None, None, 1)])
    reader.refresh()
    raw = open_database(address)
    with raw.writing() as connection:  # rows that were already read are not needed again
        connection.execute(text("DELETE FROM chunks"))
        connection.execute(text("DELETE FROM epochs"))
    raw.close()
    assert not reader.refresh()
    assert (reader.updates, len(reader.epochs)) == (10, 1)


def test_a_run_is_followed_to_its_end(store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    reader = RunReader(store, run_id)
    ended = Ended("finished", "budget", updates=5)
    store.write(run_id, [make_updates(0, 5), ended])
    reader.refresh()
    assert reader.updates == 5
    assert reader.record is not None
    assert reader.record.ended == ended


def test_the_last_values_belong_to_the_latest_update(store: Store, run_id: str) -> None:
    reader = RunReader(store, run_id)
    assert reader.last is None
    losses, norms = np.array([4, 1], np.float32), np.array([3, 2], np.float32)
    block = Updates(0, losses, np.array([0.5, 0.25]), norms, np.array([100, 150]), np.array([0.5, 0.75]))
    store.write(run_id, [block], rss_bytes=12_345)
    reader.refresh()
    assert reader.last is not None
    assert vars(reader.last) == {
        "updates": 2,
        "loss": 1,
        "rate": 0.25,
        "gradient_norm": 2,
        "examples_seen": 150,
        "seconds": 0.75,
        "rss_bytes": 12_345,
    }


def test_an_unknown_or_deleted_run_has_no_record(store: Store, run_id: str) -> None:
    reader = RunReader(store, run_id)
    reader.refresh()
    store.delete(run_id)
    assert reader.refresh()
    assert reader.record is None
    assert len(series(reader, x="epochs")) == 0


def test_returned_arrays_never_change(store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    reader = RunReader(store, run_id)
    store.write(run_id, [make_updates(0, 100)])
    reader.refresh()
    early = reader.losses
    copy = early.copy()
    with pytest.raises(ValueError, match="read-only"):
        early[0] = 7
    store.write(run_id, [make_updates(100, 10_000)])
    reader.refresh()
    np.testing.assert_array_equal(early, copy)


def test_missing_updates_are_reported_and_not_drawn(store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    store.write(run_id, [make_updates(0, 5), make_updates(6, 5)])
    with pytest.raises(StoreError) as caught:
        RunReader(store, run_id).refresh()
    assert caught.value.problems[0].code == "store_corrupt"
    assert "updates 5 to 6" in str(caught.value)


def test_a_run_can_be_read_from_any_source_with_its_rows(make_updates: MakeUpdates) -> None:
    class Rows:
        where = "a list"

        def run(self, run_id: str) -> RunRecord | None:
            return None

        def chunks_after(self, run_id: str, last_id: int = 0, *, limit: int | None = None) -> list[Chunk]:
            chunks = [Chunk(1, make_updates(0, 3), 500, 0), Chunk(2, make_updates(3, 4), 600, 0)]
            return [chunk for chunk in chunks if chunk.id > last_id][:limit]

        def epochs_after(self, run_id: str, last_id: int = 0) -> list[tuple[int, Epoch]]:
            return [(1, Epoch(1, 7, 7, True, 0.5, None, None, 1))][last_id:]

    reader = RunReader(Rows(), "any")
    assert reader.refresh()
    assert not reader.refresh()
    np.testing.assert_array_equal(reader.losses, make_updates(0, 7).losses)
    assert [epoch.updates for epoch in reader.epochs] == [7]


# Smoothing.


def test_every_viewer_gets_the_requested_smoothing(reader: RunReader) -> None:
    losses = np.delete(reader.losses, 4_321).tolist()
    for beta in (0.5, 0.99, 0.5):
        drawn = of(series(reader, ["smoothed_loss"], beta=beta), "smoothed_loss")
        expected = plain_ema(losses, beta)
        expected.insert(4_321, math.nan)
        np.testing.assert_allclose(reader.smoothed(beta), expected, rtol=1e-6)
        np.testing.assert_allclose(drawn["value"], np.array(expected)[drawn["x"].astype(int) - 1], rtol=1e-6)
    np.testing.assert_array_equal(reader.smoothed(0), reader.losses)


def test_smoothing_continues_separately_for_each_beta(store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    reader, first = RunReader(store, run_id), 0
    for count, betas in ((3, (0.9,)), (700, (0.5, 0.99)), (2, ()), (90_000, (0.9, 0.5)), (1, (0.99,))):
        store.write(run_id, [make_updates(first, count)])
        first += count
        reader.refresh()
        for beta in betas:
            early = reader.smoothed(beta)
            assert len(early) == first
    losses = make_updates(0, first).losses.tolist()
    for beta in (0.5, 0.9, 0.99):
        np.testing.assert_allclose(reader.smoothed(beta), plain_ema(losses, beta), rtol=1e-6)
    np.testing.assert_array_equal(early, reader.smoothed(0.99))
    with pytest.raises(ValueError, match="read-only"):
        early[0] = 7


def test_only_new_losses_are_smoothed(
    store: Store, run_id: str, make_updates: MakeUpdates, monkeypatch: pytest.MonkeyPatch
) -> None:
    smoothed: list[int] = []

    class Counting(DebiasedEMA):
        def update(self, block: ArrayLike) -> NDArray[np.float64]:
            smoothed.append(np.size(block))
            return super().update(block)

    monkeypatch.setattr("core.store.columns.DebiasedEMA", Counting)
    reader, first = RunReader(store, run_id), 0
    for count in (100, 20, 3):
        store.write(run_id, [make_updates(first, count)])
        first += count
        reader.refresh()
        for _ in range(2):
            series(reader)
            series(reader, beta=0.5)
            assert reader.last is not None
    assert smoothed == [100, 100, 20, 20, 3, 3]


def test_the_four_most_recent_smoothings_are_kept_and_counted(
    store: Store, run_id: str, make_updates: MakeUpdates
) -> None:
    reader = RunReader(store, run_id)
    store.write(run_id, [make_updates(0, 1_000)])
    reader.refresh()
    unsmoothed = reader.nbytes
    kept = {beta: reader.smoothed(beta) for beta in (0.1, 0.2, 0.3, 0.4)}
    reader.smoothed(0.1)
    reader.smoothed(0.5)  # so 0.2 is the least recently used
    for beta in (0.1, 0.3, 0.4):
        assert np.shares_memory(reader.smoothed(beta), kept[beta])
    assert not np.shares_memory(reader.smoothed(0.2), kept[0.2])
    assert reader.nbytes == unsmoothed + 4 * 4_000


@pytest.mark.parametrize("beta", [-0.1, 1.0, math.nan])
def test_an_invalid_beta_is_refused_and_leaves_the_reader_unchanged(reader: RunReader, beta: float) -> None:
    before = reader.nbytes
    with pytest.raises(ValueError, match="beta must be"):
        series(reader, beta=beta)
    assert reader.nbytes == before


# Drawing.


def test_a_series_has_at_most_400_points_in_order_from_the_first_to_the_last(reader: RunReader) -> None:
    names: tuple[Series, ...] = ("loss", "smoothed_loss", "rate", "gradient_norm")
    frame = series(reader, names)
    for name in names:
        x = of(frame, name)["x"]
        assert 300 < len(x) <= 400
        assert (x.iloc[0], x.iloc[-1]) == (1, 5_000)
        assert x.is_monotonic_increasing
        assert x.is_unique
    assert len(series(reader, ["loss"], points=5)) <= 5
    with pytest.raises(ValueError, match="at least 5, got 4"):
        series(reader, points=4)


def test_every_drawn_point_was_recorded_and_the_spike_is_drawn(reader: RunReader) -> None:
    loss = of(series(reader), "loss")
    np.testing.assert_array_equal(loss["value"], reader.losses[loss["x"].astype(int) - 1])
    assert loss.loc[loss["value"] == 99, "x"].tolist() == [1_235]


def test_the_smoothed_loss_averages_all_losses_and_not_only_the_drawn_ones(reader: RunReader) -> None:
    smoothed = of(series(reader), "smoothed_loss")
    expected = plain_ema(np.delete(reader.losses, 4_321).tolist(), 0.9)
    expected.insert(4_321, math.nan)
    np.testing.assert_allclose(smoothed["value"], np.array(expected)[smoothed["x"].astype(int) - 1], rtol=1e-6)


def test_a_short_run_is_drawn_whole_with_gaps_for_values_that_are_not_finite(
    store: Store, run_id: str, make_updates: MakeUpdates
) -> None:
    losses = np.array([2, 1, np.inf], np.float32)
    store.write(run_id, [make_updates(0, 3, losses=losses)])
    reader = RunReader(store, run_id)
    reader.refresh()
    frame = series(reader, ["loss"])
    np.testing.assert_array_equal(frame["x"], [1, 2, 3])
    np.testing.assert_array_equal(frame["value"], [2, 1, np.nan])


def test_a_run_without_updates_is_an_empty_frame(store: Store, run_id: str) -> None:
    reader = RunReader(store, run_id)
    reader.refresh()
    frame = series(reader, ["loss", "smoothed_loss", "validation_loss"], x="examples")
    assert frame.columns.tolist() == ["series", "x", "value"]
    assert len(frame) == 0


def test_an_epoch_that_ended_before_its_first_update_is_not_drawn(store: Store, run_id: str) -> None:
    store.write(run_id, [Epoch(1, 0, 0, False, math.nan, 0.5, None, 0)])
    reader = RunReader(store, run_id)
    reader.refresh()
    assert len(series(reader, ["validation_loss"], x="seconds")) == 0


@pytest.mark.parametrize(
    ("x", "first", "last"),
    [("updates", 1, 5_000), ("epochs", 0.01, 50), ("examples", 100, 500_000), ("seconds", 0.001, 5)],
)
def test_the_horizontal_axis_counts_updates_epochs_examples_or_seconds(
    reader: RunReader, x: Axis, first: float, last: float
) -> None:
    places = series(reader, ["loss"], x=x)["x"]  # 10,000 examples, batch size 100
    np.testing.assert_allclose([places.iloc[0], places.iloc[-1]], [first, last], rtol=1e-6)


@pytest.mark.parametrize("x", ["updates", "epochs", "examples", "seconds"])
def test_values_of_an_epoch_are_drawn_at_its_last_update(reader: RunReader, x: Axis) -> None:
    frame = series(reader, ["train_loss", "validation_loss", "validation_accuracy"], x=x)
    scale = {"updates": 100, "epochs": 1, "examples": 10_000, "seconds": 0.1}[x]
    train, validation = of(frame, "train_loss"), of(frame, "validation_loss")
    np.testing.assert_allclose(train["x"], scale * np.arange(1, 51), rtol=1e-6)
    np.testing.assert_allclose(validation["x"], scale * np.arange(1, 51, 2), rtol=1e-6)
    np.testing.assert_allclose(validation["value"], np.arange(1, 51, 2) / 20)
    assert len(of(frame, "validation_accuracy")) == 0


def test_process_memory_is_drawn_at_the_last_update_of_each_flush(
    store: Store, run_id: str, make_updates: MakeUpdates
) -> None:
    store.write(run_id, [make_updates(0, 2)], rss_bytes=1_000)
    store.write(run_id, [make_updates(2, 8)], rss_bytes=3_000)
    reader = RunReader(store, run_id)
    reader.refresh()
    frame = series(reader, ["rss_bytes"])
    assert frame[["x", "value"]].to_numpy().tolist() == [[2, 1_000], [10, 3_000]]


# Sparklines.


@pytest.mark.parametrize("name", ["loss", "smoothed_loss", "rate", "gradient_norm"])
def test_a_sparkline_has_at_most_40_values_from_the_first_to_the_last(reader: RunReader, name: Series) -> None:
    values, drawn = reader.sparkline(name), series(reader, [name], points=40)["value"]
    assert 20 < len(values) <= 40
    assert (values[0], values[-1]) == (drawn.iloc[0], drawn.iloc[-1])
    assert values.dtype == np.float64
    assert len(reader.sparkline(name, points=10)) <= 10
    with pytest.raises(ValueError, match="at least 5, got 4"):
        reader.sparkline(name, points=4)


def test_a_sparkline_leaves_out_what_is_not_finite(store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    losses = np.array([2, np.nan, 1, np.inf], np.float32)
    store.write(run_id, [make_updates(0, 4, losses=losses)])
    reader = RunReader(store, run_id)
    reader.refresh()
    assert reader.sparkline("loss").tolist() == [2, 1]


def test_a_sparkline_shows_evaluations_and_process_memory(reader: RunReader) -> None:
    np.testing.assert_allclose(reader.sparkline("validation_loss"), np.arange(1, 51, 2) / 20)
    assert reader.sparkline("validation_accuracy").tolist() == []
    assert reader.sparkline("rss_bytes").tolist() == [8_192]


def test_speeds_are_examples_per_second_from_flush_to_flush(store: Store, run_id: str) -> None:
    reader = RunReader(store, run_id)
    assert reader.speeds().tolist() == []
    seen, seconds = [100, 200, 300, 400, 1_000, 1_100], [1.0, 2.0, 2.5, 2.5, 3.5, 7.5]
    for first in (0, 2, 3, 4):
        end = first + (2 if first in (0, 4) else 1)
        ones = np.ones(end - first)
        store.write(run_id, [Updates(first, ones, ones, ones, np.array(seen[first:end]), np.array(seconds[first:end]))])
        reader.refresh()
    # Flushes end at 200 examples and 2 s, 300 and 2.5 s, 400 at the same time, without a speed, and 1,100 and 7.5 s.
    assert reader.speeds().tolist() == [200, 140]


def test_many_flushes_give_few_speeds_that_cover_the_whole_run(
    store: Store, run_id: str, make_updates: MakeUpdates
) -> None:
    numbers = np.arange(1, 2_001)
    seconds = np.where(numbers <= 1_000, numbers * 0.01, 10 + (numbers - 1_000) * 0.04)
    store.write(run_id, [make_updates(10 * n, 10, seconds=seconds[10 * n : 10 * n + 10]) for n in range(200)])
    reader = RunReader(store, run_id)
    reader.refresh()
    speeds = reader.speeds()
    assert len(speeds) == 40
    np.testing.assert_allclose([speeds[:19], speeds[21:]], [[10_000] * 19, [2_500] * 19], rtol=1e-3)
    assert len(reader.speeds(points=7)) == 7


# A long run.


def test_a_million_updates_are_read_in_under_32_megabytes(path: Path, make_updates: MakeUpdates) -> None:
    store = Store.open(path)
    store.create("long", RunConfig(budget="updates", budget_value=MILLION), owner="host", session="tab")
    for first in range(0, MILLION, 20_000):
        store.write("long", [make_updates(first, 20_000)])
    reader = RunReader(store, "long")
    reader.refresh()
    store.close()
    whole = make_updates(0, MILLION)
    np.testing.assert_array_equal(reader.losses, whole.losses)
    np.testing.assert_array_equal(reader.examples_seen, whole.examples_seen)
    frame = series(reader, x="examples")
    assert of(frame, "loss")["x"].iloc[-1] == 100 * MILLION
    assert len(frame) <= 800
    assert 16e6 < reader.nbytes <= 32e6


# Many readers.


def test_the_cache_returns_one_reader_per_run(store: Store, run_id: str) -> None:
    cache = ReaderCache(store)
    assert cache.reader(run_id) is cache.reader(run_id)
    assert cache.reader(run_id) is not cache.reader("other")


def test_the_cache_evicts_the_least_recently_used_beyond_its_limit(store: Store, make_updates: MakeUpdates) -> None:
    cache = ReaderCache(store, limit_bytes=700_000)  # room for two readers of 10,000 updates, not three
    readers = {}
    for name in ("a", "b", "c"):
        store.create(name, RunConfig(), owner="host", session="tab")
        store.write(name, [make_updates(0, 10_000)])
    for name in ("a", "b", "a", "c"):
        readers[name] = cache.reader(name)
        readers[name].refresh()
    assert cache.reader("a") is readers["a"]
    assert cache.reader("c") is readers["c"]
    assert cache.reader("b") is not readers["b"]


def test_the_cache_keeps_a_reader_larger_than_its_limit(store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    cache = ReaderCache(store, limit_bytes=1_000)
    store.write(run_id, [make_updates(0, 10_000)])
    reader = cache.reader(run_id)
    reader.refresh()
    for _ in range(2):
        assert cache.reader(run_id) is reader
