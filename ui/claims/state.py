"""Keep what the page of claims remembers between two script runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.claims.results import Results
from core.host.process import Answer


@dataclass
class ClaimsState:
    """The experiments that were run again in this session, by the code of their claim."""

    results: dict[str, Results] = field(default_factory=dict)
    running: dict[str, Answer] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)  # why an experiment gave no result
