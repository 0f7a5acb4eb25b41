"""Keep what the page of schedules remembers between two script runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.host.process import Answer
from core.schedule_bench.results import Bench


@dataclass
class SchedulesState:
    """The comparisons of schedules that were run again in this session, by batch size."""

    results: dict[int, Bench] = field(default_factory=dict)
    running: dict[int, Answer] = field(default_factory=dict)
    trouble: dict[int, str] = field(default_factory=dict)  # why a comparison gave no result
