"""Keep what the claims page remembers between two script runs."""

from __future__ import annotations

from dataclasses import dataclass

from core.claims.results import Results
from ui.kit.long_job import LongJobs

FIRST_CLAIM = "C9"  # shown on the first visit: its verdict depends most on what is held fixed


@dataclass
class ClaimsState(LongJobs[str, Results]):
    """The experiments that this session ran again, by the code of their claim."""
