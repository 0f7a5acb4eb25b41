"""Keep what the memory page remembers between two script runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class MemoryState:
    """Whether the page needs its timer, and what was asked for on it."""

    waits: bool = False  # for an answer, or for the next attempt to be shown
    attempts_shown: int | None = None  # of the ways to find the largest batch; None: all
    own_model: dict[str, str] | None = None  # the description that was asked about last
    own_model_asked: str = ""  # tells that request from an earlier one with the same description
