"""Define the facts recorded about a run while it is admitted, starts and trains, and their JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from core.run.changes import Change, Settings, differences
from core.run.config import RunConfig
from core.run.control import FULL_SPEED
from core.run.events import EndState, Started

ActiveState = Literal["queued", "starting", "running", "paused"]


class Noted(TypedDict, total=False):
    """Facts as JSON, under their names in the database. Each note adds a few of them or replaces them."""

    pid: int
    predicted_peak_bytes: int
    pace: float
    horizon: int
    fingerprint: Mapping[str, str | int]
    first: int
    shift: int
    after: str
    changed: Settings
    changes: Sequence[tuple[int, Settings]]


@dataclass(frozen=True)
class Facts:
    """Facts about a run besides its configuration and metrics; None if not known yet.

    pid                   process id of the training process
    predicted_peak_bytes  the peak that was predicted when the run was admitted
    pace                  updates that the run makes per second at most
    horizon               updates over which the schedule is planned
    fingerprint           what the losses depend on besides the configuration
    first                 updates inherited from the parent
    shift                 updates by which the schedule is ahead of the run's own count
    after                 the parent's state when its metrics were last inherited; None in databases written before
                          running runs could be changed
    changed               the settings that differ from the parent's
    changes_before        the changes in the runs before this one, in order
    """

    pid: int | None = None
    predicted_peak_bytes: int | None = None
    pace: float = FULL_SPEED
    horizon: int | None = None
    fingerprint: Mapping[str, str | int] = field(default_factory=dict)
    first: int = 0
    shift: int = 0
    after: ActiveState | EndState | None = None
    changed: Settings = field(default_factory=dict)
    changes_before: tuple[Change, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Facts:
        """Read the merged notes of a run; unknown names are ignored. Raises ValueError, TypeError or AttributeError."""
        noted = json.loads(text)
        names = ("pid", "predicted_peak_bytes", "pace", "horizon", "fingerprint", "first", "shift", "after")
        return cls(
            **{name: noted[name] for name in names if name in noted},
            changed=_settings(noted.get("changed", {})),
            changes_before=tuple(Change(updates, _settings(each)) for updates, each in noted.get("changes", ())),
        )

    @property
    def has_begun(self) -> bool:
        """Whether the run has reached its first update."""
        return self.horizon is not None

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change of settings in this run and in those whose updates it inherited, in order."""
        own = (Change(self.first, self.changed),) if self.first and self.changed else ()
        return self.changes_before + own


def on_start(event: Started) -> Noted:
    """Return the facts that the start of training adds."""
    noted: Noted = {"horizon": event.horizon, "fingerprint": dict(event.fingerprint)}
    if event.first or event.shift:
        noted |= {"first": event.first, "shift": event.shift}
    return noted


def on_inheritance(parent: RunConfig, facts: Facts, state: ActiveState | EndState, config: RunConfig) -> Noted:
    """Return the facts that a run of this configuration inherits from its parent's configuration, facts and state."""
    before = [(change.updates, change.settings) for change in facts.changes]
    return {"changes": before, "changed": differences(parent, config), "after": state}


def _settings(values: Mapping[str, Any]) -> Settings:
    return {name: (old, new) for name, (old, new) in values.items()}
