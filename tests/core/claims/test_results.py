"""The results of a run of the claims, in memory and in a file."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import pytest

from core.claims.results import Results, collect, load, write
from core.science.judge import Outcome
from core.science.trials import Arm, Exact, Findings, Line, Pair
from core.words.errors import BatchLabError
from tests.core.claims.arms import noise, pair


def some() -> Results:
    lines = [Line("law", (0.0, 1.0), (1.0, 2.0)), Line("measured", (0.5,), (1.5,), (0.1,))]
    diverged = pair([0.5] * 9 + [math.inf], "lower", is_contrast=True)
    found = {
        "C9": (Findings([pair([2.0] * 10)], lines), 1.25),
        "C5": (Findings([diverged, pair(noise(0))]), 2.0),
        "C3": (Findings([Exact("every_batch", ("data",), True, 0.2, {"batches": 15})]), 0.5),
    }
    return collect(found, fingerprint={"torch": "2.13.0"}, seeds=range(20, 30), when=date(2026, 11, 25))


def test_results_judge_all_findings_as_one_family() -> None:
    results = some()
    assert results.seeds == tuple(range(20, 30))
    assert results.tests == 3  # one of the four trials is exact
    assert [(code, each.verdict, each.seconds) for code, each in results.claims.items()] == [
        ("C9", "SUPPORTED", 1.25),
        ("C5", "INCONCLUSIVE", 2.0),
        ("C3", "SUPPORTED", 0.5),
    ]
    (first,), (second, _) = results.claims["C9"].outcomes, results.claims["C5"].outcomes
    assert (first.p, first.p_adjusted) == (2 / 1024, 6 / 1024)
    assert (second.p, second.p_adjusted) == (22 / 1024, 44 / 1024)
    assert [line.name for line in results.claims["C9"].lines] == ["law", "measured"]


def test_written_results_are_read_back_unchanged(tmp_path: Path) -> None:
    write(some(), tmp_path / "results.json")
    assert load(tmp_path / "results.json") == some()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"date": "never", "fingerprint": {}, "seeds": [], "tests": 1, "claims": {}}',
        '{"date": "2026-11-25", "fingerprint": {}, "seeds": [0], "tests": 1, "claims": {"C9": {"outcomes": [{}]}}}',
    ],
)
def test_a_damaged_file_is_reported_with_its_path(content: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(content)
    with pytest.raises(BatchLabError) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert (problem.code, problem.values["where"]) == ("results_damaged", str(path))


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BatchLabError):
        load(tmp_path / "none.json")


def test_undecided_tests_count_in_the_correction_too() -> None:
    found = {"C9": (Findings([pair([2.0] * 10), pair(noise(0)), pair(noise(1))]), 1.0)}
    results = collect(found, fingerprint={}, seeds=range(10), when=date(2026, 11, 25))
    assert results.tests == 3
    assert results.claims["C9"].outcomes[0].p_adjusted == 6 / 1024
    assert results.claims["C9"].verdict == "INCONCLUSIVE"


def shipped_outcomes(*codes: str) -> list[Outcome]:
    claims = load().claims
    return [outcome for code in codes for outcome in claims[code].outcomes]


def test_a_claim_that_is_run_again_is_corrected_for_the_tests_of_all_claims() -> None:
    """With one claim left out at a time, the shipped figures of that claim are judged as they were with all."""
    shipped = load()
    for code, result in shipped.claims.items():
        trials = [
            Pair(
                outcome.arm,
                str(outcome.metric),
                outcome.held_fixed,
                Arm(outcome.first, outcome.first_values),
                Arm(outcome.second, outcome.second_values),
                outcome.claimed,  # type: ignore[arg-type]
                outcome.seconds,
                outcome.is_contrast,
            )
            for outcome in result.outcomes
            if outcome.p is not None
        ]
        family = shipped_outcomes(*(other for other in shipped.claims if other != code))
        again = collect(
            {code: (Findings(trials), 1.0)}, fingerprint={}, seeds=shipped.seeds, when=shipped.date, family=family
        )
        assert again.tests == shipped.tests == 21
        assert again.claims[code].outcomes == tuple(each for each in result.outcomes if each.p is not None)


def test_other_seeds_replace_the_tests_under_the_same_conditions() -> None:
    """C5 and C9 share two tests. With other seeds in C9, they still count once."""
    shipped = load()
    trials = [
        Pair(
            each.arm,
            str(each.metric),
            each.held_fixed,
            Arm(each.first, tuple(2 * value for value in each.first_values)),
            Arm(each.second, tuple(3 * value for value in each.second_values)),
            "higher",
            1.0,
        )
        for each in shipped.claims["C9"].outcomes
    ]
    family = shipped_outcomes(*(code for code in shipped.claims if code != "C9"))
    again = collect({"C9": (Findings(trials), 1.0)}, fingerprint={}, seeds=range(10), when=shipped.date, family=family)
    assert again.tests == 21
