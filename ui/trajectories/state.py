"""Keep what the trajectories page remembers between two script runs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class TrajectoriesState:
    """The choices of codes, the position of the player, and what tells a move of the slider from its echo."""

    choices: dict[str, str] = field(default_factory=dict)  # choices by name, kept while another page is open
    position: int | None = None  # updates shown; None: all
    plays: bool = False
    sent: list[int] = field(default_factory=list)  # the latest positions that the page gave the slider
    stopped_s: float = 0.0  # time at which playing stopped, by the monotonic clock
