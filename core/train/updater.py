"""Make one update or evaluate one chunk with any model, under a memory ledger if the shapes are new."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from core.datasets.tensors import Data
from core.memory import Ledger, SimulatedOutOfMemoryError
from core.memory.workspace import Record
from core.run.control import Control
from core.run.events import Peak
from core.run.timeline import Timeline, peak_of
from core.train.optimizers import bare_backward, bare_step

Window = Sequence[Tensor]  # the indices of each micro-batch of an update


class Stopped(Exception):
    """A stop was requested between two micro-batches; the unfinished update was dropped."""


@dataclass(frozen=True)
class Practice:
    """Coding habits of a training script, which affect only memory and rounding.

    bfloat16            run the forward pass and the loss under autocast
    keep_losses         keep the loss tensor of every micro-batch, like a script that appends `loss` to a list
    evaluate_with_grad  evaluate without `no_grad`
    zero_in_place       zero the gradients after the step instead of setting them to None
    """

    bfloat16: bool = False
    keep_losses: bool = False
    evaluate_with_grad: bool = False
    zero_in_place: bool = False

    @classmethod
    def of(cls, settings: Any) -> Practice:
        """Return the habits set in a RunConfig or an OwnModel."""
        return cls(
            bfloat16=settings.precision == "bfloat16",
            keep_losses=settings.keep_losses,
            evaluate_with_grad=settings.evaluate_with_grad,
            zero_in_place=settings.zero_in_place,
        )


@dataclass(frozen=True)
class Limit:
    """The memory of the simulated device that a run may use, the part of it reserved for workspace, and the margin.

    The margin is the memory that the device has beyond `bytes`.
    """

    bytes: int
    workspace_bytes: int = 0
    margin_bytes: int = 0


class Updater:
    """A model, its loss and its optimizer, with two operations: `update_on` and `evaluate_chunk`.

    The first update and the first of every other shape run under a memory ledger; the rest run at full speed.
    `timelines` keeps the timeline of each ledger. Memory is predicted by running this class on fake tensors.
    `classes` is the number of classes, 0 for regression.
    """

    def __init__(
        self,
        model: nn.Module,
        loss_function: Callable[[Any, Tensor], Tensor],
        optimizer: Optimizer,
        data: Data,
        *,
        practice: Practice,
        limit: Limit | None = None,
        classes: int = 0,
        control: Control | None = None,
    ) -> None:
        self.model, self.loss_function, self.optimizer, self.data = model, loss_function, optimizer, data
        self.parameters = list(model.parameters())
        self.practice, self.limit, self.classes = practice, limit, classes
        self.control = control or Control()
        optimizer.register_step_post_hook(self._count)
        self._backward, self._step = bare_backward(), bare_step(optimizer)
        self.updates = 0
        self.begun = False  # whether this object has made an update; the first one finds no optimizer state
        self.examples_seen = 0
        self.newest: Tensor | None = None  # indices of the latest micro-batch
        self.timelines: dict[Hashable, Timeline] = {}
        self.dropped: Timeline | None = None  # timeline of the update or chunk that ran out of memory
        self._ledger: Ledger | None = None
        self._unrecorded: Any = nullcontext  # the ledger's `quiet` while a ledger is active
        self._autocast = torch.autocast("cpu", torch.bfloat16) if practice.bfloat16 else nullcontext()
        self._loss = torch.autocast("cpu", torch.bfloat16)(self._plain_loss) if practice.bfloat16 else self._plain_loss
        self._kept: list[Tensor] = []
        self._kept_when_watched: dict[Hashable, int] = {}  # bytes by shape of the update
        self._kept_before_newest: dict[Hashable, int] = {}

    def peak(self) -> Peak | None:
        """Return the highest peak of all timelines, plus the losses kept since; None without a timeline."""
        return peak_of(self._with_kept(shape) for shape in self.timelines) if self.timelines else None

    # One update.

    def update_on(self, window: Window, loss: Tensor, gradient_norm: Tensor | None) -> None:
        """Make one update on a window of micro-batches, under a ledger if the shapes are new.

        Adds the mean loss over all examples of the window, before the step, to the float32 scalar `loss`, which should
        be zero. Writes the gradient norm into the scalar `gradient_norm` unless it is None.
        """
        sizes = [len(indices) for indices in window]
        shape = ("update", self.begun, len(sizes) > 1, sizes[0], sizes[-1])
        if shape in self.timelines and not (self.practice.keep_losses and self._has_outgrown(shape)):
            self._update(window, sizes, loss, gradient_norm)
        else:
            held = self.newest  # the indices of a finished epoch must not be freed while the ledger records
            with self._watched(shape, phase="forward"):
                self._update(window, sizes, loss, gradient_norm)
            del held
        self.begun = True

    def _update(self, window: Window, sizes: list[int], loss: Tensor, gradient_norm: Tensor | None) -> None:
        examples = sum(sizes)
        held: list[Any] = []
        for indices, size in zip(window, sizes, strict=True):
            held.clear()  # before the next micro-batch; the last one's batch, output and loss live through the step
            held += self._micro_batch(indices, size / examples, loss)
        if gradient_norm is not None:
            with self._unrecorded():
                gradients: list[Any] = [parameter.grad for parameter in self.parameters]
                torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)), out=gradient_norm)
                del gradients  # the list would keep the gradients alive through the step
        self._step()
        self._clear_gradients()
        self.examples_seen += examples

    def _micro_batch(self, indices: Tensor, share: float, total: Tensor) -> tuple[Any, ...]:
        """Add one micro-batch's gradient, weighted by its share of the window's examples.

        Return what a function that makes an update holds until it returns: the batch, the output and the loss.
        """
        self._stop_if_asked()
        self.newest = indices
        inputs = self.data.train_inputs.index_select(0, indices)
        targets = self.data.train_targets.index_select(0, indices)
        if self._ledger:
            self._ledger.claim_batch(inputs, targets)
        output, loss = self._loss(inputs, targets)
        if share != 1.0:
            loss = loss * share
        if self._ledger:
            self._ledger.claim_results(output, loss)
        self._backward(loss)
        with self._unrecorded():
            total += loss.detach()
        if self.practice.keep_losses:
            self._kept.append(loss)
        return inputs, targets, output, loss

    def _plain_loss(self, inputs: Tensor, targets: Tensor) -> tuple[Any, Tensor]:
        output = self.model(inputs)
        return output, self.loss_function(output, targets)

    def _count(self, *_: Any) -> None:
        self.updates += 1

    def _clear_gradients(self) -> None:
        if self.practice.zero_in_place:
            torch._foreach_zero_([parameter.grad for parameter in self.parameters if parameter.grad is not None])
            return
        for parameter in self.parameters:
            parameter.grad = None

    def _stop_if_asked(self) -> None:
        if self.control.attention and self.control.wait_while_paused() and not self._must_complete():
            self._clear_gradients()
            raise Stopped

    def _must_complete(self) -> bool:
        """Return whether a stop has to wait for the current update or evaluation."""
        return False

    # A list of losses grows with every update and raises the peak after the ledgers have stopped recording.

    def _has_outgrown(self, shape: Hashable) -> bool:
        """Return whether the kept losses may push an event of this shape over the limit; if not, note their size."""
        before = self._kept_before_newest.get(shape, 0)
        self._kept_before_newest[shape] = self._kept_bytes()
        peak = peak_of([self._with_kept(shape)]).tensor_bytes
        is_over = self.limit is not None and peak > self.limit.bytes - self.limit.workspace_bytes
        if is_over:
            self._kept_before_newest[shape] = before
        return is_over

    def _kept_bytes(self) -> int:
        return len(self._kept) * self._kept[0].nbytes if self._kept else 0

    def _with_kept(self, shape: Hashable) -> Timeline:
        watched = self._kept_when_watched.get(shape, 0)
        return self.timelines[shape].with_more("activations", self._kept_before_newest.get(shape, watched) - watched)

    def forget_losses(self) -> None:
        """Drop the losses kept so far."""
        self._kept.clear()

    # Evaluation.

    def evaluate_chunk(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Return the mean loss over validation examples start ... stop-1 and their confusion matrix [class, answer]."""
        self._stop_if_asked()
        shape = ("evaluation", stop - start)
        self.model.eval()
        try:
            known = shape in self.timelines and not (self.practice.keep_losses and self._has_outgrown(shape))
            with nullcontext() if known else self._watched(shape, phase="evaluation"):
                return self._evaluate_chunk(start, stop)
        finally:
            self.model.train()

    def _evaluate_chunk(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        inputs = self.data.validation_inputs[start:stop].clone()
        targets = self.data.validation_targets[start:stop].clone()
        if self._ledger:
            self._ledger.claim_batch(inputs, targets)
        with torch.set_grad_enabled(self.practice.evaluate_with_grad), self._autocast:
            output = self.model(inputs)
            loss = self.loss_function(output, targets)
        with torch.no_grad(), self._unrecorded():
            counts = torch.zeros(self.classes * self.classes, dtype=torch.int64)
            if self.classes:
                cells = targets * self.classes + output.argmax(1)
                counts.scatter_add_(0, cells, torch.ones_like(cells))
            return loss.detach(), counts.view(self.classes, self.classes)

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """Put the model in evaluation mode without gradients and without a ledger, and restore its mode afterwards."""
        training = self.model.training
        self.model.eval()
        try:
            with torch.no_grad(), self._unrecorded():
                yield
        finally:
            self.model.train(training)

    # Memory.

    def watch(self, phase: str) -> Ledger:
        """Return a ledger with this training's limit; enter it around one update or chunk."""
        limit = self.limit
        return Ledger(
            self.model,
            self.optimizer,
            limit_bytes=limit.bytes if limit else None,
            workspace_bytes=limit.workspace_bytes if limit else 0,
            margin_bytes=limit.margin_bytes if limit else 0,
            phase=phase,
            kept=self._kept,
        )

    @contextmanager
    def _watched(self, shape: Hashable, *, phase: str) -> Iterator[None]:
        buffers = [buffer.clone() for buffer in self.model.buffers()]
        stateful = set(self.optimizer.state)
        gradients = [parameter.grad for parameter in self.parameters]  # zeros or None
        kept, kept_bytes = len(self._kept), self._kept_bytes()
        ledger = self.watch(phase)
        self._ledger, self._unrecorded = ledger, ledger.quiet
        try:
            with ledger:
                yield
        except SimulatedOutOfMemoryError:
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                parameter.grad = gradient.zero_() if gradient is not None else None
            for born in set(self.optimizer.state) - stateful:
                del self.optimizer.state[born]
            for buffer, before in zip(self.model.buffers(), buffers, strict=True):
                buffer.copy_(before)
            del self._kept[kept:]
            self.dropped = ledger.timeline()
            shape = (shape, "dropped")  # the record is incomplete, so the next update of this shape is watched again
            ledger.record = Record()  # the real process does hold what did not fit the simulated limit
            raise
        finally:
            self._ledger, self._unrecorded = None, nullcontext
            self.timelines[shape] = ledger.timeline()
            self._kept_when_watched[shape] = self._kept_before_newest[shape] = kept_bytes
