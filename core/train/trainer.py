"""Make the next update, evaluate, and save or restore the whole state in between. `core.train.loop` drives it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from core.datasets.tensors import Data
from core.run import changes
from core.run.choices import schedules
from core.run.choices.optimizers import OPTIMIZERS
from core.run.config import RunConfig, planned_updates
from core.run.control import Control
from core.run.plan import rate_factor
from core.train.checkpointing import checkpoint_segments
from core.train.continuation import remaining_budget
from core.train.models import LOSSES, build_model, input_shape
from core.train.optimizers import build_optimizer
from core.train.order import Order
from core.train.updater import Limit, Practice, Updater


@dataclass(frozen=True)
class Evaluation:
    """Mean loss over the validation set and, for classification, the accuracy.

    `confusion[i][j]` counts the examples of class i that were classified as j.
    """

    loss: float
    accuracy: float | None
    confusion: tuple[tuple[int, ...], ...] = ()


class Trainer(Updater):
    """An updater with a data order, a learning-rate schedule and a state that can be saved and restored.

    `workspace_bytes` of the memory limit are reserved for workspace.
    """

    def __init__(
        self, config: RunConfig, data: Data, *, control: Control | None = None, workspace_bytes: int = 0
    ) -> None:
        self.config = config
        torch.manual_seed(config.seed)
        model = build_model(config)
        if config.checkpointing:
            checkpoint_segments(model)
        limit = config.memory_limit_bytes
        super().__init__(
            model,
            LOSSES[config.spec.task],
            build_optimizer(config, model.parameters()),
            data.shaped(input_shape(config)),
            practice=Practice.of(config),
            limit=Limit(limit, workspace_bytes, config.memory_margin_bytes) if limit else None,
            classes=config.spec.outputs if config.spec.task == "classification" else 0,
            control=control,
        )
        self.plateau = plateau_rule(config.lr) if schedules.SCHEDULES[config.schedule].is_feedback else None
        self.order = Order(config, len(data.train_inputs))
        self.horizon = planned_updates(config) or 1  # a budget in seconds sets it after a short timing
        self.shift = 0  # updates by which the schedule is ahead of `updates`, in a continued run
        self.elapsed_s = 0.0  # training time of the parent run
        self.ceiling: float | None = None  # loss above which the run has diverged, if the parent run knew it
        self._evaluates = False

    def rate(self) -> float:
        """Return the learning rate of the next update."""
        peak = self.config.lr if self.plateau is None else float(self.plateau.optimizer.param_groups[0]["lr"])
        return peak * rate_factor(self.config, self.updates + self.shift, self.horizon + self.shift)

    def update(self, rate: float, loss: Tensor, gradient_norm: Tensor) -> bool:
        """Make the next update at a learning rate; return whether it ended an epoch.

        `loss` and `gradient_norm` are written as in `update_on`. Raises Stopped, and SimulatedOutOfMemoryError after
        undoing the update: weights, buffers, optimizer state and position are as before.
        """
        self.optimizer.param_groups[0]["lr"] = rate
        self.update_on(self.order.window(), loss, gradient_norm)
        return self.order.advance()

    def evaluate(self) -> Evaluation:
        """Return loss and accuracy over the validation set, computed in chunks of at most B examples.

        Random state does not change. Raises SimulatedOutOfMemoryError and Stopped.
        """
        count = len(self.data.validation_inputs)
        total, chunk = 0.0, self.config.evaluation_size
        counts = torch.zeros(self.classes, self.classes, dtype=torch.int64)
        self._evaluates = True
        try:
            for start in range(0, count, chunk):
                stop = min(start + chunk, count)
                loss, answers = self.evaluate_chunk(start, stop)
                total += float(loss) * (stop - start)  # sync point: once per chunk
                counts += answers
        finally:
            self._evaluates = False
        accuracy = int(counts.trace()) / count if self.classes else None
        return Evaluation(total / count, accuracy, tuple(map(tuple, counts.tolist())))

    def note_evaluation(self, evaluation: Evaluation) -> None:
        """Let a plateau schedule react to an evaluation."""
        if self.plateau:
            self.plateau.step(evaluation.loss)

    def _must_complete(self) -> bool:
        """Return whether a stop for a change has to wait.

        It waits for a running evaluation, and for an update with micro-batches that have already changed buffers:
        dropping that update would leave the buffers changed.
        """
        if self.control.stop_reason != changes.REASON:
            return False
        is_within = any(self.newest is batch for batch in self.order.window())
        return self._evaluates or (is_within and any(True for _ in self.model.buffers()))

    # State.

    def state_bytes(self) -> int:
        """Return the approximate size of a state: the bytes of its tensors."""
        states = (value for each in self.optimizer.state.values() for value in each.values())
        held = [*self.parameters, *self.model.buffers(), *(value for value in states if isinstance(value, Tensor))]
        return sum(tensor.nbytes for tensor in held)

    def state(self) -> dict[str, Any]:
        """Return a copy of everything that determines the rest of the run. Call it between two updates."""
        return deepcopy(
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "plateau": self.plateau.state_dict() if self.plateau else None,
                "plateau_rate": self.plateau.optimizer.param_groups[0]["lr"] if self.plateau else None,
                "lr": self.config.lr,
                "order": self.order.state(),
                "seen_in_epoch": self.order.seen_in_epoch,
                "kind": self.config.optimizer,
                "elapsed_s": self.elapsed_s,
                "ceiling": self.ceiling,
                "horizon": self.horizon,
                "shift": self.shift,
                "updates": self.updates,
                "examples_seen": self.examples_seen,
                "random": torch.get_rng_state(),
            }
        )

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state of this trainer or of another with the same config and data."""
        state = deepcopy(state)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._restore_plateau(state)
        self.order.restore(state["order"])
        self.horizon, self.shift = state["horizon"], state["shift"]
        self.updates = state["updates"]
        self.examples_seen = state["examples_seen"]
        torch.set_rng_state(state["random"])

    def take_over(self, state: dict[str, Any]) -> None:
        """Continue from the state of a trainer with different settings but the same model and data.

        Weights carry over, and so does the optimizer's state if both optimizers are of the same kind; this trainer's
        own hyperparameters apply. The rest of the budget and of the schedule is counted in examples, or in updates
        if the budget is in updates (see `core.train.continuation`). The count of updates continues.
        """
        state = deepcopy(state)
        self.model.load_state_dict(state["model"])
        if OPTIMIZERS[self.config.optimizer].continues(state["kind"]):
            own = self.optimizer.state_dict()["param_groups"]
            self.optimizer.load_state_dict(state["optimizer"] | {"param_groups": own})
        self._restore_plateau(state)
        self.updates, self.examples_seen = state["updates"], state["examples_seen"]
        self.elapsed_s, self.ceiling = state["elapsed_s"], state.get("ceiling")  # older states have no ceiling
        self.order.take_over(state["order"], state["seen_in_epoch"])
        left = remaining_budget(
            self.config,
            updates=self.updates,
            epoch=state["order"]["epoch"],
            seen_in_epoch=state["seen_in_epoch"],
            examples_seen=self.examples_seen,
        )
        self.horizon = self.updates + (left.updates or 0)
        self.shift = left.position - self.updates
        torch.set_rng_state(state["random"])

    def _restore_plateau(self, state: dict[str, Any]) -> None:
        if self.plateau and state["plateau"]:
            self.plateau.load_state_dict(state["plateau"])
            share = state["plateau_rate"] / state.get("lr", self.config.lr)  # older states do not record the peak rate
            self.plateau.optimizer.param_groups[0]["lr"] = share * self.config.lr


def plateau_rule(rate: float) -> ReduceLROnPlateau:
    """Return PyTorch's ReduceLROnPlateau over a dummy optimizer that only holds the learning rate."""
    holder = torch.optim.SGD([nn.Parameter(torch.zeros(()))], lr=rate)
    factor, patience = schedules.PLATEAU_FACTOR, schedules.PLATEAU_PATIENCE
    return ReduceLROnPlateau(holder, factor=factor, patience=patience)
