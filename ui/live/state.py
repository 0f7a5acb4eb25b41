"""Keep what the live page remembers between two script runs."""

from __future__ import annotations

from dataclasses import dataclass

from core.run.config import RunConfig


@dataclass
class LiveState:
    """The run shown before the current one, and the run that the next start continues."""

    previous_run_id: str | None = None  # drawn as a ghost in the charts
    goes_on: tuple[str | None, RunConfig] | None = None  # the run to continue (None starts a new one), and the settings
