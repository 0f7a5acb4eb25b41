"""What is known of a run's memory before it runs: plain numbers, no text, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from core.events import Peak

Event = Literal["first update", "second update", "evaluation"]
EVENTS: tuple[Event, ...] = ("first update", "second update", "evaluation")


@dataclass(frozen=True)
class Workspace:
    """Scratch space inside kernels, which no tensor accounts for: PyTorch's own record minus the ledger.

    `verified` says that it was measured at this very batch size; else it is estimated from smaller ones.
    `operations` are those that took and gave back most, with the bytes of each.
    """

    bytes: int
    verified: bool
    operations: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Piece:
    """A straight piece of the peak against the batch size, from `first` to `last`: fixed + per example x B.

    It is what the peak is at one moment of one event, in a phase and a module. Workspace is not in it.
    """

    first: int
    last: int
    fixed_bytes: int
    per_example_bytes: int
    event: Event
    phase: str
    module: str

    def at(self, batch_size: int) -> int:
        """Return the bytes of this line at a batch size."""
        return self.fixed_bytes + self.per_example_bytes * batch_size


@dataclass(frozen=True)
class Point:
    """What a run needs at a batch size; `verified` as in `Workspace`."""

    batch_size: int
    peak: Peak
    verified: bool


@dataclass(frozen=True)
class Curve:
    """Peak memory against batch size, everything else as it is.

    points              at the batch sizes asked for, in their order
    pieces              the lines that are the peak, from B = 1 to the largest there is; whole windows assumed
    largest_batch_size  as in Prediction
    resting             what is held between two updates, by category, whatever the batch size
    """

    points: tuple[Point, ...]
    pieces: tuple[Piece, ...]
    largest_batch_size: int
    resting: Mapping[str, int]


@dataclass(frozen=True)
class Remedy:
    """A change of the configuration with which a run fits the memory limit: shown to, by two updates that it ran.

    changes             fields of RunConfig with their new values
    codes               what it does, in codes of the catalogue: "smaller_batch", "accumulation", "checkpointing",
                        "bfloat16", "less_state"
    effects             what changes in the result, in codes of the catalogue
    seconds_per_epoch   measured on this machine, updates without evaluation
    """

    changes: Mapping[str, Any]
    codes: tuple[str, ...]
    effects: tuple[str, ...]
    peak: Peak
    updates_per_epoch: int
    seconds_per_epoch: float
    facts: Mapping[str, Any] = field(default_factory=dict)
