"""Keep what the claims page remembers between two script runs."""

from __future__ import annotations

from dataclasses import dataclass

from core.claims.results import Results
from ui.kit.long_job import LongJobs

FIRST_CLAIM = "C1"  # shown on the first visit


@dataclass
class ClaimsState(LongJobs[str, Results]):
    """The experiments that this session ran again, by the code of their claim."""
