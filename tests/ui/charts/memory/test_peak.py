"""The tables of memory: stacked bars of the simulated device against its limit, and real memory over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from core.run.events import CATEGORIES, Peak
from core.store.reader import RunReader
from core.words.catalogue import Catalogue
from ui.charts.memory.peak import memory_table, rss_table

MIB = 2**20
ReaderOf = Callable[..., RunReader]
PeakOf = Callable[..., Peak]


def of(table: pa.Table, **wanted: str) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if all(row[name] == value for name, value in wanted.items())]


def test_the_bars_stack_to_the_peak_in_the_order_of_the_categories(peak_of: PeakOf, words: Catalogue) -> None:
    peaks = {"predicted": peak_of(parameters=0.5, activations=3, batch=1), "measured": peak_of(activations=2)}
    table = memory_table(peaks, 8 * MIB, words)
    bars = of(table, row="predicted")
    assert [bar["series"] for bar in bars] == list(CATEGORIES)
    assert [(bar["start"], bar["end"]) for bar in bars] == [
        (0, 0.5),
        (0.5, 0.5),
        (0.5, 0.5),
        (0.5, 3.5),
        (3.5, 4.5),
        (4.5, 4.5),
    ]
    assert [bar["value"] for bar in bars] == [0.5, 0, 0, 3, 1, 0]
    assert [bar["middle"] for bar in bars] == [0.25, 0.5, 0.5, 2, 4, 4.5]
    assert max(bar["end"] for bar in of(table, row="measured")) == 2


def test_a_piece_is_labelled_where_there_is_room_for_its_name(peak_of: PeakOf, words: Catalogue) -> None:
    table = memory_table({"predicted": peak_of(activations=1.05, batch=1.03)}, 8 * MIB, words)
    labels = {bar["series"]: bar["label"] for bar in of(table, row="predicted") if bar["label"]}
    assert labels == {"activations": "<series.activations>"}  # 0.13 of 8 MiB are 1.04


def test_an_unknown_peak_is_a_row_without_bars(words: Catalogue, peak_of: PeakOf) -> None:
    table = memory_table({"predicted": peak_of(batch=1), "measured": None}, None, words)
    rows = of(table, row="measured")
    assert [bar["series"] for bar in rows] == list(CATEGORIES)
    assert {(bar["start"], bar["end"], bar["label"]) for bar in rows} == {(0, 0, "")}


def test_the_limit_is_a_rule_with_its_name(peak_of: PeakOf, words: Catalogue) -> None:
    table = memory_table({"predicted": peak_of(batch=1), "measured": None}, 8 * MIB, words)
    assert [(row["start"], row["value"]) for row in of(table, series="limit")] == [(8, 8)]
    assert [row["label"] for row in of(table, series="limit_name")] == ["<chart.memory.limit limit=8 MiB>"]
    assert max(row["start"] for row in of(table, series="extent")) == pytest.approx(8 * 1.02)


def test_the_axis_extends_to_a_peak_beyond_the_limit(peak_of: PeakOf, words: Catalogue) -> None:
    table = memory_table({"predicted": peak_of(batch=12), "measured": None}, 8 * MIB, words)
    assert [row["start"] for row in of(table, series="limit")] == [8]
    assert max(row["start"] for row in of(table, series="extent")) == pytest.approx(12 * 1.02)


def test_a_distant_limit_is_named_and_not_drawn(peak_of: PeakOf, words: Catalogue) -> None:
    peaks = {"predicted": peak_of(batch=1), "measured": peak_of(batch=0.5)}
    table = memory_table(peaks, 81_920 * MIB, words)
    assert of(table, series="limit") == []
    (name,) = of(table, series="limit_name")
    assert (name["value"], name["label"]) == (81_920, "<chart.memory.far limit=80 GiB>")
    assert max(row["start"] for row in of(table, series="extent")) < 1.2
    assert of(table, row="predicted", series="batch")[0]["label"] == "<series.batch>"


def test_a_limit_beyond_ten_times_the_peak_is_distant(peak_of: PeakOf, words: Catalogue) -> None:
    peaks = {"predicted": peak_of(batch=1), "measured": None}
    assert len(of(memory_table(peaks, 10 * MIB, words), series="limit")) == 1
    assert of(memory_table(peaks, 10 * MIB + 1, words), series="limit") == []


def test_any_limit_is_drawn_before_a_peak_is_known(words: Catalogue) -> None:
    table = memory_table({"predicted": None, "measured": None}, 81_920 * MIB, words)
    assert [row["start"] for row in of(table, series="limit")] == [81_920]


def test_without_a_limit_there_is_no_rule_and_no_name(peak_of: PeakOf, words: Catalogue) -> None:
    table = memory_table({"predicted": peak_of(batch=2), "measured": None}, None, words)
    assert not {"limit", "limit_name"} & set(table["series"].to_pylist())
    assert max(row["start"] for row in of(table, series="extent")) == pytest.approx(2 * 1.1 * 1.02)


def test_the_real_memory_of_the_process_is_stated_above_the_bars(peak_of: PeakOf, words: Catalogue) -> None:
    table = memory_table({"predicted": peak_of(batch=2)}, None, words, rss="really 300 MiB")
    assert [row["label"] for row in of(table, series="real")] == ["really 300 MiB"]


# Memory over time.


def test_resident_memory_is_drawn_in_mib_over_the_seconds_of_training(reader_of: ReaderOf) -> None:
    table = rss_table(reader_of([1.0] * 30, rss_bytes=300 * MIB + MIB // 2))
    assert [(row["x"], row["value"]) for row in of(table, series="rss_bytes")] == [(pytest.approx(0.3), 300.5)]
    assert [(row["x"], row["value"]) for row in of(table, series="extent")] == [(0, 0)]


def test_the_axes_of_resident_memory_are_held_open_before_the_first_update(reader_of: ReaderOf) -> None:
    for nothing in (None, reader_of([])):
        rows = [(row["series"], row["x"], row["value"]) for row in rss_table(nothing).to_pylist()]
        assert [row for row in rows if row[0] != "caption"] == [("extent", 0, 0), ("extent", 1, 1)]


def test_the_pointer_reads_resident_memory(reader_of: ReaderOf) -> None:
    rows = of(rss_table(reader_of([1.0] * 30, rss_bytes=300 * MIB)), series="pointer")
    assert [float(value) for value in rows[0]["label"].split("|")] == [pytest.approx(0.3), 300]


def test_a_name_stands_in_the_larger_part_of_a_piece_that_the_limit_cuts(peak_of: PeakOf, words: Catalogue) -> None:
    bars = of(memory_table({"predicted": peak_of(activations=4)}, MIB, words), series="activations")
    assert (bars[0]["middle"], bars[0]["label"]) == (2.5, "<series.activations>")  # between 1 and 4
