"""Hold the results of one run of the claims, with its date, machine and seeds, and store them. No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from core.science.judge import Outcome, Verdict, headline, judge, tests_in, untouched
from core.science.trials import Findings, Line
from core.words.errors import BatchLabError, Problem

SHIPPED = Path(__file__).with_name("shipped.json")
SEEDS = 10


@dataclass(frozen=True)
class Result:
    """The result of one claim."""

    code: str
    outcomes: tuple[Outcome, ...]
    lines: tuple[Line, ...]
    seconds: float

    @property
    def verdict(self) -> Verdict:
        return headline(self.outcomes)


@dataclass(frozen=True)
class Results:
    """The results of one run. `tests` is the number of tests that its verdicts are corrected for."""

    date: date
    fingerprint: Mapping[str, Any]
    seeds: tuple[int, ...]
    tests: int
    claims: Mapping[str, Result]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, which `from_dict` reads back."""
        claims = {code: asdict(result) for code, result in self.claims.items()}
        values = {"date": self.date.isoformat(), "fingerprint": dict(self.fingerprint), "seeds": list(self.seeds)}
        return values | {"tests": self.tests, "claims": claims}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Results:
        claims = {
            code: Result(
                code,
                tuple(Outcome.from_dict(outcome) for outcome in result["outcomes"]),
                tuple(Line.from_dict(line) for line in result["lines"]),
                result["seconds"],
            )
            for code, result in values["claims"].items()
        }
        when, seeds = date.fromisoformat(values["date"]), tuple(values["seeds"])
        return cls(when, values["fingerprint"], seeds, values["tests"], claims)


def collect(
    found: Mapping[str, tuple[Findings, float]],
    *,
    fingerprint: Mapping[str, Any],
    seeds: Sequence[int],
    when: date,
    family: Sequence[Outcome] = (),
) -> Results:
    """Judge the findings of the experiments; `found` also has the seconds that each took.

    `family` has the outcomes of the claims that were not run. They count in the correction, so that a claim that is run
    again is corrected for as many tests as before.
    """
    trials = {code: findings.trials for code, (findings, _) in found.items()}
    others = untouched(family, trials)
    outcomes = judge(trials, others)
    claims = {
        code: Result(code, tuple(outcomes[code]), tuple(findings.lines), seconds)
        for code, (findings, seconds) in found.items()
    }
    tests = tests_in(chain(others, *outcomes.values()))
    return Results(when, dict(fingerprint), tuple(seeds), tests, claims)


def write(results: Results, path: Path = SHIPPED) -> None:
    """Write results as JSON with one value per line, so that differences are easy to read."""
    path.write_text(json.dumps(results.to_dict(), ensure_ascii=False, indent=1, allow_nan=True) + "\n")


def load(path: Path = SHIPPED) -> Results:
    """Read a file that `write` wrote. Raises BatchLabError if it cannot be read."""
    try:
        return Results.from_dict(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BatchLabError(Problem("results_damaged", {"where": str(path), "cause": str(error)})) from error
