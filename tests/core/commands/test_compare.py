"""`python -m core compare`: configurations in files, and which one is ahead by each budget."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.run.config import RunConfig

FIRST = RunConfig(
    dataset="mixture",
    model="linear",
    optimizer="sgd",
    weight_decay=1e-3,
    schedule="constant",
    lr=8.0,
    batch_size=16,
    budget="epochs",
    budget_value=4,
)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = []
    for name, config in (("a", FIRST), ("b", FIRST.replace(batch_size=256))):
        path = tmp_path / f"{name}.json"
        path.write_text(config.to_json())
        paths.append(str(path))
    return paths


Done = subprocess.CompletedProcess[str]
Compare = Callable[..., Done]


@pytest.fixture
def compare(capsys: pytest.CaptureFixture[str]) -> Compare:
    """Return a function that calls the command in this process."""

    def call(*arguments: str) -> Done:
        status = main(["compare", *arguments])
        return Done(arguments, status, *capsys.readouterr())

    return call


def objects(done: Done) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_json_has_an_object_for_each_budget(files: list[str], compare: Compare) -> None:
    found = objects(compare(*files, "--json"))
    assert [each["arm"] for each in found] == ["equal_epochs", "equal_updates", "equal_examples", "equal_seconds"]
    names = ["claim", "arm", "held_fixed", "verdict", "effect_ratio", "low", "high", "p", "seeds", "seconds"]
    assert all(list(each)[:10] == names for each in found)
    assert [each["held_fixed"][-1] for each in found] == ["epochs", "updates", "examples", "seconds"]
    assert (found[0]["best"], found[1]["best"]) == ("batch_size=16", "batch_size=256")
    assert (found[0]["verdict"], found[0]["seeds"], found[0]["p"]) == ("AHEAD", 6, 0.03125)
    assert 1.5 < found[0]["effect_ratio"] < 2.5


def test_equal_updates_give_another_winner(files: list[str], compare: Compare) -> None:
    found = {each["arm"]: each for each in objects(compare(*files, "--budget", "updates", "--json"))}
    assert found["equal_updates"]["best"] == "batch_size=256"
    assert found["equal_updates"]["at"] == 512
    assert found["equal_updates"]["effect_ratio"] > 100


def test_without_json_the_result_is_sentences(files: list[str], compare: Compare) -> None:
    done = compare(*files, "--seeds", "3", "--rule", "linear")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("batch_size=16, lr=8: finished, 512 updates at rate 8, training loss ")
    assert lines[1].startswith("batch_size=256, lr=128: finished, 32 updates at rate 128")
    pattern = (
        r"At equal epochs \(4\), the loss above the optimum \(with its L2 penalty\) of batch_size=\d+, lr=\d+ is .*"
    )
    assert (
        sum(re.fullmatch(pattern + r"\. It is [\d.]+ times lower\. p = 0\.\d+\.", line) is not None for line in lines)
        == 1
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "a comparison needs between 2 and 6 arms, got 0"),
        (["/nowhere.json"], "cannot read /nowhere.json"),
        (["--preset", "none"], "preset must be one of article, noise"),
        (["--preset", "noise", "--seeds", "11"], "seeds must be a whole number between 1 and 10, got 11"),
        (["--preset", "noise", "--seeds", "x"], "seeds must be a whole number between 1 and 10, got 'x'"),
        (["--preset", "noise", "--budget", "weeks"], "budget must be one of epochs, updates, examples, seconds"),
        (["--preset", "noise", "--rule", "cubic"], "rule must be one of fixed, linear, sqrt, tuned"),
    ],
)
def test_bad_input_is_reported_in_one_line_and_starts_nothing(
    arguments: list[str], words: str, compare: Compare
) -> None:
    done = compare(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_without_an_object_is_refused(tmp_path: Path, compare: Compare) -> None:
    path = tmp_path / "a.json"
    path.write_text("[1]")
    assert "expected a run as a JSON object" in compare(str(path), str(path)).stderr


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "expected a run as a JSON object, got '{'"),
        ('{"lr": -1}', "lr must be between 10\u207b\u2078 and 1,000, got -1"),
        ('{"rate": 1}', "'rate' is not a setting of a run"),
    ],
)
def test_an_invalid_file_is_named_with_the_reason(
    files: list[str], tmp_path: Path, text: str, reason: str, compare: Compare
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(text)
    done = compare(files[0], str(bad))
    assert done.returncode == 2
    assert f"{bad} does not describe a valid run: {reason}" in done.stderr


def test_files_and_a_preset_together_are_refused(files: list[str], compare: Compare) -> None:
    done = compare(*files, "--preset", "noise")
    assert done.returncode == 2
    assert "compare either files or a preset, got 2 files and the preset 'noise'" in done.stderr


def test_a_diverged_arm_has_the_updates_that_it_made_and_no_loss(tmp_path: Path, compare: Compare) -> None:
    wild = FIRST.replace(model="mlp", hidden=(16,), lr=1_000.0, budget_value=1)
    for name, config in (("a", wild), ("b", wild.replace(lr=0.1))):
        (tmp_path / name).write_text(config.to_json())
    said = compare(str(tmp_path / "a"), str(tmp_path / "b"), "--seeds", "2").stdout
    assert re.search(r"lr=1000: diverged, \d+ updates at rate 1,000, training loss none", said)
    assert "nan" not in said
    assert ": diverged, 128 updates" not in said
