"""The results of the comparison: written, read back, and refused if damaged."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.schedule_bench import results
from core.schedule_bench.arms import ARMS, BATCH_SIZES, RATES
from core.schedule_bench.plans import rate_plan
from core.schedule_bench.results import load, tuning_seeds, write
from core.words.errors import BatchLabError


def test_the_shipped_file_is_complete_for_every_batch_size() -> None:
    shipped = load()
    assert tuple(shipped) == BATCH_SIZES
    for size, bench in shipped.items():
        assert tuple(bench.tuned) == tuple(bench.alike) == tuple(bench.tried) == tuple(bench.expected) == ARMS
        assert bench.batch_size == size
        for arm in ARMS:
            assert len(bench.tried[arm]) == len(RATES)
            for each in (bench.tuned[arm], bench.alike[arm]):
                points = len(rate_plan(arm, size).marks)
                assert {len(each.middle), len(each.lowest), len(each.highest), len(each.exact)} == {points}
                assert len(each.ends) == len(bench.seeds) == 10
                assert each.lowest[-1] <= each.middle[-1] <= each.highest[-1]
        assert len(bench.tuned["plateau"].shares) == 16
        assert bench.tuned["cosine"].shares == ()


def test_written_results_are_read_back_even_with_diverged_runs(tmp_path: Path) -> None:
    bench = load()[64]
    gone = replace(bench.tuned["step"], ends=(float("inf"),) * 10, end=None, end_low=None, end_high=None)
    bench = replace(bench, tuned={**bench.tuned, "step": gone})
    write([bench], tmp_path / "bench.json")
    assert load(tmp_path / "bench.json") == {64: bench}
    assert bench.tuned["step"].diverged == 10


def test_each_row_of_numbers_is_one_line(tmp_path: Path) -> None:
    write(list(load().values()), tmp_path / "bench.json")
    text = (tmp_path / "bench.json").read_text()
    assert '"seeds": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],' in text
    assert not re.search(r"^\s*[-\d.e]+,?$", text, re.MULTILINE)
    assert len(text) < 250_000


@pytest.mark.parametrize("text", ["", "{}x", "[1]", '[{"date": "2026-11-25"}]'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(BatchLabError) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert problem.code == "bench_damaged"
    assert problem.values["where"] == str(path)


def test_a_schedule_without_results_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = load()
    monkeypatch.setattr(results, "ARMS", (*ARMS, "polynomial"))
    path = tmp_path / "bench.json"
    write(list(shipped.values()), path)
    with pytest.raises(BatchLabError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path} has no results for polynomial; compute them with python -m core schedules --output {path}"
    )


def test_the_tuning_seeds_follow_those_of_the_comparison() -> None:
    assert tuning_seeds(range(10)) == (10, 11, 12)
    assert tuning_seeds([7, 20, 3]) == (21, 22, 23)


def test_the_shipped_file_is_plain_json() -> None:
    values = json.loads((Path(__file__).parents[3] / "core/schedule_bench/shipped.json").read_text())
    assert values[0]["tuned"]["cosine"]["peak"] in RATES
