"""Define the state that the memory page keeps between two script runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class MemoryState:
    """The state of the memory page."""

    waits: bool = False  # for an answer or for the next attempt of the animation, so that the page needs its timer
    attempts_shown: int | None = None  # by the animation of the searches; None: all
    own_model: dict[str, str] | None = None  # the description of the last request
    own_model_asked: str = ""  # distinguishes that request from an earlier one with the same description
