"""The marks of changed settings in the charts of loss and rate."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.run.config import RunConfig
from core.run.events import Started, Updates
from core.store import Store
from core.store.reader import RunReader
from ui.charts.depth import rhythm_table
from ui.charts.loss import log_loss, loss, loss_table
from ui.charts.rate import rate, rate_table, small_rate
from ui.charts.style import Spec

Say = Callable[..., str]
Specs = Callable[[Callable[..., Spec]], Spec]
Chart = Callable[[Say], Spec]
ReaderOf = Callable[..., RunReader]
MarksOf = Callable[..., dict[str, list[tuple[float, float, str]]]]
CONFIG = RunConfig(schedule="constant")
KINDS = ("change", "change_right", "change_left")


def marks_in(table: pa.Table) -> dict[str, list[tuple[float, float, str]]]:
    """Return place, pixels from the top and words of each row of the marks."""
    rows = [row for row in table.to_pylist() if row["series"] in KINDS]
    found: dict[str, list[tuple[float, float, str]]] = {kind: [] for kind in KINDS}
    for row in rows:
        found[row["series"]].append((row["x"], row["value"], row["label"]))
    return found


@pytest.fixture
def loss_marks(reader_of: ReaderOf, say: Say) -> MarksOf:
    """Return a function that draws marks on the loss of a run of 500 updates, all of them made."""

    def loss_marks(*marks: tuple[int, str], **options: Any) -> dict[str, list[tuple[float, float, str]]]:
        return marks_in(loss_table(CONFIG, reader_of([1.0] * 500), 500, say, marks=marks, **options))

    return loss_marks


def test_a_mark_is_a_rule_at_the_change_with_a_label_at_its_top(loss_marks: MarksOf) -> None:
    assert loss_marks((100, "B 100 to 400")) == {
        "change": [(100, 18, "")],
        "change_right": [(100, 18, "B 100 to 400")],
        "change_left": [],
    }


def test_on_a_logarithmic_axis_the_label_stands_where_that_axis_has_room(loss_marks: MarksOf) -> None:
    text = "B 100 to 400, learning rate 0.05 to 0.1"  # takes three quarters of the axis
    assert loss_marks((100, text))["change_left"] == []
    found = loss_marks((100, text), log_x=True)
    assert (found["change_right"], found["change_left"]) == ([], [(100, 18, text)])


def test_late_in_the_run_the_label_stands_before_the_rule(loss_marks: MarksOf) -> None:
    found = loss_marks((490, "B 100 to 400"))
    assert (found["change_right"], found["change_left"]) == ([], [(490, 18, "B 100 to 400")])


@pytest.mark.parametrize(("update", "side"), [(200, "right"), (300, "left")])
def test_a_label_that_fits_on_neither_side_stands_where_there_is_more_room(
    update: int, side: str, loss_marks: MarksOf
) -> None:
    long = "B 100 to 400, rate 0.05 to 0.2, schedule constant to cosine and 3 more"
    assert loss_marks((update, long))[f"change_{side}"] == [(update, 18, long)]


def test_labels_that_would_overlap_stand_on_separate_lines_where_their_rules_begin(
    loss_marks: MarksOf,
) -> None:
    found = loss_marks((100, "first"), (120, "second"), (300, "third"))
    assert found["change_right"] == [(100, 18, "first"), (120, 32, "second"), (300, 18, "third")]
    assert found["change"] == [(100, 18, ""), (120, 32, ""), (300, 18, "")]
    found = loss_marks((470, "first one"), (490, "second one"))  # to the left of their rules, the later one above
    assert found["change_left"] == [(470, 32, "first one"), (490, 18, "second one")]


def test_labels_from_both_sides_do_not_overlap(loss_marks: MarksOf) -> None:
    found = loss_marks((240, "x" * 20), (400, "y" * 20))
    assert (found["change_right"], found["change_left"]) == ([(240, 18, "x" * 20)], [(400, 32, "y" * 20)])


def test_every_change_has_a_rule_and_the_newest_have_labels(loss_marks: MarksOf) -> None:
    found = loss_marks(*((100 + 5 * number, f"change {number}") for number in range(10)))
    assert len(found["change"]) == 10
    assert [words for _, _, words in found["change_right"]] == [f"change {number}" for number in (6, 7, 8, 9)]


def test_marks_stand_where_their_update_does_in_each_unit(reader_of: ReaderOf, say: Say) -> None:
    reader, marks = reader_of([1.0] * 500), [(150, "change")]
    for unit, place in (("updates", 150), ("epochs", 1.5), ("examples", 15_000), ("seconds", 1.5)):
        table = loss_table(CONFIG, reader, 500, say, x=unit, marks=marks)
        ((found, _, _),) = marks_in(table)["change"]
        assert found == pytest.approx(place)


def test_a_change_that_is_not_read_yet_is_not_marked(loss_marks: MarksOf, reader_of: ReaderOf, say: Say) -> None:
    assert loss_marks((501, "change"))["change"] == []
    assert loss_marks()["change"] == []
    assert marks_in(loss_table(CONFIG, None, 500, say, marks=[(1, "change")]))["change"] == []


def test_the_rate_has_the_same_marks_with_labels_before_the_rule(reader_of: ReaderOf, say: Say) -> None:
    reader = reader_of([1.0] * 500)
    marks = [(150, "first one"), (200, "second one"), (210, "third one")]
    found = marks_in(rate_table(CONFIG, 500, reader, say, marks=marks))
    assert [place for place, _, _ in found["change"]] == [150, 200, 210]
    assert found["change_left"] == [(200, 16, "second one"), (210, 2, "third one")]  # there is room for two lines
    early = marks_in(rate_table(CONFIG, 500, reader, say, marks=[(10, "change")]))
    assert early["change_right"] == [(10, 2, "change")]


@pytest.mark.parametrize("chart", [loss, log_loss, rate])
def test_a_chart_draws_marks_wherever_the_table_has_them(chart: Chart, spec_of: Specs) -> None:
    layers = json.dumps(spec_of(chart))
    for kind in KINDS:
        assert f"datum.series == '{kind}'" in layers


def test_the_preview_has_none(spec_of: Specs) -> None:
    assert "datum.series == 'change" not in json.dumps(spec_of(small_rate))


# A run that goes on from one with other batches.


@pytest.fixture
def changed(tmp_path_factory: pytest.TempPathFactory) -> RunReader:
    """200 updates of 100 examples, then of the 400 planned in all 50 of 400: two epochs each."""
    store = Store.open(tmp_path_factory.mktemp("changed") / "runs.sqlite")
    small, large = RunConfig(budget_value=4), RunConfig(budget_value=4, batch_size=400)
    store.create("first", small, owner="o", session="s")
    store.write("first", [Started(400), block(0, 200, 100, 0)])
    store.create("second", large, owner="o", session="s", parent="first")
    store.inherit("second", "first")
    store.write("second", [Started(250, first=200, shift=-150), block(200, 30, 400, 20_000)])
    reader = RunReader(store, "second")
    reader.refresh()
    store.close()
    return reader


def block(first: int, count: int, size: int, seen: int) -> Updates:
    numbers = np.arange(1, count + 1)
    ones = np.ones(count)
    return Updates(first, ones.astype("f4"), 0.05 * ones, ones.astype("f4"), seen + numbers * size, 0.01 * numbers)


@pytest.mark.parametrize(("unit", "end"), [("updates", 250), ("epochs", 4), ("examples", 40_000)])
def test_the_axis_of_a_changed_run_ends_where_its_budget_does(
    unit: Any, end: float, changed: RunReader, say: Say
) -> None:
    config = RunConfig(budget_value=4, batch_size=400)
    table = loss_table(config, changed, 250, say, x=unit, marks=[(200, "change")])
    assert max(row["x"] for row in table.to_pylist() if row["series"] == "extent") == pytest.approx(end)
    assert marks_in(table)["change"][0][0] == pytest.approx({"updates": 200, "epochs": 2, "examples": 20_000}[unit])


def test_the_strokes_of_a_changed_run_are_filled_by_the_examples_of_its_epoch(changed: RunReader, say: Say) -> None:
    config = RunConfig(budget_value=4, batch_size=400)  # 32,000 examples: 2,000 into the fourth epoch
    rows = rhythm_table(config, changed, None, say).to_pylist()
    assert [row["value"] for row in rows if row["series"] == "done"] == [1, 2, 3, 4, 5]


def test_no_rate_is_planned_before_the_first_update_of_a_continued_run_is_known(tmp_path: Any, say: Say) -> None:
    store = Store.open(tmp_path / "runs.sqlite")
    store.create("first", CONFIG, owner="o", session="s")
    store.write("first", [Started(500), block(0, 200, 100, 0)])
    store.create("second", CONFIG.replace(batch_size=400), owner="o", session="s", parent="first")
    reader = RunReader(store, "second")
    reader.refresh()
    store.close()
    table = rate_table(CONFIG.replace(batch_size=400), 275, reader, say)
    assert "planned" not in table["series"].to_pylist()
