"""Keep what the schedules page remembers between two script runs."""

from __future__ import annotations

from dataclasses import dataclass

from core.schedule_bench.results import Bench
from ui.kit.long_job import LongJobs


@dataclass
class SchedulesState(LongJobs[int, Bench]):
    """The comparisons of schedules that this session ran again, by batch size."""
