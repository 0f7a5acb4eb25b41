"""Hold the results of the bench at one batch size, and store them. No torch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from core.schedule_bench.arms import ARMS, RATES, TUNING_SEEDS
from core.words.errors import BatchLabError, Problem

SHIPPED = Path(__file__).with_name("shipped.json")

Curve = tuple[float, ...]  # a value at each of the plan's marks


@dataclass(frozen=True)
class Compared:
    """The ends of two arms, compared seed by seed.

    `ratio` is the geometric mean of second / first over the seeds and `low` to `high` its 95% interval; None where a
    run diverged. `p` comes from all sign flips, and `p_adjusted` is corrected for its family (Holm). `equivalent` means
    that two one-sided tests show the two within 25% of each other. `diverged` counts the diverged seeds of each arm.
    """

    first: str
    second: str
    ratio: float | None
    low: float | None
    high: float | None
    p: float
    p_adjusted: float
    equivalent: bool
    diverged: tuple[int, int]


@dataclass(frozen=True)
class Trained:
    """One arm at one peak rate. All losses are excess losses; `middle` and `end` are geometric means over the seeds.

    ends          final loss of each seed, infinite where it diverged
    end           final loss, with its 95% interval `end_low` to `end_high`; None where a seed diverged
    middle        loss at each mark of the plan, with the lowest and the highest seed
    exact         loss that the noisy quadratic model predicts for the same rates and batch sizes
    start_left    what remains of the start in the last value of `exact`; the rest is noise
    shares        rate of each epoch as a share of the peak, mean over the seeds; empty where the plan knows it
    """

    arm: str
    peak: float
    ends: tuple[float, ...]
    end: float | None
    end_low: float | None
    end_high: float | None
    middle: Curve
    lowest: Curve
    highest: Curve
    exact: Curve
    start_left: float
    shares: tuple[float, ...] = ()

    @property
    def diverged(self) -> int:
        """Return the number of seeds that diverged."""
        return sum(value == float("inf") for value in self.ends)

    @property
    def mean(self) -> float:
        """Return the arithmetic mean of the ends, which an expectation predicts."""
        return sum(self.ends) / len(self.ends)

    @property
    def off(self) -> float:
        """Return the relative error of the predicted end against the measured mean."""
        return self.exact[-1] / self.mean - 1


@dataclass(frozen=True)
class Bench:
    """The results at one batch size.

    tuned      arms by name, each at its best rate on the tuning seeds
    alike      arms by name, all at ONE_RATE
    tried      end of each arm at each of RATES, a geometric mean over the tuning seeds; `expected` is the prediction
               of the noisy quadratic model
    against    tuned arms compared with the constant rate, by arm; `against_alike` the same for `alike`; two families
    equal      pairs of decays, and the ramp with its twin, tested for equivalence; one family
    """

    date: date
    fingerprint: Mapping[str, Any]
    seeds: tuple[int, ...]
    batch_size: int
    seconds: float
    curvature: float
    tuned: Mapping[str, Trained]
    alike: Mapping[str, Trained]
    twin: Trained
    tried: Mapping[str, tuple[float, ...]]
    expected: Mapping[str, tuple[float, ...]]
    against: Mapping[str, Compared]
    against_alike: Mapping[str, Compared]
    equal: tuple[Compared, ...]

    @property
    def tuning_seeds(self) -> tuple[int, ...]:
        return tuning_seeds(self.seeds)

    def is_at_the_edge(self, arm: str) -> bool:
        """Return whether the best rate is the lowest or the highest one tried, so that a better one may lie beyond."""
        return self.tuned[arm].peak in (RATES[0], RATES[-1])

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, which `from_dict` reads back."""
        return asdict(self) | {"date": self.date.isoformat(), "fingerprint": dict(self.fingerprint)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Bench:
        known = dict(values)
        known["date"] = date.fromisoformat(known["date"])
        known["seeds"] = tuple(known["seeds"])
        for name in ("tuned", "alike"):
            known[name] = {arm: _trained(each) for arm, each in known[name].items()}
        known["twin"] = _trained(known["twin"])
        for name in ("tried", "expected"):
            known[name] = {arm: tuple(each) for arm, each in known[name].items()}
        for name in ("against", "against_alike"):
            known[name] = {arm: _compared(each) for arm, each in known[name].items()}
        known["equal"] = tuple(map(_compared, known["equal"]))
        return cls(**known)


def tuning_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Return the seeds for tuning the rates, which differ from the seeds of the bench."""
    return tuple(max(seeds) + 1 + number for number in range(TUNING_SEEDS))


def write(benches: Sequence[Bench], path: Path = SHIPPED) -> None:
    """Write the results as JSON, with each row of numbers on one line."""
    text = json.dumps([bench.to_dict() for bench in benches], indent=1, allow_nan=True)
    text = re.sub(r"\[([^\[\]{}]*)\]", lambda row: "[" + ", ".join(row[1].replace(",", " ").split()) + "]", text)
    path.write_text(text + "\n")


def load(path: Path = SHIPPED) -> dict[int, Bench]:
    """Read a file that `write` wrote, by batch size.

    Raises BatchLabError if it cannot be read, or if a schedule has no results because it was added later.
    """
    try:
        benches = [Bench.from_dict(values) for values in json.loads(path.read_text())]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BatchLabError(Problem("bench_damaged", {"where": str(path), "cause": str(error)})) from error
    if missing := [arm for arm in ARMS if any(arm not in bench.tuned for bench in benches)]:
        raise BatchLabError(Problem("bench_incomplete", {"where": str(path), "schedules": ", ".join(missing)}))
    return {bench.batch_size: bench for bench in benches}


def _trained(values: Mapping[str, Any]) -> Trained:
    known: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in values.items()}
    return Trained(**known)


def _compared(values: Mapping[str, Any]) -> Compared:
    return Compared(**dict(values) | {"diverged": tuple(values["diverged"])})
