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
    """Scratch space inside kernels that belongs to no tensor: PyTorch's own record minus the ledger.

    `verified` is True if it was measured at this batch size, and False if it is estimated from smaller ones.
    `operations` holds those with most workspace and the bytes of each.
    """

    bytes: int
    verified: bool
    operations: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Piece:
    """A linear piece of the peak for batch sizes B from `first` to `last`: fixed_bytes + per_example_bytes x B.

    The peak is reached at one moment of one event, in a phase and a module. Workspace is not included.
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
    """The peak of a run at a batch size. `verified` is that of `Workspace`."""

    batch_size: int
    peak: Peak
    verified: bool


@dataclass(frozen=True)
class Curve:
    """Peak memory against batch size, with all other settings unchanged.

    points              peaks at the requested batch sizes, in their order
    pieces              linear pieces from B = 1 to the largest batch size, for whole windows
    largest_batch_size  the field of Prediction
    resting             bytes held between two updates at any batch size, by category
    """

    points: tuple[Point, ...]
    pieces: tuple[Piece, ...]
    largest_batch_size: int
    resting: Mapping[str, int]


def curve_from_dict(values: Mapping[str, Any]) -> Curve:
    """Build a curve from the result of `asdict`, which may have passed through JSON."""
    points = tuple(Point(**{**point, "peak": Peak(**point["peak"])}) for point in values["points"])
    pieces = tuple(Piece(**piece) for piece in values["pieces"])
    return Curve(points, pieces, values["largest_batch_size"], dict(values["resting"]))


@dataclass(frozen=True)
class Remedy:
    """A change of the configuration with which a run fits the memory limit, tested by two real updates.

    kinds         one of REMEDIES, or one of them and "smaller_batch"
    changes       fields of RunConfig with their new values, for a run that continues from another's state
    seconds_low   lower end of an epoch's time on this machine, without evaluation (see `timings.intervals`)
    seconds_high  upper end of it
    is_fastest    whether an epoch is significantly faster than with every other remedy
    """

    kinds: tuple[str, ...]
    changes: Mapping[str, Any]
    peak: Peak
    updates_per_epoch: int
    seconds_low: float = 0.0
    seconds_high: float = 0.0
    is_fastest: bool = False


def remedy_from_dict(values: Mapping[str, Any]) -> Remedy:
    """Build a remedy from the result of `asdict`, which may have passed through JSON."""
    return Remedy(**{**values, "kinds": tuple(values["kinds"]), "peak": Peak(**values["peak"])})


# In the order in which a page offers them: what a first course teaches first, and what needs no new notion.
REMEDIES = ("smaller_batch", "accumulation", "checkpointing", "bfloat16", "less_state", "no_habits")
