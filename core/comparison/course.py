"""Hold the recorded course of an arm: points along the run, each with a value for every seed. No torch."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Axis = Literal["updates", "epochs", "examples", "seconds"]
Measure = Literal["excess_loss", "training_loss"]
ArmState = Literal["waiting", "tuning", "running", "finished", "diverged", "out_of_memory", "stopped"]

SERIES = ("loss", "gradient_norm", "update_length", "angle")  # recorded at each point, (points, seeds)
# Recorded at each evaluation, (checks, seeds).
CHECKS = ("training_loss", "validation_loss", "validation_accuracy", "excess_loss")
POINTS, EVALUATIONS = 200, 12  # most points and evaluations of one arm


@dataclass
class Course:
    """The recorded course of one arm.

    updates, rate     (points,) updates made by each point, and the learning rate of the last one
    series            name -> (points, seeds), the means over the updates since the previous point; angles are in
                      degrees and NaN for the first update
    checked, checks   (checks,) updates made by each evaluation, and name -> (checks, seeds); the training loss is over
                      all training examples; the excess loss, the objective above its minimum, exists if the optimum is
                      known
    diverged          (seeds,) whether each seed diverged
    """

    state: ArmState = "waiting"
    planned: int = 0  # updates
    per_epoch: int = 1  # updates
    examples_per_epoch: int = 1
    effective_batch_size: int = 1
    seconds_per_update: float = 0.0  # time of one run alone on one core of this machine
    peak_bytes: int = 0
    lr: float = 0.0
    spent_s: float = 0.0  # time that the training of its seeds has taken so far, without pauses
    at_edge: bool = False  # the tuned rate is the lowest or the highest one tried
    updates: Floats = field(default_factory=lambda: np.zeros(0))
    rate: Floats = field(default_factory=lambda: np.zeros(0))
    series: dict[str, Floats] = field(default_factory=dict)
    checked: Floats = field(default_factory=lambda: np.zeros(0))
    checks: dict[str, Floats] = field(default_factory=dict)
    diverged: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def along(self, updates: Floats, axis: Axis) -> Floats:
        """Return the positions of numbers of updates on an axis."""
        if axis == "updates":
            return updates
        if axis == "seconds":
            return updates * self.seconds_per_update
        if axis == "epochs":
            return updates / self.per_epoch
        rest = updates % self.per_epoch  # the last update of an epoch may have fewer examples
        return (updates - rest) / self.per_epoch * self.examples_per_epoch + rest * self.effective_batch_size

    @property
    def measure(self) -> Measure:
        """The loss by which arms are judged: above the optimum where that is known, else the training loss."""
        return "excess_loss" if "excess_loss" in self.checks else "training_loss"

    @property
    def is_lost(self) -> bool:
        """Whether every seed diverged."""
        return bool(len(self.diverged)) and bool(self.diverged.all())

    def newest(self, name: str) -> Floats:
        """Return a figure of the newest evaluation for the seeds that did not diverge, or an empty array."""
        found = self.checks.get(name)
        return found[-1][~self.diverged] if found is not None and len(found) else np.zeros(0)

    @property
    def end(self) -> float:
        """The updates made by the last evaluation."""
        return float(self.checked[-1]) if len(self.checked) else 0.0


def seconds_left(courses: Sequence[Course]) -> float | None:
    """Return the seconds until the last arm ends if each goes on as fast as so far; None until all have begun."""
    left = 0.0
    for course in courses:
        if course.state == "running" and len(course.updates):
            left += (course.planned / float(course.updates[-1]) - 1) * course.spent_s
        elif course.state in ("waiting", "tuning", "running"):
            return None
    return left


PLAIN = (
    "state",
    "planned",
    "per_epoch",
    "examples_per_epoch",
    "effective_batch_size",
    "seconds_per_update",
    "peak_bytes",
    "lr",
    "spent_s",
    "at_edge",
)
ARRAYS = ("updates", "rate", "checked", "diverged")


def pack(courses: Sequence[Course]) -> bytes:
    """Return courses as bytes; the arrays are stored in single precision."""
    arrays: dict[str, NDArray[Any]] = {}
    for number, course in enumerate(courses):
        named = {name: getattr(course, name) for name in ARRAYS} | course.series | course.checks
        for name, array in named.items():
            arrays[f"{number}.{name}"] = array if array.dtype == bool else array.astype(np.float32)
    plain = [{name: getattr(course, name) for name in PLAIN} for course in courses]
    arrays["plain"] = np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def unpack(payload: bytes) -> list[Course]:
    """Read the courses that `pack` wrote. Raises ValueError for anything else."""
    try:
        return _unpacked(payload)
    except (KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError("not the packed courses of a comparison") from error


def _unpacked(payload: bytes) -> list[Course]:
    with np.load(io.BytesIO(payload), allow_pickle=False) as file:
        arrays: Mapping[str, NDArray[Any]] = {name: file[name] for name in file.files}
    courses = []
    for number, plain in enumerate(json.loads(arrays["plain"].tobytes())):
        course = Course(**plain)
        for name in ARRAYS:
            array = arrays[f"{number}.{name}"]
            setattr(course, name, array if array.dtype == bool else array.astype(np.float64))
        course.series = _named(arrays, number, SERIES)
        course.checks = _named(arrays, number, CHECKS)
        courses.append(course)
    return courses


def _named(arrays: Mapping[str, NDArray[Any]], number: int, names: Sequence[str]) -> dict[str, Floats]:
    keys = {name: f"{number}.{name}" for name in names}
    return {name: arrays[key].astype(np.float64) for name, key in keys.items() if key in arrays}
