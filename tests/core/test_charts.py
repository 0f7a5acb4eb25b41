"""What the charts are given and what stays the same about them."""

from __future__ import annotations

import json
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import pytest

from core import charts
from core.config import RunConfig
from core.events import CATEGORIES, Epoch, Peak, Updates
from core.schedules import SCHEDULES
from core.store import Store
from core.store.reader import RunReader

AUTHORS = (charts.loss, charts.rate, charts.memory)
MIB = 2**20


def say(key: str) -> str:
    return f"<{key}>"


def reader_of(folder: Path, losses: list[float]) -> RunReader:
    """Return the reader of a run with these losses at a rate of 0.05 and one evaluation at its end."""
    store = Store.open(folder / "runs.sqlite")
    store.create("a", RunConfig(), owner="o", session="s")
    count = len(losses)
    block = Updates(
        0,
        np.array(losses, dtype=np.float32),
        np.full(count, 0.05),
        np.ones(count, dtype=np.float32),
        np.arange(1, count + 1, dtype=np.int64) * 100,
        np.arange(1, count + 1) * 0.01,
    )
    store.write("a", [block, Epoch(1, count, count, True, 1.0, 0.25, 0.9, 1.0)])
    reader = RunReader(store, "a")
    reader.refresh()
    return reader


def peak(**sizes: int) -> Peak:
    categories = dict.fromkeys(CATEGORIES, 0) | {name: size * MIB for name, size in sizes.items()}
    return Peak(sum(categories.values()), categories, "backward", "")


@pytest.mark.parametrize("author", AUTHORS)
def test_a_specification_is_valid_carries_no_data_and_is_the_same_each_time(author: object) -> None:
    spec = author(say)  # type: ignore[operator]
    assert json.dumps(spec) == json.dumps(author(say))  # type: ignore[operator]
    assert "data" not in spec
    assert "datasets" not in spec
    alt.Chart.from_dict(spec | {"data": {"name": "d"}})


@pytest.mark.parametrize("author", AUTHORS)
def test_every_axis_has_a_title_and_every_visible_mark_a_tooltip(author: object) -> None:
    for layer in author(say)["layer"]:  # type: ignore[operator]
        for axis in ("x", "y"):
            channel = layer["encoding"].get(axis, {})
            if channel.get("type") == "quantitative" and "axis" in channel:
                assert channel["title"].startswith("<axis.")
        if layer["mark"]["type"] in ("line", "bar") or layer["mark"].get("shape") == "diamond":
            assert len(layer["encoding"]["tooltip"]) == 3


def test_the_loss_frame_has_the_same_columns_before_and_during_a_run(tmp_path: Path) -> None:
    empty, full = charts.loss_frame(None, 500), charts.loss_frame(reader_of(tmp_path, [2.0, 1.0, 0.5]), 500)
    assert dict(empty.dtypes) == dict(full.dtypes)
    assert list(empty.columns) == ["series", "x", "value"]


def test_the_loss_frame_spans_the_planned_updates_and_holds_what_was_recorded(tmp_path: Path) -> None:
    frame = charts.loss_frame(reader_of(tmp_path, [2.0, 1.0, 0.5]), 500)
    assert frame.x.max() == 500
    raw = frame[frame.series == "loss"]
    assert raw.x.tolist() == [1, 2, 3]
    assert raw.value.tolist() == [2.0, 1.0, 0.5]
    assert frame[frame.series == "validation_loss"][["x", "value"]].to_numpy().tolist() == [[3.0, 0.25]]


def test_the_axis_of_a_very_long_run_ends_where_its_beginning_can_be_seen(tmp_path: Path) -> None:
    assert charts.loss_frame(reader_of(tmp_path, [2.0, 1.0]), 500_000).x.max() == 100_000


def test_a_long_run_is_drawn_in_at_most_400_points_a_series(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, list(np.linspace(2, 0, 5_000)))
    for frame in (charts.loss_frame(reader, 5_000), charts.rate_frame(RunConfig(), 5_000, reader)):
        assert frame.groupby("series").size().max() <= 400


def test_a_loss_that_is_no_number_is_a_gap(tmp_path: Path) -> None:
    frame = charts.loss_frame(reader_of(tmp_path, [2.0, float("inf")]), 2)
    assert np.isfinite(frame.value.dropna()).all()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_plan_starts_with_the_first_update_and_ends_with_the_last(schedule: str) -> None:
    frame = charts.planned_rates(RunConfig(schedule=schedule), 10_000)
    assert len(frame) == 400
    assert frame.x.iloc[[0, -1]].tolist() == [1, 10_000]
    assert frame.value.max() <= 0.05 + 1e-12


def test_a_cosine_is_planned_as_half_a_cosine() -> None:
    frame = charts.planned_rates(RunConfig(lr=1.0), 100)
    expected = (1 + np.cos(np.pi * np.arange(100) / 100)) / 2
    np.testing.assert_allclose(frame.value, expected)


@pytest.mark.parametrize(("schedule", "horizon"), [("plateau", 500), ("cosine", None)])
def test_nothing_is_planned_where_nothing_can_be(schedule: str, horizon: int | None) -> None:
    frame = charts.rate_frame(RunConfig(schedule=schedule), horizon, None)
    assert set(frame.series) == {charts.EXTENT}


def test_the_memory_bars_stack_to_the_peak_and_the_limit_is_a_row_of_its_own() -> None:
    frame = charts.memory_frame({"predicted": peak(activations=3, batch=1), "measured": None}, 8 * MIB, "limit 8 MiB")
    bars = frame[(frame.row == "predicted")]
    assert bars.series.tolist() == list(CATEGORIES)
    assert bars.end.max() == 4
    assert bars[bars.series == "activations"][["start", "end", "label"]].to_numpy().tolist() == [[0, 3, "activations"]]
    limit = frame[frame.series == "limit"].iloc[0]
    assert (limit.start, limit["value"], limit.label) == (8, 8, "limit 8 MiB")


def test_a_limit_far_away_leaves_the_bars_readable_and_keeps_its_own_number() -> None:
    frame = charts.memory_frame({"predicted": peak(batch=1), "measured": peak(batch=1)}, 81_920 * MIB, "limit 80 GiB")
    limit = frame[frame.series == "limit"].iloc[0]
    assert limit.start < 2
    assert limit["value"] == 81_920
    assert limit.label == "limit 80 GiB \u2192"


def test_the_memory_frame_has_the_same_columns_with_and_without_peaks() -> None:
    def types(frame: pd.DataFrame) -> dict[str, object]:
        return dict(frame.dtypes)

    none = charts.memory_frame({"predicted": None, "measured": None}, None, "")
    assert types(none) == types(charts.memory_frame({"predicted": peak(batch=1), "measured": None}, MIB, "limit"))
