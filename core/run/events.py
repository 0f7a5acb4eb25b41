"""Define what is known of a run before, during and after training: plain numbers and arrays, no sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Category = Literal["parameters", "gradients", "optimizer state", "activations", "batch", "temporary"]
CATEGORIES: tuple[Category, ...] = (
    "parameters",
    "gradients",
    "optimizer state",
    "activations",
    "batch",
    "temporary",
)

SHOWN = 8  # examples of a batch that a snapshot shows
GRID = 48  # cells along each side of the plane

EndState = Literal["finished", "stopped", "out_of_memory", "diverged", "failed"]
END_STATES: tuple[EndState, ...] = ("finished", "stopped", "out_of_memory", "diverged", "failed")


@dataclass(frozen=True)
class Peak:
    """The most bytes alive at once in the watched part of a run, and where that was.

    `bytes` are those of tensors, which `by_category` sums to, and of workspace: scratch space inside kernels, that
    PyTorch's own record of allocations has and no tensor accounts for. `phase` is forward, backward, optimizer or
    evaluation; `module` the dotted name of the module at work ("" outside any).
    """

    bytes: int
    by_category: Mapping[str, int]
    phase: str
    module: str
    workspace_bytes: int = 0

    @property
    def tensor_bytes(self) -> int:
        return self.bytes - self.workspace_bytes

    def with_workspace(self, workspace_bytes: int) -> Peak:
        """Return the same peak of tensors with this workspace beside it."""
        return replace(self, bytes=self.tensor_bytes + workspace_bytes, workspace_bytes=workspace_bytes)


@dataclass(frozen=True)
class Prediction:
    """What a run will need on the device, known before it runs.

    `largest_batch_size` is the largest B that fits the memory limit, everything else as it is: 0 if none does,
    and the largest there is if no limit is set. `verified` says that the workspace in `peak` was measured at this very
    batch size; else it is estimated from smaller ones. `operations` are those that need most of it, with their bytes.
    """

    peak: Peak
    parameters: int
    largest_batch_size: int
    verified: bool = False
    operations: tuple[tuple[str, int], ...] = ()


def prediction_from_dict(values: Mapping[str, Any]) -> Prediction:
    """Read what `asdict` made of a prediction, perhaps by way of JSON."""
    operations = tuple((name, size) for name, size in values["operations"])
    return Prediction(**{**values, "peak": Peak(**values["peak"]), "operations": operations})


@dataclass(frozen=True)
class Started:
    """The run is about to make its first update.

    `horizon` is U, the updates the schedule is planned over; the same run with the same `fingerprint` has the
    same losses bit for bit. A run that goes on from another's has `first` updates behind it, and its schedule is at
    their number plus `shift`.
    """

    horizon: int
    fingerprint: Mapping[str, str | int] = field(default_factory=dict)
    first: int = 0
    shift: int = 0


@dataclass(frozen=True)
class Paused:
    """The run stands still (`paused`), or goes on."""

    paused: bool


@dataclass(frozen=True)
class Updates:
    """A block of consecutive updates, one entry each; `first` is the number of updates before the block.

    losses          float32, mean over all the update's examples, before the step
    rates           float64, the learning rate of the step
    gradient_norms  float32, Euclidean norm of the whole gradient
    examples_seen   int64, after the update
    seconds         float64, training time after the update (pauses, evaluation and start-up not counted)
    """

    first: int
    losses: NDArray[np.float32]
    rates: NDArray[np.float64]
    gradient_norms: NDArray[np.float32]
    examples_seen: NDArray[np.int64]
    seconds: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.losses)


@dataclass(frozen=True)
class Epoch:
    """The end of an epoch, or of the run within one (`complete` false).

    `train_loss` is the mean over the epoch's examples as trained, from moving weights.
    The validation figures are None where the evaluation was left out or does not exist (accuracy of a regression).
    """

    epoch: int  # from 1
    updates: int  # of the run so far
    updates_in_epoch: int
    complete: bool
    train_loss: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float


@dataclass(frozen=True)
class Snapshot:
    """What the model is shown and what it answers, now and again; only the newest is kept.

    batch       indices of the first examples of the newest micro-batch, at most SHOWN
    batch_size  how many examples that micro-batch has
    confusion   validation examples of the newest evaluation by [true class][answer]; () where there is none
    plane       for points: the probability of class 1 in 255ths in the middle of GRID x GRID cells of the plane, row
                by row from the lowest y; else empty
    """

    updates: int
    batch: tuple[int, ...]
    batch_size: int
    confusion: tuple[tuple[int, ...], ...] = ()
    plane: bytes = b""


@dataclass(frozen=True)
class Kept:
    """The state after the last completed update; `core.train.continuation` reads it to continue a run."""

    payload: bytes


@dataclass(frozen=True)
class Divergence:
    """The first update, counted from 1, whose loss was not finite or was far above the initial one."""

    update: int
    loss: float


@dataclass(frozen=True)
class FailedAllocation:
    """The allocation that would have crossed the memory limit.

    `phase` and `module` are those of a `Peak`; `operation` is PyTorch's name, or "model" where the model itself does
    not fit. `error` is the message of the exception. `timeline` holds what the update allocated before, as
    `core.run.timeline.Timeline.to_dict` writes it: it is parsed only where it is drawn.
    """

    requested_bytes: int
    live_bytes: int
    limit_bytes: int
    phase: str
    module: str
    operation: str
    shape: tuple[int, ...] = ()
    workspace_bytes: int = 0
    error: str = ""
    timeline: Mapping[str, Any] | None = None

    @property
    def over_bytes(self) -> int:
        return self.live_bytes + self.requested_bytes + self.workspace_bytes - self.limit_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, without a timeline where there is none."""
        values = {
            "requested_bytes": self.requested_bytes,
            "live_bytes": self.live_bytes,
            "limit_bytes": self.limit_bytes,
            "workspace_bytes": self.workspace_bytes,
            "over_bytes": self.over_bytes,
            "phase": self.phase,
            "module": self.module,
            "operation": self.operation,
            "shape": list(self.shape),
            "error": self.error,
        }
        return values if self.timeline is None else values | {"timeline": self.timeline}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FailedAllocation:
        """Read what `to_dict` returned."""
        stored = {name: value for name, value in values.items() if name != "over_bytes"}
        return cls(**{**stored, "shape": tuple(values.get("shape", ()))})


@dataclass(frozen=True)
class Ended:
    """The one end of a run.

    `reason` is a code of the catalogue, `values` those of its sentence where a run failed. A run that diverged has a
    `divergence`, one that ran out of memory an `allocation`. `updates_per_epoch` was counted in the first complete
    epoch (None: none was completed). `losses_sha256` is over the little-endian float32 losses; None for a
    budget of seconds, whose length no second run repeats.
    """

    state: EndState
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)
    updates: int = 0
    updates_per_epoch: int | None = None
    unchanged_updates: int = 0  # steps at a rate of exactly 0
    peak: Peak | None = None
    losses_sha256: str | None = None
    elapsed_s: float = 0.0
    divergence: Divergence | None = None
    allocation: FailedAllocation | None = None

    def values_to_dict(self) -> dict[str, Any]:
        """Return everything that is particular to the reason as plain JSON values; a loss may be infinite or NaN."""
        if self.divergence:
            return asdict(self.divergence)
        return self.allocation.to_dict() if self.allocation else dict(self.values)


Event = Started | Paused | Updates | Epoch | Peak | Snapshot | Kept | Ended
Report = Callable[[Event], None]
