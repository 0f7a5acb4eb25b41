"""Train: one update, one evaluation, and the whole state between two updates. The loop over them is `core.loop`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from core import schedules
from core.config import RunConfig, planned_updates
from core.control import Control
from core.datasets.tensors import Data
from core.events import Peak
from core.memory import Ledger, SimulatedOutOfMemoryError, Timeline, merge
from core.models import LOSSES, build_model, input_shape
from core.optimizers import bare_backward, bare_step, build_optimizer
from core.order import Order, Window
from core.plan import rate_factor


class Stopped(Exception):
    """Control asked for a stop between two micro-batches; the unfinished update was dropped."""


@dataclass(frozen=True)
class Evaluation:
    """Mean loss over the validation set, and for a classification the share of right answers.

    `confusion` counts the examples by [true class][answer].
    """

    loss: float
    accuracy: float | None
    confusion: tuple[tuple[int, ...], ...] = ()


class Trainer:
    """All that one training is made of, and its two verbs: `update` and `evaluate`.

    The first update and the first of every other shape run under a memory ledger, the rest untouched at full
    speed; `timelines` keeps what each ledger saw. Runs on fake tensors too, which is how memory is predicted.
    """

    def __init__(self, config: RunConfig, data: Data, *, control: Control | None = None) -> None:
        self.config, self.data = config, data.shaped(input_shape(config))
        self.control = control or Control()
        torch.manual_seed(config.seed)
        self.model = build_model(config)
        self.parameters = list(self.model.parameters())
        self.loss_function = LOSSES[config.spec.task]
        self.optimizer = build_optimizer(config, self.parameters)
        self.optimizer.register_step_post_hook(self._count)
        self._backward, self._step = bare_backward(), bare_step(self.optimizer)
        self.plateau = _plateau(config.lr) if config.schedule == schedules.PLATEAU else None
        self.order = Order(config, len(data.train_inputs))
        self.horizon = planned_updates(config) or 1  # a budget of seconds sets it after a timing
        self.updates = 0
        self.examples_seen = 0
        self.newest: Tensor | None = None  # the indices of the newest micro-batch
        self.timelines: dict[Hashable, Timeline] = {}
        self._ledger: Ledger | None = None
        self._unrecorded: Any = nullcontext  # the ledger's `quiet` while one watches

    def rate(self) -> float:
        """Return the learning rate of the next update."""
        peak = self.config.lr if self.plateau is None else float(self.plateau.optimizer.param_groups[0]["lr"])
        return peak * rate_factor(self.config, self.updates, self.horizon)

    def peak(self) -> Peak | None:
        """Return the highest peak that a ledger has seen."""
        return merge(*(timeline.peak() for timeline in self.timelines.values())) if self.timelines else None

    # One update.

    def update(self, rate: float, loss: Tensor, gradient_norm: Tensor) -> bool:
        """Make the next update at a rate; return whether it ended an epoch.

        Its loss, the mean over all its examples before the step, is added to the float32 scalar `loss`, which
        should be zero; the norm of its gradient is written into the scalar `gradient_norm`.
        Raises SimulatedOutOfMemoryError with the update dropped whole (weights, buffers, optimizer state and
        position as before), and Stopped.
        """
        self.optimizer.param_groups[0]["lr"] = rate
        self.update_on(self.order.window(), loss, gradient_norm)
        return self.order.advance()

    def update_on(self, window: Window, loss: Tensor, gradient_norm: Tensor) -> None:
        """Make one update on a window of any micro-batches, under a ledger if its shapes are new."""
        sizes = [len(indices) for indices in window]
        shape = ("update", self.updates > 0, len(sizes) > 1, sizes[0], sizes[-1])
        if shape in self.timelines:
            self._update(window, sizes, loss, gradient_norm)
        else:
            with self._watched(shape, phase="forward"):
                self._update(window, sizes, loss, gradient_norm)

    def _update(self, window: Window, sizes: list[int], loss: Tensor, gradient_norm: Tensor) -> None:
        examples = sum(sizes)
        for indices, size in zip(window, sizes, strict=True):
            self._micro_batch(indices, size / examples, loss)
        with self._unrecorded():
            gradients: list[Any] = [parameter.grad for parameter in self.parameters]
            torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)), out=gradient_norm)
        self._step()
        self._drop_gradients()
        self.examples_seen += examples

    def _micro_batch(self, indices: Tensor, share: float, total: Tensor) -> None:
        """Add one micro-batch's gradient, weighted by its share of the window's examples."""
        self._obey()
        self.newest = indices
        inputs = self.data.train_inputs.index_select(0, indices)
        targets = self.data.train_targets.index_select(0, indices)
        if self._ledger:
            self._ledger.claim_batch(inputs, targets)
        loss = self.loss_function(self.model(inputs), targets)
        if share != 1.0:
            loss = loss * share
        self._backward(loss)
        with self._unrecorded():
            total += loss.detach()

    def _count(self, *_: Any) -> None:
        self.updates += 1

    def _drop_gradients(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    def _obey(self) -> None:
        if self.control.attention and self.control.wait_while_paused():
            self._drop_gradients()
            raise Stopped

    # Evaluation.

    def evaluate(self) -> Evaluation:
        """Return loss and accuracy over the validation set, in chunks of at most B; changes no random state.

        Raises SimulatedOutOfMemoryError and Stopped.
        """
        count = len(self.data.validation_inputs)
        total, classes = 0.0, _classes(self.config)
        counts = torch.zeros(classes, classes, dtype=torch.int64)
        for start in range(0, count, self.config.batch_size):
            stop = min(start + self.config.batch_size, count)
            loss, answers = self.evaluate_chunk(start, stop)
            total += float(loss) * (stop - start)  # sync point: once per chunk
            counts += answers
        accuracy = int(counts.trace()) / count if classes else None
        return Evaluation(total / count, accuracy, tuple(map(tuple, counts.tolist())))

    def evaluate_chunk(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Return the mean loss over validation examples start ... stop-1, and their counts by [class, answer]."""
        self._obey()
        shape = ("evaluation", stop - start)
        self.model.eval()
        try:
            with nullcontext() if shape in self.timelines else self._watched(shape, phase="evaluation"):
                return self._evaluate_chunk(start, stop)
        finally:
            self.model.train()

    @torch.no_grad()
    def _evaluate_chunk(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        inputs = self.data.validation_inputs[start:stop].clone()
        targets = self.data.validation_targets[start:stop].clone()
        if self._ledger:
            self._ledger.claim_batch(inputs, targets)
        output = self.model(inputs)
        loss = self.loss_function(output, targets)
        with self._unrecorded():
            classes = _classes(self.config)
            counts = torch.zeros(classes * classes, dtype=torch.int64)
            if classes:
                cells = targets * classes + output.argmax(1)
                counts.scatter_add_(0, cells, torch.ones_like(cells))
            return loss, counts.view(classes, classes)

    def note_evaluation(self, evaluation: Evaluation) -> None:
        """Let a plateau schedule react to an evaluation."""
        if self.plateau:
            self.plateau.step(evaluation.loss)

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
        """Return a ledger over this training at the config's limit, to be entered around one update or chunk."""
        return Ledger(self.model, self.optimizer, limit_bytes=self.config.memory_limit_bytes, phase=phase)

    @contextmanager
    def _watched(self, shape: Hashable, *, phase: str) -> Iterator[None]:
        buffers = [buffer.clone() for buffer in self.model.buffers()]
        stateful = set(self.optimizer.state)
        ledger = self.watch(phase)
        self._ledger, self._unrecorded = ledger, ledger.quiet
        try:
            with ledger:
                yield
        except SimulatedOutOfMemoryError:
            self._drop_gradients()
            for parameter in set(self.optimizer.state) - stateful:
                del self.optimizer.state[parameter]
            for buffer, before in zip(self.model.buffers(), buffers, strict=True):
                buffer.copy_(before)
            shape = (shape, "dropped")  # not seen whole: the next of this shape is watched again
            raise
        finally:
            self._ledger, self._unrecorded = None, nullcontext
            self.timelines[shape] = ledger.timeline()

    # State.

    def state(self) -> dict[str, Any]:
        """Return a copy of all that decides the rest of the run; take it between two updates."""
        return deepcopy(
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "plateau": self.plateau.state_dict() if self.plateau else None,
                "plateau_rate": self.plateau.optimizer.param_groups[0]["lr"] if self.plateau else None,
                "order": self.order.state(),
                "horizon": self.horizon,
                "updates": self.updates,
                "examples_seen": self.examples_seen,
                "random": torch.get_rng_state(),
            }
        )

    def restore(self, state: dict[str, Any]) -> None:
        """Put back what `state` returned, here or in another trainer of the same config and data."""
        state = deepcopy(state)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.plateau:
            self.plateau.load_state_dict(state["plateau"])
            self.plateau.optimizer.param_groups[0]["lr"] = state["plateau_rate"]
        self.order.restore(state["order"])
        self.horizon = state["horizon"]
        self.updates = state["updates"]
        self.examples_seen = state["examples_seen"]
        torch.set_rng_state(state["random"])


def _classes(config: RunConfig) -> int:
    """Return how many right answers there are to choose from: none in a regression."""
    return config.spec.outputs if config.spec.task == "classification" else 0


def _plateau(rate: float) -> ReduceLROnPlateau:
    """Return torch's own plateau rule over an optimizer that holds nothing but the peak rate."""
    holder = torch.optim.SGD([nn.Parameter(torch.zeros(()))], lr=rate)
    factor, patience = schedules.PLATEAU_FACTOR, schedules.PLATEAU_PATIENCE
    return ReduceLROnPlateau(holder, factor=factor, patience=patience)
