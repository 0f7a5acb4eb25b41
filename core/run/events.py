"""Define what a run predicts and reports before, during and after training: numbers and arrays, no sentences."""

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

SHOWN = 8  # examples of a batch in a snapshot
GRID = 48  # cells along each side of the plane
DIVERGED_AT = 1_000.0  # a loss of more than this multiple of the initial loss counts as diverged
INITIAL_EXAMPLES = 32  # examples over which the initial loss is averaged; a single loss can be close to zero

EndState = Literal["finished", "stopped", "out_of_memory", "diverged", "failed"]
END_STATES: tuple[EndState, ...] = ("finished", "stopped", "out_of_memory", "diverged", "failed")


@dataclass(frozen=True)
class Peak:
    """The most bytes alive at once in the watched part of a run, and the phase and module at that moment.

    `bytes` counts tensors, which `by_category` sums to, and workspace: scratch space inside kernels, which appears in
    PyTorch's own record of allocations but belongs to no tensor. `phase` is forward, backward, optimizer or
    evaluation; `module` is the dotted name of the module at work, or "" outside any.
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
        """Return the same peak of tensors with this much workspace."""
        return replace(self, bytes=self.tensor_bytes + workspace_bytes, workspace_bytes=workspace_bytes)


@dataclass(frozen=True)
class Prediction:
    """The predicted memory of a run on the simulated device.

    `largest_batch_size` is the largest B that fits the memory limit with all other settings unchanged: 0 if none fits,
    and N if there is no limit. If `verified`, the workspace in `peak` was measured at this batch size; otherwise it is
    estimated from smaller ones. `operations` are those with the most workspace, with the bytes of each.
    """

    peak: Peak
    parameters: int
    largest_batch_size: int
    verified: bool = False
    operations: tuple[tuple[str, int], ...] = ()


def prediction_from_dict(values: Mapping[str, Any]) -> Prediction:
    """Build a prediction from `dataclasses.asdict`, with or without a JSON round trip."""
    operations = tuple((name, size) for name, size in values["operations"])
    return Prediction(**{**values, "peak": Peak(**values["peak"]), "operations": operations})


@dataclass(frozen=True)
class Started:
    """The run is about to make its first update.

    `horizon` is U, the number of updates that the schedule is planned for. A run repeats bit for bit where the
    `fingerprint` is the same. A continued run has inherited `first` updates, and its schedule is `shift` updates ahead
    of its own count.
    """

    horizon: int
    fingerprint: Mapping[str, str | int] = field(default_factory=dict)
    first: int = 0
    shift: int = 0


@dataclass(frozen=True)
class Paused:
    """The run has paused (`paused` true) or resumed."""

    paused: bool


@dataclass(frozen=True)
class Updates:
    """A block of consecutive updates, one entry each; `first` is the number of updates before the block.

    losses          float32, mean over all the update's examples, before the step
    rates           float64, the learning rate of the step
    gradient_norms  float32, Euclidean norm of the whole gradient
    examples_seen   int64, after the update
    seconds         float64, training time after the update, without pauses, evaluation and start-up
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
    """The end of an epoch, or of a run that ends within one (`complete` false).

    `train_loss` is the mean over the epoch's examples during training, while the weights changed. The validation values
    are None if the evaluation was skipped or does not apply (accuracy in a regression). `update_ratio` is the Euclidean
    length of the update in the middle of the epoch divided by that of the weights before it, or None if it was not
    measured.
    """

    epoch: int  # from 1
    updates: int  # updates of the run so far
    updates_in_epoch: int
    complete: bool
    train_loss: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    update_ratio: float | None = None  # also None in runs recorded before there was one


@dataclass(frozen=True)
class Snapshot:
    """The model's latest inputs and predictions, taken every so often. Only the latest snapshot is kept.

    batch       indices of the first examples of the latest micro-batch, at most SHOWN
    batch_size  number of examples in that micro-batch
    confusion   validation examples of the latest evaluation by [true class][predicted class]; () if there is none
    plane       for data in the plane: the probability of class 1, in 255ths, at the centre of each of GRID x GRID
                cells, row by row from the lowest y; otherwise empty
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
    """The first update (from 1) with a loss that is not finite or far above the initial loss."""

    update: int
    loss: float


@dataclass(frozen=True)
class FailedAllocation:
    """The allocation that would have crossed the memory limit.

    `limit_bytes` is the capacity of the device without the margin of `margin_bytes`. `phase` and `module` have the
    meaning of those in `Peak`, and `operation` is PyTorch's name. If the memory held before the first operation of an
    update or evaluation does not fit, `phase` is "held" and `operation` is the category that did not fit. `error` is
    the message of the exception. `timeline` holds the earlier allocations of the update in the format of
    `core.run.timeline.Timeline.to_dict`; only the chart parses it.
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
    margin_bytes: int = 0

    @property
    def over_bytes(self) -> int:
        return self.live_bytes + self.requested_bytes + self.workspace_bytes - self.limit_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values. `timeline` is left out if it is None."""
        values = {
            "requested_bytes": self.requested_bytes,
            "live_bytes": self.live_bytes,
            "limit_bytes": self.limit_bytes,
            "workspace_bytes": self.workspace_bytes,
            "margin_bytes": self.margin_bytes,
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
        """Build an allocation from `to_dict`."""
        stored = {name: value for name, value in values.items() if name != "over_bytes"}
        return cls(**{**stored, "shape": tuple(values.get("shape", ()))})


@dataclass(frozen=True)
class Ended:
    """The end of a run. Every run has exactly one.

    `reason` is a code of the catalogue; `values` fill its sentence if the run failed. A diverged run has a
    `divergence`, a run out of memory an `allocation`. `updates_per_epoch` was counted in the first complete epoch and
    is None without one. `losses_sha256` covers the little-endian float32 losses; it is None for a budget in seconds,
    because such runs differ in length.
    """

    state: EndState
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)
    updates: int = 0
    updates_per_epoch: int | None = None
    unchanged_updates: int = 0  # updates at a learning rate of exactly 0
    peak: Peak | None = None
    losses_sha256: str | None = None
    elapsed_s: float = 0.0
    divergence: Divergence | None = None
    allocation: FailedAllocation | None = None

    def values_to_dict(self) -> dict[str, Any]:
        """Return the values that belong to the reason as plain JSON values. A loss may be infinite or NaN."""
        if self.divergence:
            return asdict(self.divergence)
        return self.allocation.to_dict() if self.allocation else dict(self.values)


Event = Started | Paused | Updates | Epoch | Peak | Snapshot | Kept | Ended
Report = Callable[[Event], None]
