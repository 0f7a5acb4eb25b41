"""Train many runs of one shape as one computation, without any interaction between the runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from core.datasets.tensors import Data
from core.ensemble.deck import Deck, stacked
from core.ensemble.layers import Layers
from core.ensemble.losses import LOSSES
from core.ensemble.pieces import Pieces
from core.ensemble.suitability import problem_among
from core.run.config import RunConfig, planned_updates
from core.run.plan import rate_factor
from core.train.models import build_model, input_shape

EVALUATED_AT_ONCE = 4_096  # examples, over all models together, to bound the memory of an evaluation


class Step(NamedTuple):
    """The result of one update in each of M runs; every tensor is (M,).

    losses          mean over the update's examples, before the step
    gradient_norms  Euclidean, before weight decay
    lengths         Euclidean norm of the change of the weights
    cosines         cosine of the angle between this change and the previous one; NaN if there is none or either is 0

    Lengths and cosines describe the change before it is rounded into the weights. They are None unless the ensemble
    was built with `geometry`.
    """

    losses: Tensor
    gradient_norms: Tensor
    lengths: Tensor | None = None
    cosines: Tensor | None = None


class Evaluation(NamedTuple):
    """Mean loss of each of M models over a set, (M,), and the accuracy, (M,), None for regression."""

    losses: Tensor
    accuracies: Tensor | None


class Ensemble:
    """Train many runs of one shape at once. They may differ only in seed, peak rate, schedule and warm-up.

    Each run gets the initial weights, the data order and the rates that `core.train.trainer.Trainer` would give it, and
    its results agree to rounding error. A run that diverges does not affect the others. `data` is one set for all runs
    or one for each; its dtype becomes that of the weights, as the default dtype does in a Trainer. `start` replaces the
    initial weights: one tensor for each parameter, broadcastable to (M, *shape). Memory limits and target losses are
    ignored. Raises ValueError for runs that `problem_with` rejects.
    """

    def __init__(
        self,
        configs: Sequence[RunConfig],
        data: Data | Sequence[Data],
        *,
        start: Sequence[Tensor] | None = None,
        geometry: bool = False,
    ) -> None:
        problem = problem_among(configs)
        if problem:
            raise ValueError(problem)
        self.configs, self.config = tuple(configs), configs[0]
        shape = input_shape(self.config)
        sets = [each.shaped(shape) for each in ([data] if isinstance(data, Data) else data)]
        self._data = stacked(sets, len(configs))
        self._deck = Deck(configs, self._data)
        self._loss = LOSSES[self.config.spec.task]
        self._is_classification = self.config.spec.task == "classification"
        with _default_type(self._data.train_inputs.dtype), torch.random.fork_rng(devices=()):
            self._layers = Layers([list(_built(config).children()) for config in configs])
        self.parameters = [stack.shaped for stack in self._layers.stacks]  # each (M, *shape), as in model.parameters()
        if start is not None:
            for parameter, values in zip(self.parameters, start, strict=True):
                parameter.copy_(values)
        self._pieces = Pieces(self.config, self._layers.stacks, geometry=geometry)
        self._peaks = torch.tensor([config.lr for config in configs], dtype=torch.float64)
        schedules = [_schedule_key(config) for config in configs]
        self._schedules = list(dict.fromkeys(schedules))
        self._schedule = torch.tensor([self._schedules.index(each) for each in schedules])
        self.horizon = planned_updates(self.config) or 1
        self.updates = 0
        self.examples_seen = 0  # per run

    def rates(self) -> Tensor:
        """Return the learning rates of the next update, (M,) in float64."""
        if len(self._schedules) == 1:
            return self._peaks * rate_factor(self._schedules[0], self.updates, self.horizon)
        factors = [rate_factor(config, self.updates, self.horizon) for config in self._schedules]
        return self._peaks * torch.tensor(factors, dtype=torch.float64).index_select(0, self._schedule)

    def update(self, rates: Tensor | None = None) -> Step:
        """Make the next update of every run, at `rates` (M,) if given, else at the rates of the schedules."""
        rates = self.rates() if rates is None else rates
        window = self._deck.window()
        examples = sum(indices.shape[1] for indices in window)
        parts = []  # loss contribution of each micro-batch
        for indices in window:
            inputs, targets = self._deck.take(indices)
            losses, errors = self._loss(self._layers.forward(inputs, is_training=True), targets)
            self._layers.backward(errors / examples)
            parts.append(losses.sum(1) / examples)
        self.updates += 1
        self.examples_seen += examples
        gradient_norms, geometry = self._pieces.move(rates, self.updates)
        return Step(sum(parts[1:], parts[0]), gradient_norms, *(geometry or ()))

    def evaluate(self, inputs: Tensor, targets: Tensor) -> Evaluation:
        """Return loss and accuracy of every model over one shared set, (n, *input shape) and (n, ...)."""
        shape = input_shape(self.config)
        return self._evaluate(inputs.reshape(1, -1, *shape), targets.unsqueeze(0))

    def evaluate_validation(self) -> Evaluation:
        """Return loss and accuracy of every model over its validation set."""
        return self._evaluate(self._data.validation_inputs, self._data.validation_targets)

    def evaluate_training(self) -> Evaluation:
        """Return loss and accuracy of every model over its training set, with its current weights."""
        return self._evaluate(self._data.train_inputs, self._data.train_targets)

    @torch.no_grad()
    def _evaluate(self, inputs: Tensor, targets: Tensor) -> Evaluation:
        """Evaluate on sets of examples, (1 or M, n, ...), in chunks."""
        models, count = len(self.configs), inputs.shape[1]
        losses, right = torch.zeros(models, dtype=inputs.dtype), torch.zeros(models, dtype=torch.int64)
        chunk = max(1, EVALUATED_AT_ONCE // models)
        for some, theirs in zip(torch.split(inputs, chunk, 1), torch.split(targets, chunk, 1), strict=True):
            outputs = self._layers.forward(some.expand(models, *some.shape[1:]), is_training=False)
            theirs = theirs.expand(models, *theirs.shape[1:])
            losses += self._loss(outputs, theirs)[0].sum(1) / count
            if self._is_classification:
                right += (outputs.argmax(2) == theirs).sum(1)
        return Evaluation(losses, right / count if self._is_classification else None)


def _built(config: RunConfig) -> nn.Module:
    torch.default_generator.manual_seed(config.seed)  # seeds the CPU only; `torch.manual_seed` is much slower
    return build_model(config)


def _schedule_key(config: RunConfig) -> RunConfig:
    """Return the config with every field reset that its rate factor ignores, so that equal schedules compare equal."""
    ignored = {"memory_limit_mb": None, "memory_margin_mb": 0.0, "target_loss": None, "validate_whole": False}
    return config.replace(seed=0, lr=1.0, **ignored)


@contextmanager
def _default_type(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
