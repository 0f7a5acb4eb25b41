"""What all charts share: words, tables of fixed columns, and specifications that never change."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import pytest

from core.comparison.course import Course
from core.comparison.paths import Path, WeightPaths
from core.forecast.records import Curve, Point
from core.run.config import RunConfig
from core.run.events import CATEGORIES, Epoch, FailedAllocation, Peak
from core.run.searching import Attempt, Search
from core.run.timeline import Block, Change, Timeline
from core.science.trials import Line
from core.store.reader import RunReader
from core.trajectories.noise import Measured, law
from core.trajectories.problems import PROBLEMS
from core.words.catalogue import Catalogue
from tests.campaign import drawn
from tests.core.claims.arms import judged, pair
from ui.charts import cloud as cloud_charts
from ui.charts.claims import effects, effects_table, evidence, evidence_table, log_evidence
from ui.charts.cloud import cloud_table, law_table
from ui.charts.columns import named, with_names
from ui.charts.compare import (
    compare_linear,
    compare_logarithmic,
    compare_memory,
    compare_memory_table,
    comparison_table,
)
from ui.charts.depth import (
    confusion,
    confusion_table,
    gradient,
    gradient_table,
    plane,
    plane_table,
    rhythm,
    rhythm_table,
    update_ratio,
    update_ratio_table,
)
from ui.charts.loss import log_loss, loss, loss_table
from ui.charts.memory import units
from ui.charts.memory.attempts import attempts, attempts_table
from ui.charts.memory.curve import curve, log_curve
from ui.charts.memory.curve_table import curve_table
from ui.charts.memory.peak import memory, memory_table, rss, rss_table
from ui.charts.memory.timeline import timeline
from ui.charts.memory.timeline_table import timeline_table
from ui.charts.rate import rate, rate_table, small_rate
from ui.charts.style import CATEGORY_COLOURS, LOOK, PLACE, Rows, Spec, evenly, labels, only
from ui.charts.trajectory import small_trajectory, trajectory, trajectory_table
from ui.charts.weight_paths import weight_paths, weight_paths_table

Say = Callable[..., str]
Specs = Callable[[Callable[..., Spec]], Spec]
ReaderOf = Callable[..., RunReader]
PeakOf = Callable[..., Peak]
Tables = dict[str, tuple[pa.Table, pa.Table]]

CHARTS = {
    chart.__name__: chart
    for chart in (
        loss,
        log_loss,
        rate,
        small_rate,
        memory,
        rss,
        gradient,
        update_ratio,
        rhythm,
        confusion,
        plane,
        curve,
        log_curve,
        timeline,
        attempts,
        trajectory,
        small_trajectory,
        cloud_charts.cloud,
        cloud_charts.law,
        effects,
        evidence,
        log_evidence,
        compare_logarithmic,
        compare_linear,
        compare_memory,
        weight_paths,
    )
}
NAMES = tuple(CHARTS)


@pytest.fixture(scope="module")
def tables(reader_of: ReaderOf, peak_of: PeakOf, words: Catalogue) -> Tables:
    """Return for each chart its table with as little in it as there can be, and with everything."""
    say, config = words.say, RunConfig(schedule_batch_size=1_000)
    epoch = Epoch(1, 2, 2, True, 1.0, 0.5, 0.9, 0.02, 0.001)
    run, ghost = reader_of([3.0, 90.0, 1.0, 1.0] * 3, epochs=[epoch], rss_bytes=2**28), reader_of([3.0, 2.0] * 9)
    nothing, peaks = {"predicted": None, "measured": None}, {"predicted": peak_of(batch=1), "measured": None}
    loss = [
        (
            loss_table(None, None, None, say, log=log),
            loss_table(config, run, 500, say, x="epochs", log=log, ghost=ghost, ghost_name="before"),
        )
        for log in (False, True)
    ]
    rate = rate_table(RunConfig(), None, None, say), rate_table(config, 500, run, say)
    no_points = plane_table(np.zeros((0, 2)), np.zeros(0), [], "")
    points = tuple(Point(size, peak_of(activations=size).with_workspace(2**20), True) for size in (1, 8))
    known = Curve(points, (), 3, {})
    curve = (
        curve_table(None, None, [], words, batch_size=None),
        curve_table(known, 4 * 2**20, [(5, 2**22)], words, batch_size=2),
    )
    block = Block(2**20, "batch", "forward", "", "aten.zeros.default", (8,))
    born = Timeline({"parameters": 2**20}, (Change(2**20, block, "forward", ""), Change(2**20, block, "backward", "")))
    failed = FailedAllocation(
        requested_bytes=2**20,
        live_bytes=15 * 2**20 - 4,
        limit_bytes=2**24,
        phase="forward",
        module="",
        operation="aten.mm.out",
        workspace_bytes=9,
    )
    events = {"first_update": Timeline(born.before, born.changes * 20), "second_update": born}
    valley, here = PROBLEMS["quadratic"](), np.array([1.0, 1.0])
    paths = tuple(trajectory_table(valley, np.array([here, -here]), say, side="large", shown=n) for n in (0, 1))
    theory, clouds = law(valley, here), {"single": (1, np.ones((3, 2))), "large": (64, np.ones((2, 2)))}
    searches = [Search("doubling", (Attempt(2, True), Attempt(4, False)), 2)]
    outcomes = judged(pair([0.5, 2.0] * 5), pair([1.0] * 9 + [math.inf]))
    lines = [Line("law", (0.0, 1.0), (1.0, 2.0)), Line("measured", (0.5,), (1.6,), (0.2,))]
    evidence = evidence_table("C7", [], say), evidence_table("C7", lines, say)
    course = Course(
        planned=2,
        peak_bytes=2**20,
        updates=np.array([1.0, 2.0]),
        rate=np.array([0.2, 0.1]),
        series={"loss": np.array([[2.0, 3.0], [1.0, 2.0]])},
    )
    compared = [
        comparison_table(name, arms, ["A", "B"][: len(arms)], say, axis="updates")
        for name in ("loss", "rate")
        for arms in ([Course()], [course, course])
    ]
    walk = Path([0, 3], [0.0, 1.0], [0.0, 2.0], [2.0, 1.0], [2.0, 1.5])
    plane = WeightPaths([walk], [0.9, 0.05], [0.0, 1.0], [0.0, 2.0], [[1.0, 2.0], [3.0, math.inf]], 10)
    return {
        "compare_logarithmic": (compared[0], compared[1]),
        "compare_linear": (compared[2], compared[3]),
        "compare_memory": (
            compare_memory_table([Course()], ["A"], None, say),
            compare_memory_table([course], ["A"], 2**21, say),
        ),
        "weight_paths": (
            weight_paths_table(None, [], words),
            weight_paths_table(plane, ["A"], words),
        ),
        "effects": (effects_table([], words), effects_table(outcomes, words)),
        "evidence": evidence,
        "log_evidence": evidence,
        "loss": loss[0],
        "log_loss": loss[1],
        "rate": rate,
        "small_rate": rate,
        "memory": (memory_table(nothing, None, words), memory_table(peaks, 2**20, words, rss="256 MiB")),
        "rss": (rss_table(None), rss_table(run)),
        "gradient": (gradient_table(None, say), gradient_table(run, say, x="seconds")),
        "update_ratio": (update_ratio_table(None, say), update_ratio_table(run, say, x="seconds")),
        "rhythm": (rhythm_table(config, None, None, say), rhythm_table(config, run, config, say)),
        "confusion": (confusion_table([[0]]), confusion_table([[7, 1], [2, 3]])),
        "curve": curve,
        "log_curve": curve,
        "timeline": (
            timeline_table({}, words),
            timeline_table(events, words, limit_bytes=2**24, failed=failed),
        ),
        "attempts": (
            attempts_table([], 9, words, largest=0, most=9),
            attempts_table(searches, 9, words, largest=3, most=9),
        ),
        "trajectory": paths,
        "small_trajectory": paths,
        "cloud": (
            cloud_table({"small": (8, here[None])}, theory, here, words),
            cloud_table(clouds, theory, here, words),
        ),
        "law": (law_table(theory, [], words), law_table(theory, [Measured(4, 2.0, 0.1)], words)),
        "plane": (no_points, plane_table(np.ones((2, 2)), np.array([0, 1]), [0.0, 1.0], "data:")),
    }


def parts(spec: Any) -> Iterator[Any]:
    """Yield everything that is in a specification, itself included."""
    yield spec
    for inner in spec.values() if isinstance(spec, dict) else spec if isinstance(spec, list) else ():
        yield from parts(inner)


# Specifications.


@pytest.mark.parametrize("name", NAMES)
def test_a_specification_is_valid_and_has_no_data(name: str, spec_of: Specs) -> None:
    spec = spec_of(CHARTS[name])
    assert not {"data", "datasets"} & {key for part in parts(spec) if isinstance(part, dict) for key in part}
    assert spec["config"] == LOOK
    alt.LayerChart.validate(spec | {"data": {"name": "d"}})


@pytest.mark.parametrize("name", drawn(NAMES, 8))
def test_a_specification_is_byte_identical_each_time(name: str, say: Say, spec_of: Specs) -> None:
    assert json.dumps(spec_of(CHARTS[name])) == json.dumps(CHARTS[name](say))


@pytest.mark.parametrize("name", NAMES)
def test_every_column_that_a_specification_names_is_in_its_table(name: str, spec_of: Specs, tables: Tables) -> None:
    spec, (_, table) = spec_of(CHARTS[name]), tables[name]
    fields = {part["field"] for part in parts(spec) if isinstance(part, dict) and "field" in part}
    fields |= {field for field in re.findall(r"datum\.(\w+)", json.dumps(spec)) if field != "value"}
    made = {part["as"] for part in parts(spec) if isinstance(part, dict) and "as" in part}
    assert fields
    assert fields <= {*table.column_names, *made}


@pytest.mark.parametrize("name", ["memory", "curve", "log_curve", "timeline", "compare_memory"])
def test_every_size_on_a_chart_of_memory_has_the_unit_of_its_own_size(name: str, spec_of: Specs) -> None:
    spec = spec_of(CHARTS[name])
    channel = "x" if name in ("memory", "compare_memory") else "y"
    axes = [
        layer["encoding"][channel]["axis"] for layer in spec["layer"] if "axis" in layer["encoding"].get(channel, {})
    ]
    assert {axis["labelExpr"] for axis in axes} == {units.text("datum.value")}
    told = [part["tooltip"] for part in parts(spec) if isinstance(part, dict) and part.get("tooltip")]
    assert "_text" in json.dumps(told) or units.text("datum.value") in json.dumps(told)
    assert "MiB)" not in json.dumps(told)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("confusion", "plane", "small_rate")])
def test_every_series_of_a_table_is_drawn_by_some_mark(name: str, spec_of: Specs, tables: Tables) -> None:
    spec, (_, table) = spec_of(CHARTS[name]), tables[name]
    filters = json.dumps([layer["transform"] for layer in spec["layer"] if "transform" in layer])
    series = set(table["series"].to_pylist())
    assert len(series) >= 2
    for each in series:
        assert f"'{each}'" in filters or f'"{each}"' in filters, each


@pytest.mark.parametrize("name", NAMES)
def test_every_axis_has_a_title_and_every_mark_that_shows_data_a_tooltip(name: str, spec_of: Specs) -> None:
    spec = spec_of(CHARTS[name])
    for layer in spec["layer"]:
        for axis in ("x", "y"):
            channel = layer["encoding"].get(axis, {})
            if channel.get("type") == "quantitative" and "axis" in channel and channel["title"] is not None:
                assert channel["title"].startswith("<axis.") or channel["title"] == PLACE
        told = layer["encoding"].get("tooltip", [])
        silent = layer["mark"].get("tooltip", "none") is None or layer["mark"]["type"] == "rule"
        assert len(told) >= 2 or "value" in told or silent
    told_by = [(layer, layer["encoding"].get("tooltip", [])) for layer in spec["layer"]]
    tell = [layer for layer, told in told_by if len(told) >= 2 or "value" in told]
    assert tell
    assert all(layer["mark"]["type"] != "line" for layer in tell)  # a line would tell of its first point alone


@pytest.mark.parametrize(
    "name",
    [
        "loss",
        "log_loss",
        "gradient",
        "update_ratio",
        "compare_linear",
        "compare_logarithmic",
        "weight_paths",
        "evidence",
        "log_evidence",
    ],
)
def test_an_axis_that_changes_its_unit_has_its_title_in_the_table(name: str, spec_of: Specs) -> None:
    spec = spec_of(CHARTS[name])
    titles = {
        layer["encoding"]["x"].get("title") for layer in spec["layer"] if "axis" in layer["encoding"].get("x", {})
    }
    assert titles == {PLACE}
    axes = [layer["encoding"]["x"]["axis"] for layer in spec["layer"] if "axis" in layer["encoding"].get("x", {})]
    assert all("labelPadding" not in axis for axis in axes)  # else the title is over the labels
    words = [layer for layer in spec["layer"] if {"filter": "datum.series == 'title'"} in layer.get("transform", [])]
    assert [layer["encoding"]["text"]["field"] for layer in words] == ["label"]


@pytest.mark.parametrize("name", NAMES)
def test_an_axis_is_stated_once_because_every_refresh_sends_it(name: str, spec_of: Specs) -> None:
    for channel in ("x", "y"):
        encodings = [layer["encoding"].get(channel, {}) for layer in spec_of(CHARTS[name])["layer"]]
        axes = [json.dumps(encoding["axis"], default=str) for encoding in encodings if encoding.get("axis")]
        assert len(set(axes)) == len(axes)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_has_the_same_columns_and_types_with_and_without_data(name: str, tables: Tables) -> None:
    empty, full = tables[name]
    assert not full.equals(empty)
    assert empty.schema == full.schema
    for column in full.schema:
        texts = ("series", "row", "label", "url")
        assert column.type == (pa.string() if column.name in texts else pa.float64()), column


UNNAMED = ("memory", "rhythm", "confusion", "plane", "curve", "log_curve", "timeline", "attempts", "effects")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNNAMED and "evidence" not in name])
def test_show_data_lists_named_columns_and_the_chart_reads_them(name: str, spec_of: Specs, tables: Tables) -> None:
    spec, (_, table) = spec_of(CHARTS[name]), tables[name]
    shown, read = named(table, spec).column_names, with_names(spec)
    assert len(set(shown)) == len(shown)
    assert [column for column in shown if "<" not in column and column not in ("x2", "y2")] == []
    fields = {part["field"].replace("\\", "") for part in parts(read) if isinstance(part, dict) and "field" in part}
    fields |= set(re.findall(r"datum\['([^']+)'\]", json.dumps(read["layer"])))
    made = {part["as"] for part in parts(spec) if isinstance(part, dict) and "as" in part}
    assert fields - made - {"x", "y"} <= set(shown)
    kept = [layer for layer in read["layer"] if {"x", "y"} & {step.get("as") for step in layer.get("transform", [])}]
    assert [layer["name"] for layer in kept] == ["frame"] * (name not in ("small_rate", "compare_memory"))


def test_the_name_of_an_arm_stays_what_it_is_whatever_it_looks_like(say: Say) -> None:
    made = with_names(compare_linear(say, ("Heading", "loss", "datum.x", "title")))
    domains = [part["domain"] for part in parts(made) if isinstance(part, dict) and "domain" in part]
    assert ["datum.x", "title"] in domains
    told = json.dumps([layer["encoding"].get("tooltip") for layer in made["layer"]])
    assert "'datum.x'" not in told
    assert "'title': isValid" not in told


def test_rows_of_data_come_before_what_the_chart_itself_needs(tables: Tables) -> None:
    for name in ("loss", "rate", "rss", "gradient", "update_ratio", "compare_linear", "trajectory"):
        series = tables[name][1]["series"].to_pylist()
        assert series[0] not in ("extent", "title", "caption", "pointer", "line" if name == "trajectory" else "")


# The parts.


def test_a_value_that_is_not_given_is_empty() -> None:
    rows = Rows("series", "x", "label", "value")
    rows.add(series="loss", x=3)
    rows.add(label="a limit", value=2.5)
    table = rows.table().to_pydict()
    assert table["series"] == ["loss", ""]
    assert table["label"] == ["", "a limit"]
    np.testing.assert_array_equal(table["x"], [3.0, np.nan])
    np.testing.assert_array_equal(table["value"], [np.nan, 2.5])


def test_a_single_value_goes_into_all_rows_added_with_it() -> None:
    rows = Rows("series", "row", "x", "value")
    rows.add(series="loss", row=["a", "b", "c"], x=np.array([1, 2, 3]), value=0.5)
    assert rows.table().to_pylist() == [
        {"series": "loss", "row": "a", "x": 1.0, "value": 0.5},
        {"series": "loss", "row": "b", "x": 2.0, "value": 0.5},
        {"series": "loss", "row": "c", "x": 3.0, "value": 0.5},
    ]


def test_a_series_without_values_adds_no_rows() -> None:
    rows = Rows("series", "x")
    rows.add(series="loss", x=np.array([]))
    rows.add(series="title")
    assert rows.table()["series"].to_pylist() == ["title"]


def test_numbers_keep_all_their_digits() -> None:
    rows = Rows("x")
    rows.add(x=[2**53 - 1, 0.1])
    assert rows.table()["x"].to_pylist() == [9_007_199_254_740_991.0, 0.1]


def test_whole_numbers_do_not_change_the_type_of_a_column() -> None:
    rows = Rows("series", "x")
    rows.add(series="extent", x=0)
    assert rows.table().schema == pa.schema([("series", pa.string()), ("x", pa.float64())])


def test_a_filter_picks_one_series() -> None:
    assert only("smoothed_loss") == "datum.series == 'smoothed_loss'"


@pytest.mark.parametrize(("count", "told"), [(0, 0), (1, 1), (2, 2), (60, 60), (61, 60), (400, 60)])
def test_an_even_choice_of_points_has_the_first_and_the_last(count: int, told: int) -> None:
    chosen = evenly(count)
    assert len(chosen) == told
    if told > 1:
        assert (chosen[0], chosen[-1]) == (0, count - 1)
        apart = np.diff(chosen)
        assert apart.max() - apart.min() <= 1


def test_a_code_is_shown_in_words_whatever_they_contain() -> None:
    words = {"series.loss": "each update", "series.plan": 'the run\'s "plan"'}
    shown = labels(words.__getitem__, ["loss", "plan"])
    assert shown == r"""({'loss': 'each update', 'plan': 'the run\'s "plan"'})[datum.value]"""


def test_every_category_of_memory_has_a_colour_of_its_own() -> None:
    assert tuple(CATEGORY_COLOURS) == CATEGORIES
    assert len(set(CATEGORY_COLOURS.values())) == 6
