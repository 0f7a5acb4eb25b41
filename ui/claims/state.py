"""Keep what the page of claims remembers between two script runs."""

from __future__ import annotations

from dataclasses import dataclass

from core.claims.results import Results
from ui.kit.long_job import LongJobs


@dataclass
class ClaimsState(LongJobs[str, Results]):
    """The experiments that were run again in this session, by the code of their claim."""
