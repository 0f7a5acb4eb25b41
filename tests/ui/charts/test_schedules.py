"""The charts of the schedules: specifications that no choice changes, and the contents of their tables."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import pytest

from core.schedule_bench.arms import ARMS, RATES
from core.schedule_bench.results import Bench, load
from ui.charts.schedules import (
    schedule_curves,
    schedule_curves_table,
    schedule_rates,
    schedule_rates_table,
    schedule_tuning,
    schedule_tuning_table,
)
from ui.charts.style import Spec

Say = Callable[..., str]
Specs = Callable[[Callable[..., Spec]], Spec]
CHARTS = {"schedule_curves": schedule_curves, "schedule_rates": schedule_rates, "schedule_tuning": schedule_tuning}
NAMES = tuple(CHARTS)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return load()[16]


def table(name: str, bench: Bench, arm: str, say: Say) -> pa.Table:
    if name == "schedule_tuning":
        return schedule_tuning_table(bench, arm, say)
    make = schedule_curves_table if name == "schedule_curves" else schedule_rates_table
    return make(bench.tuned, arm, bench.batch_size, say)


def of(found: pa.Table, series: str, **also: Any) -> list[dict[str, Any]]:
    return [row for row in found.to_pylist() if row["series"] == series and also.items() <= row.items()]


def places(found: pa.Table, series: str, **also: Any) -> dict[float, float]:
    return {row["x"]: row["value"] for row in of(found, series, **also)}


def parts(spec: Any) -> Iterator[Any]:
    yield spec
    for inner in spec.values() if isinstance(spec, dict) else spec if isinstance(spec, list) else ():
        yield from parts(inner)


@pytest.mark.parametrize("name", NAMES)
def test_a_specification_is_valid_and_constant_and_holds_no_data(name: str, say: Say, spec_of: Specs) -> None:
    spec = spec_of(CHARTS[name])
    assert json.dumps(spec) == json.dumps(CHARTS[name](say))
    assert not {"data", "datasets"} & {key for part in parts(spec) if isinstance(part, dict) for key in part}
    alt.LayerChart.validate(spec | {"data": {"name": "d"}})


@pytest.mark.parametrize("name", NAMES)
def test_every_column_in_a_specification_is_in_its_table(name: str, bench: Bench, say: Say, spec_of: Specs) -> None:
    spec = spec_of(CHARTS[name])
    fields = {part["field"] for part in parts(spec) if isinstance(part, dict) and "field" in part}
    fields |= set(re.findall(r"datum\.(\w+)", json.dumps(spec)))
    assert len(fields) >= 5
    calculated = {part["as"] for part in parts(spec) if isinstance(part, dict) and "calculate" in part}
    assert fields - calculated <= set(table(name, bench, "cosine", say).column_names)


@pytest.mark.parametrize("arm", ["constant", "cosine", "plateau", "ramp"])
@pytest.mark.parametrize("name", NAMES)
def test_every_series_is_drawn_and_no_choice_changes_the_columns(
    name: str, arm: str, bench: Bench, say: Say, spec_of: Specs
) -> None:
    filters = json.dumps([layer["transform"] for layer in spec_of(CHARTS[name])["layer"] if "transform" in layer])
    found = table(name, bench, arm, say)
    series = set(found["series"].to_pylist())
    assert len(series) >= 4
    for each in series:
        assert f"'{each}'" in filters, each
    assert found.schema == table(name, bench, "linear", say).schema
    assert not found.equals(table(name, bench, "linear", say))


@pytest.mark.parametrize("name", NAMES)
def test_axes_have_titles_and_points_have_tooltips(name: str, spec_of: Specs) -> None:
    spec = spec_of(CHARTS[name])
    for layer in spec["layer"]:
        for axis in ("x", "y"):
            title = layer["encoding"].get(axis, {}).get("title")
            assert title is None or title.startswith("<axis.schedules.")
    at_pointer, at_point = [layer["encoding"]["tooltip"] for layer in spec["layer"] if "tooltip" in layer["encoding"]]
    assert [each["field"] for each in at_point][:3] == ["label", "x", "value"]
    for arm in ARMS:
        assert f"'<schedules.arm.{arm}>'" in at_pointer["value"]["expr"]


@pytest.mark.parametrize("name", NAMES)
def test_the_chosen_schedule_is_strong_and_the_others_are_faint(name: str, bench: Bench, say: Say) -> None:
    found = table(name, bench, "linear", say)
    rows = {series: {row["row"] for row in of(found, series)} for series in ("chosen", "other")}
    assert rows == {"chosen": {"linear"}, "other": set(ARMS) - {"linear"}}
    assert {row["label"] for row in of(found, "point")} == {f"<schedules.arm.{arm}>" for arm in ARMS}


@pytest.mark.parametrize("name", NAMES)
def test_every_schedule_has_a_colour_and_dashes_of_its_own_in_the_legend(name: str, spec_of: Specs) -> None:
    lines = [layer["encoding"] for layer in spec_of(CHARTS[name])["layer"] if layer["mark"]["type"] == "line"]
    assert len({json.dumps([line["color"], line["strokeDash"]]) for line in lines}) == 1
    colours, dashes = (lines[0][channel]["scale"] for channel in ("color", "strokeDash"))
    assert colours["domain"][: len(ARMS)] == dashes["domain"][: len(ARMS)] == list(ARMS)
    assert len(set(colours["range"][: len(ARMS)])) == len(ARMS)
    assert colours["legend"] if "legend" in colours else lines[0]["color"]["legend"]
    drawn = [*zip(colours["range"], map(tuple, dashes["range"]), strict=True)]
    assert len(set(drawn)) == len(drawn)


def test_the_pointer_tells_the_values_of_all_schedules_where_it_stands(bench: Bench, say: Say) -> None:
    band = of(table("schedule_curves", bench, "linear", say), "pointer")[-1]
    at, *values = map(float, band["label"].split("|"))
    assert at == 32_768
    assert values[: len(ARMS)] == pytest.approx([bench.tuned[arm].middle[-1] for arm in ARMS])
    assert values[-1] == bench.tuned["linear"].exact[-1]
    tried = of(table("schedule_tuning", bench, "linear", say), "pointer")[6]["label"].split("|")
    assert (float(tried[0]), float(tried[1])) == (8.0, bench.tried["constant"][6])


def test_a_curve_has_its_points_at_the_marks_of_the_plan(bench: Bench, say: Say) -> None:
    found = table("schedule_curves", bench, "linear", say)
    linear = bench.tuned["linear"]
    line, exact = places(found, "chosen"), places(found, "exact")
    assert line[32_768] == linear.middle[-1] == pytest.approx(linear.end, rel=1e-3)
    assert line[16_384] == linear.middle[32]
    assert (exact[32_768], exact[16_384]) == (linear.exact[-1], linear.exact[32])
    (last,) = of(found, "band", x=32_768.0)
    assert (last["value"], last["high"]) == (linear.lowest[-1], linear.highest[-1])
    assert min(linear.ends) == pytest.approx(last["value"], rel=1e-2)


def test_losses_far_from_the_optimum_are_not_drawn(bench: Bench, say: Say) -> None:
    found = table("schedule_curves", bench, "linear", say)
    drawn = [row for series in ("chosen", "other", "band", "exact", "point") for row in of(found, series)]
    assert max(row["value"] for row in drawn) <= 0.5
    lost = replace(
        bench.tuned["linear"],
        middle=(np.inf,) * 65,
        lowest=(np.inf,) * 65,
        highest=(np.inf,) * 65,
        exact=(np.inf,) * 65,
    )
    found = schedule_curves_table({**bench.tuned, "linear": lost}, "linear", 16, say)
    assert [of(found, series) for series in ("chosen", "band", "exact")] == [[], [], []]
    assert "<schedules.arm.linear>" not in [row["label"] for row in of(found, "point")]


def test_the_rates_follow_the_plan_of_every_schedule(bench: Bench, say: Say) -> None:
    found = table("schedule_rates", bench, "ramp", say)
    ramp = places(found, "chosen")
    assert ramp[0.0] == 1.0
    assert ramp[32_768.0] == 1 / 16  # the rate stays and the batch is 16 times as large
    assert set(ramp.values()) == {1.0, 1 / 4, 1 / 16}
    assert set(places(found, "other", row="constant").values()) == {1.0}
    cosine = places(found, "other", row="cosine")
    middle = min(cosine, key=lambda x: abs(x - 16_384))
    assert cosine[middle] == pytest.approx(0.5, abs=0.02)


def test_the_rates_of_a_plateau_are_those_of_its_epochs(bench: Bench, say: Say) -> None:
    shares = tuple(1.0 if epoch < 8 else 0.5 for epoch in range(16))
    trained = {**bench.tuned, "plateau": replace(bench.tuned["plateau"], shares=shares)}
    found = schedule_rates_table(trained, "plateau", 16, say)
    corners = [(row["x"], row["value"]) for row in of(found, "chosen")]
    assert corners[:2] == [(0.0, 1.0), (2_048.0, 1.0)]
    assert corners[15:17] == [(16_384.0, 1.0), (16_384.0, 0.5)]
    assert corners[-1] == (32_768.0, 0.5)


def test_the_ring_marks_the_best_rate_and_the_rule_the_shared_rate(bench: Bench, say: Say) -> None:
    found = table("schedule_tuning", bench, "exponential", say)
    line = places(found, "chosen")
    assert list(line) == list(RATES)
    (ring,) = of(found, "best")
    assert (ring["x"], ring["value"]) == (bench.tuned["exponential"].peak, min(line.values()))
    (rule,) = of(found, "rule")
    assert rule["x"] == 8.0
    assert places(found, "exact")[8.0] == bench.expected["exponential"][RATES.index(8.0)]
