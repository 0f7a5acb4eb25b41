"""Define the state that the memory page keeps between two script runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class MemoryState:
    """The state of the memory page."""

    waits: bool = False  # the page needs its timer, for an answer or for the animation
    attempts_shown: int | None = None  # attempts that the animation has shown; None means all
    own_model_wanted: bool = False  # the button has been pressed
    own_model: dict[str, str] | None = None  # the description of the last request
    own_model_asked: str = ""  # distinguishes that request from an earlier one with the same description
