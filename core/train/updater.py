"""Make one update or evaluate one chunk, of any model, under a memory ledger where its shapes are new."""

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
    """Control asked for a stop between two micro-batches; the unfinished update was dropped."""


@dataclass(frozen=True)
class Practice:
    """How updates are made where that changes nothing but memory and rounding: how a script handles its tensors.

    bfloat16            forward pass and loss under autocast
    keep_losses         the loss tensor of every micro-batch is kept, as by a list that `loss` is appended to
    evaluate_with_grad  evaluation without `no_grad`
    zero_in_place       gradients are set to zero after the step instead of being let go
    """

    bfloat16: bool = False
    keep_losses: bool = False
    evaluate_with_grad: bool = False
    zero_in_place: bool = False

    @classmethod
    def of(cls, settings: Any) -> Practice:
        """Return what a RunConfig or an OwnModel says of it."""
        return cls(
            bfloat16=settings.precision == "bfloat16",
            keep_losses=settings.keep_losses,
            evaluate_with_grad=settings.evaluate_with_grad,
            zero_in_place=settings.zero_in_place,
        )


@dataclass(frozen=True)
class Limit:
    """The capacity of the simulated device, and how much of it is set aside for workspace."""

    bytes: int
    workspace_bytes: int = 0


class Updater:
    """A model, its loss and its optimizer, and their two verbs: `update_on` and `evaluate_chunk`.

    The first update and the first of every other shape run under a memory ledger, the rest untouched at full
    speed; `timelines` keeps what each ledger saw. Runs on fake tensors too, which is how memory is predicted.
    `classes` is how many right answers there are to choose from: none in a regression.
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
        self.begun = False  # whether an update has been made here: the first one finds no state of the optimizer
        self.examples_seen = 0
        self.newest: Tensor | None = None  # the indices of the newest micro-batch
        self.timelines: dict[Hashable, Timeline] = {}
        self.dropped: Timeline | None = None  # of the update or chunk that ran out of memory, until it did
        self._ledger: Ledger | None = None
        self._unrecorded: Any = nullcontext  # the ledger's `quiet` while one watches
        self._autocast = torch.autocast("cpu", torch.bfloat16) if practice.bfloat16 else nullcontext()
        self._loss = torch.autocast("cpu", torch.bfloat16)(self._plain_loss) if practice.bfloat16 else self._plain_loss
        self._kept: list[Tensor] = []
        self._kept_when_watched: dict[Hashable, int] = {}  # bytes, by the shape of the update
        self._kept_before_newest: dict[Hashable, int] = {}

    def peak(self) -> Peak | None:
        """Return the highest peak: of what a ledger has seen, with the losses kept since."""
        return peak_of(self._with_kept(shape) for shape in self.timelines) if self.timelines else None

    # One update.

    def update_on(self, window: Window, loss: Tensor, gradient_norm: Tensor | None) -> None:
        """Make one update on a window of any micro-batches, under a ledger if its shapes are new.

        Its loss, the mean over all its examples before the step, is added to the float32 scalar `loss`, which
        should be zero; the norm of its gradient is written into the scalar `gradient_norm`, if there is one.
        """
        sizes = [len(indices) for indices in window]
        shape = ("update", self.begun, len(sizes) > 1, sizes[0], sizes[-1])
        if shape in self.timelines and not (self.practice.keep_losses and self._has_outgrown(shape)):
            self._update(window, sizes, loss, gradient_norm)
        else:
            held = self.newest  # what it holds of an epoch that is over must not be let go while a record is made
            with self._watched(shape, phase="forward"):
                self._update(window, sizes, loss, gradient_norm)
            del held
        self.begun = True

    def _update(self, window: Window, sizes: list[int], loss: Tensor, gradient_norm: Tensor | None) -> None:
        examples = sum(sizes)
        for indices, size in zip(window, sizes, strict=True):
            self._micro_batch(indices, size / examples, loss)
        if gradient_norm is not None:
            with self._unrecorded():
                gradients: list[Any] = [parameter.grad for parameter in self.parameters]
                torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)), out=gradient_norm)
                del gradients  # which would live on to the end
        self._step()
        self._clear_gradients()
        self.examples_seen += examples

    def _micro_batch(self, indices: Tensor, share: float, total: Tensor) -> None:
        """Add one micro-batch's gradient, weighted by its share of the window's examples."""
        self._obey()
        self.newest = indices
        inputs = self.data.train_inputs.index_select(0, indices)
        targets = self.data.train_targets.index_select(0, indices)
        if self._ledger:
            self._ledger.claim_batch(inputs, targets)
        loss = self._loss(inputs, targets)
        if share != 1.0:
            loss = loss * share
        self._backward(loss)
        with self._unrecorded():
            total += loss.detach()
        if self.practice.keep_losses:
            self._kept.append(loss)

    def _plain_loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return self.loss_function(self.model(inputs), targets)

    def _count(self, *_: Any) -> None:
        self.updates += 1

    def _clear_gradients(self) -> None:
        if self.practice.zero_in_place:
            torch._foreach_zero_([parameter.grad for parameter in self.parameters if parameter.grad is not None])
            return
        for parameter in self.parameters:
            parameter.grad = None

    def _obey(self) -> None:
        if self.control.attention and self.control.wait_while_paused() and not self._must_complete():
            self._clear_gradients()
            raise Stopped

    def _must_complete(self) -> bool:
        """Return whether a stop has to wait until what is under way is done."""
        return False

    # A list of losses grows with every update, and so takes a peak along that no ledger watches any more.

    def _has_outgrown(self, shape: Hashable) -> bool:
        """Return whether what is kept may take an event of this shape over the limit; if not, note how much it is."""
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
        """Let go of the losses kept so far, as if their updates had not been made."""
        self._kept.clear()

    # Evaluation.

    def evaluate_chunk(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Return the mean loss over validation examples start ... stop-1, and their counts by [class, answer]."""
        self._obey()
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
        """Let the model answer in evaluation mode without gradients; no ledger counts it, and nothing else changes."""
        training = self.model.training
        self.model.eval()
        try:
            with torch.no_grad(), self._unrecorded():
                yield
        finally:
            self.model.train(training)

    # Memory.

    def watch(self, phase: str) -> Ledger:
        """Return a ledger over this training at its limit, to be entered around one update or chunk."""
        limit = self.limit
        return Ledger(
            self.model,
            self.optimizer,
            limit_bytes=limit.bytes if limit else None,
            workspace_bytes=limit.workspace_bytes if limit else 0,
            phase=phase,
            kept=self._kept,
        )

    @contextmanager
    def _watched(self, shape: Hashable, *, phase: str) -> Iterator[None]:
        buffers = [buffer.clone() for buffer in self.model.buffers()]
        stateful = set(self.optimizer.state)
        gradients = [parameter.grad for parameter in self.parameters]  # zeros, or none
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
            shape = (shape, "dropped")  # not seen whole: the next of this shape is watched again
            ledger.record = Record()  # real memory does have what did not fit
            raise
        finally:
            self._ledger, self._unrecorded = None, nullcontext
            self.timelines[shape] = ledger.timeline()
            self._kept_when_watched[shape] = self._kept_before_newest[shape] = kept_bytes
