"""Read and write the recorded comparisons that ship with Batch Lab, one for each preset. No torch."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from core.comparison.course import Course, Floats, pack, unpack
from core.comparison.presets import Preset
from core.comparison.setup import Comparison, compared
from core.words.errors import BatchLabError, Problem

FOLDER = Path(__file__).with_name("recorded")
BITS_CUT = 13  # of the 23 bits of a number in single precision; the rest is within 0.05%, finer than a chart shows


@dataclass(frozen=True)
class Recorded:
    """A comparison that was trained on one machine on one date.

    Its series have three columns in place of the seeds: the lowest seed, the median and the highest, as a chart draws
    them. Its evaluations have every seed.
    """

    comparison: Comparison
    courses: list[Course]
    date: date
    fingerprint: Mapping[str, Any]


def write(
    preset: Preset, courses: Sequence[Course], *, when: date, fingerprint: Mapping[str, Any], folder: Path = FOLDER
) -> None:
    """Write the courses of a preset's comparison, which has equal epochs and the default number of seeds."""
    values = {
        "date": when.isoformat(),
        "fingerprint": dict(fingerprint),
        "comparison": json.loads(compared(preset.arms).to_json()),
    }
    drawn = [
        replace(course, series={name: as_drawn(seeds) for name, seeds in course.series.items()}) for course in courses
    ]
    text = base64.b64encode(pack(drawn)).decode()
    (folder / f"{preset.name}.json").write_text(json.dumps(values | {"courses": text}, indent=1) + "\n")


def load(preset: str, folder: Path = FOLDER) -> Recorded:
    """Read what `write` wrote. Raises BatchLabError for a file that is damaged or missing."""
    path = folder / f"{preset}.json"
    try:
        values = json.loads(path.read_text())
        comparison = Comparison.from_json(json.dumps(values["comparison"]))
        courses = unpack(base64.b64decode(values["courses"]))
        return Recorded(comparison, courses, date.fromisoformat(values["date"]), values["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BatchLabError(Problem("comparison_damaged", {"where": str(path), "cause": str(error)})) from error


def as_drawn(values: Floats) -> Floats:
    """Return the lowest seed, the median and the highest at each point, rounded; NaN where all seeds diverged."""
    found = np.full((len(values), 3), np.nan)
    some = np.isfinite(values).any(axis=1)
    seeds = values[some]
    found[some] = np.stack([np.nanmin(seeds, axis=1), np.nanmedian(seeds, axis=1), np.nanmax(seeds, axis=1)], axis=1)
    bits = found.astype(np.float32).view(np.uint32) + np.uint32(1 << (BITS_CUT - 1))
    return (bits >> BITS_CUT << BITS_CUT).view(np.float32).astype(np.float64)
