"""The command `python -m core schedules`: its output, its file and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.schedule_bench import experiment
from core.schedule_bench.arms import ARMS
from core.schedule_bench.results import Bench, load


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Sequence[int]]]:
    """Answer with the shipped results; tests/core/schedule_bench checks that a run gives them."""
    calls: list[tuple[int, Sequence[int]]] = []

    def bench(batch_size: int, seeds: Sequence[int], progress: Any) -> Bench:
        calls.append((batch_size, list(seeds)))
        progress(0.5)
        return replace(load()[batch_size], seeds=tuple(seeds))

    monkeypatch.setattr(experiment, "bench", bench)
    return calls


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["schedules", *map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_text_output_is_a_table_and_its_conclusions(
    asked: list[tuple[int, Sequence[int]]], capsys: pytest.CaptureFixture[str]
) -> None:
    out = printed(capsys)
    assert [size for size, _ in asked] == [16, 64, 256]
    first = out.split("\n\n")[0].splitlines()
    assert first[0].startswith("Batch size 16, seeds 0 to 9, ")
    assert first[1].split() == ["schedule", "peak", "updates", "loss", "against", "constant", "p", "model", "error"]
    assert [line.split()[0] for line in first[2:11]] == [
        "Constant",
        "Step",
        "Exponential",
        "Linear",
        "Cosine",
        "One-cycle",
        "Warmup-stable-decay",
        "Reduce-on-plateau",
        "Growing",
    ]
    assert first[4].split()[1:] == ["4", "2,048", "0.000649", "1.7", "times", "closer", "0.016", "\u22124%"]
    assert "instead of 2,048." in first[-1]


def test_json_output_has_one_object_for_each_schedule(
    asked: list[tuple[int, Sequence[int]]], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [json.loads(line) for line in printed(capsys, "--batch-size", 64, "--seed", 30, "--json").splitlines()]
    assert asked == [(64, list(range(30, 40)))]
    assert [line["schedule"] for line in lines] == list(ARMS)
    constant, step = lines[:2]
    assert (constant["batch_size"], constant["peak_rate"], len(constant["ends"])) == (64, 2.0, 10)
    assert "ratio" not in constant
    assert step["ratio_low"] < step["ratio"] < step["ratio_high"]
    assert 0 < step["p"] <= step["p_adjusted"] <= 1


def test_the_page_can_read_the_output_file(
    asked: list[tuple[int, Sequence[int]]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    printed(capsys, "--batch-size", 16, "--output", tmp_path / "bench.json")
    assert load(tmp_path / "bench.json") == {16: load()[16]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--batch-size", "32"], "batch_size must be one of 16, 64, 256, got '32'"),
        (["--seed", "-1"], "seed must be a whole number between 0 and 1,000,000, got -1"),
        (["--seed", "x"], "seed must be a whole number between 0 and 1,000,000, got 'x'"),
        (["--batch-size", "16", "--output", "/nowhere/bench.json"], "cannot write /nowhere/bench.json"),
    ],
)
def test_unusable_input_is_refused(
    arguments: list[str], words: str, asked: list[tuple[int, Sequence[int]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schedules", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
