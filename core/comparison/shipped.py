"""Read and write the comparison that ships with Batch Lab and fills the page on the first visit. No torch."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from core.comparison.course import Course, pack, unpack
from core.comparison.presets import PRESETS
from core.comparison.setup import Comparison, compared
from core.words.errors import BatchLabError, Problem

PATH = Path(__file__).with_name("shipped.json")
PRESET = "article"
COMPARISON = compared(PRESETS[PRESET].arms)


@dataclass(frozen=True)
class Recorded:
    """A comparison that was trained on one machine on one date."""

    comparison: Comparison
    courses: list[Course]
    date: date
    fingerprint: Mapping[str, Any]


def write(courses: Sequence[Course], *, when: date, fingerprint: Mapping[str, Any], path: Path = PATH) -> None:
    """Write the recorded courses of COMPARISON."""
    values = {
        "date": when.isoformat(),
        "fingerprint": dict(fingerprint),
        "comparison": json.loads(COMPARISON.to_json()),
    }
    text = base64.b64encode(pack(courses)).decode()
    path.write_text(json.dumps(values | {"courses": text}, indent=1) + "\n")


def load(path: Path = PATH) -> Recorded:
    """Read what `write` wrote. Raises BatchLabError for a damaged file."""
    try:
        values = json.loads(path.read_text())
        comparison = Comparison.from_json(json.dumps(values["comparison"]))
        courses = unpack(base64.b64decode(values["courses"]))
        return Recorded(comparison, courses, date.fromisoformat(values["date"]), values["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BatchLabError(Problem("comparison_damaged", {"where": str(path), "cause": str(error)})) from error
