"""Keep what the page of a live run remembers between two script runs."""

from __future__ import annotations

from dataclasses import dataclass

from core.run.config import RunConfig


@dataclass
class LiveState:
    """The run shown before the present one, and the run that the next start continues."""

    previous_run_id: str | None = None  # drawn as a ghost on the charts
    goes_on: tuple[str | None, RunConfig] | None = None  # the run to continue (None: begin anew), and its settings
