"""The command `python -m core claims`: its output, its file and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.claims import results

FIRST_KEYS = ["claim", "arm", "held_fixed", "verdict", "effect_ratio", "low", "high", "p", "seeds", "seconds"]


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return what the command prints in this process; it must succeed and print no error."""
    assert main(["claims", *map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.slow
def test_json_output_has_one_object_for_each_trial_with_the_same_keys_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = objects(printed(capsys, "--claim", "C7", "--json"))
    assert [list(line)[:10] for line in lines] == [FIRST_KEYS] * 3
    assert [(line["claim"], line["arm"]) for line in lines] == [
        ("C7", "one_rate"),
        ("C7", "scaled_rate"),
        ("C7", "gradient_law"),
    ]
    measured, scaled, exact = lines
    assert (measured["verdict"], measured["p"], measured["seeds"]) == ("REFUTED", 2 / 1024, 10)
    assert measured["held_fixed"] == ["data", "weights", "rate"]
    assert measured["low"] < measured["effect_ratio"] < measured["high"] < 1
    assert scaled["verdict"] == "SUPPORTED"
    assert scaled["effect_ratio"] == pytest.approx(16 * measured["effect_ratio"])
    assert scaled["p_adjusted"] == 21 * 2 / 1024  # a single claim is corrected for the tests of all claims
    assert 0 < measured["seconds"] < 60
    assert [exact[name] for name in ("effect_ratio", "low", "high", "p", "seeds")] == [None] * 5
    assert (exact["is_contrast"], exact["facts"]["draws"]) == (True, 300)


def test_an_exact_result_has_no_p_and_no_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    lines = objects(printed(capsys, "--claim", "C3", "--json"))
    assert [(line["arm"], line["verdict"], line["p"], line["seeds"]) for line in lines] == [
        ("every_batch", "SUPPORTED", None, None),
        ("accumulated", "REFUTED", None, None),
        ("overflow", "REFUTED", None, None),
    ]
    assert [line["facts"]["changes"] for line in lines[:2]] == [15, 4]


def test_a_claim_may_be_given_in_lower_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert [line["claim"] for line in objects(printed(capsys, "--claim", " c4", "--json"))] == ["C4", "C4"]


@pytest.mark.slow
def test_text_output_gives_the_verdict_and_describes_each_result(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--claim", "C7").splitlines()
    assert lines[0] == "C7  (With batch size 1,000) learning takes large strides and is fast"
    assert re.match(r"    Conditional, [\d.]+m?s\. ", lines[1])
    assert lines[1].endswith("Holds for \u201cRate scaled with the batch\u201d. Fails for \u201cOne rate\u201d.")
    number, p = r"\d\.\d+", r"p = 0\.002 \(0\.041 corrected\), 10 seeds\. Held fixed: data"
    interval = rf"\(95% CI {number} to {number}\)\. {p}"
    lower, higher = r"2\.\d+ times lower with batch size 256", r"7\.\d+ times as high with batch size 256 and rate 16"
    effects = (
        rf"         refuted  One rate: Length of an update: {lower} {interval}, weights, and learning rate\.",
        rf"       supported  Rate scaled with the batch: Length of an update: {higher} {interval} and weights\.",
    )
    for line, effect in zip(lines[2:4], effects, strict=True):
        assert re.fullmatch(effect, line), line
    assert lines[4].startswith("        contrast  The law of gradient length: In all seeds, the slope is within ")
    assert lines[5:] == ["", "Verdicts corrected for 21 tests (Holm). Seeds 0 to 9."]


def test_without_a_test_nothing_is_corrected(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--claim", "C4").splitlines()
    counted = "Counted 100 updates at batch size 100 and 10 at batch size 1,000."
    assert lines[2] == f"       supported  The article's table: {counted} Held fixed: examples and epochs."
    assert lines[-1] == "Seeds 0 to 9."


def test_ten_consecutive_seeds_start_at_the_given_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "--claim", "C4", "--seed", 30).splitlines()[-1] == "Seeds 30 to 39."
    assert printed(capsys, "--claim", "C4", "--seed", 1_000_000).splitlines()[-1] == "Seeds 1,000,000 to 1,000,009."


def test_the_output_file_holds_what_was_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("what was there before")
    line, *_ = objects(printed(capsys, "--claim", "C3", "--seed", 5, "--json", "--output", path))
    kept = results.load(path)
    assert (kept.seeds, list(kept.claims)) == (tuple(range(5, 15)), ["C3"])
    first = kept.claims["C3"].outcomes[0]
    assert (first.claim, first.arm, first.seconds) == ("C3", line["arm"], line["seconds"])
    assert json.loads(json.dumps(first.to_dict())).items() >= line.items()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--claim", "X9"], "claim must be one of C1, C3, C4, C5, C6, C7, C8, C9, C10, C11, got 'X9'"),
        (["--claim", ""], "got ''"),
        (["--claim", "C2"], "claim C2 has no experiment"),
        (["--claim", "c12"], "claim c12 has no experiment"),
        (["--seed", "-1"], "seed must be a whole number between 0 and 1,000,000, got -1"),
        (["--seed", "1.5"], "got '1.5'"),
        (["--seed", "1000001"], "got 1000001"),
        (["--seed", "many"], "got 'many'"),
        (["--output", "/nowhere/at/all.json"], "cannot write /nowhere/at/all.json (No such file or directory)"),
        (["--output", "/"], "cannot write / (Is a directory)"),
        (["--output", "zero\0byte.json"], "cannot write"),
        (["--bogus"], "--bogus"),
        (["--cl", "C4"], "--cl"),  # flags cannot be abbreviated
    ],
    ids=lambda value: " ".join(value).replace("\0", "0") if isinstance(value, list) else "",
)
def test_unusable_input_is_refused_in_one_line_before_anything_runs(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("an experiment was started")

    monkeypatch.setattr("core.claims.experiments.run", never)
    try:
        status: Any = main(["claims", *arguments])
    except SystemExit as error:  # argparse
        status = error.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert word in err
