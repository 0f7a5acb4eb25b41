"""Define the records a forecast returns: plain numbers, no text, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.run.events import Peak

Event = Literal["first_update", "second_update", "evaluation"]
EVENTS: tuple[Event, ...] = ("first_update", "second_update", "evaluation")


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


def curve_from_dict(values: Mapping[str, Any]) -> Curve:
    """Read what `asdict` made of a curve, perhaps by way of JSON."""
    points = tuple(Point(**{**point, "peak": Peak(**point["peak"])}) for point in values["points"])
    pieces = tuple(Piece(**piece) for piece in values["pieces"])
    return Curve(points, pieces, values["largest_batch_size"], dict(values["resting"]))


@dataclass(frozen=True)
class Remedy:
    """A change of the configuration with which a run fits the memory limit: shown to, by two updates that it ran.

    kinds              what it does: one of REMEDIES, or one and "smaller_batch"
    changes            fields of RunConfig with their new values, for a run that goes on from another's state
    seconds_per_epoch  measured on this machine: updates without evaluation
    """

    kinds: tuple[str, ...]
    changes: Mapping[str, Any]
    peak: Peak
    updates_per_epoch: int
    seconds_per_epoch: float


def remedy_from_dict(values: Mapping[str, Any]) -> Remedy:
    """Read what `asdict` made of a remedy, perhaps by way of JSON."""
    return Remedy(**{**values, "kinds": tuple(values["kinds"]), "peak": Peak(**values["peak"])})


REMEDIES = ("smaller_batch", "accumulation", "checkpointing", "bfloat16", "less_state", "no_habits")
