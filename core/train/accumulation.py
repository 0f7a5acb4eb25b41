"""Compare the gradient of one batch with the one its micro-batches accumulate to, the right way and wrong ways.

In float64, where the two agree to rounding or differ for a reason. The model is an MLP 64-32-10 with cross-entropy.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector as flat

from core.run import batching
from core.run.choices.schedules import cosine
from core.words.errors import ConfigError, Problem

LARGEST = 1437  # examples, as many as digits has
UPDATES = 10  # that the cosine is planned for
SWITCHES = ("norm", "dropout", "mean_of_means", "divide_by_full", "schedule_per_micro_batch")
# Seen here, over B and k: at most 2e-16 where the two are equal, and at least 8e-6 where they are not. Rounding cannot
# do more to a sum of 1,437 terms than 1,437 x 1.1e-16 = 1.6e-13 of their mean size.
TOLERANCE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What to compare: B examples in k micro-batches, and what breaks the equality where it is switched on.

    Raises ConfigError unless 2 <= k <= B <= 1,437, and if batch normalisation meets a micro-batch of one example.
    """

    batch_size: int = 60
    micro_batches: int = 4
    norm: bool = False  # BatchNorm1d after the first layer: each micro-batch has its own mean and variance
    dropout: bool = False  # of 20% of the inputs and 50% of the hidden units: each micro-batch draws its own masks
    mean_of_means: bool = False  # each micro-batch's mean weighs 1/k, whatever its share of the examples
    divide_by_full: bool = False  # the last window of an epoch has fewer than k micro-batches and is divided by k
    schedule_per_micro_batch: bool = False  # the schedule is stepped after each micro-batch, not after each update

    def __post_init__(self) -> None:
        _require("batch_size", self.batch_size, high=LARGEST)
        _require("micro_batches", self.micro_batches, high=self.batch_size)
        if self.norm and self.sizes[-1] == 1:
            values = {"examples": self.batch_size, "batch_size": self.sizes[0]}
            raise ConfigError(Problem("batch_norm_of_one" if self.sizes[0] == 1 else "batch_norm_last_of_one", values))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The micro-batches, cut as `torch.chunk` does: ceil(B/k) examples each, and the last what is left.

        They can be fewer than k, 5 examples in 4 are 2, 2 and 1; then their number takes the place of k.
        """
        return batching.window_sizes(self.batch_size, -(-self.batch_size // self.micro_batches), self.micro_batches)[0]


@dataclass(frozen=True)
class LastWindow:
    """The last window of an epoch, with ceil(k/2) micro-batches."""

    micro_batch_sizes: tuple[int, ...]
    ratio: float  # the norm of its gradient as set up over the norm of the right one
    expected_ratio: float


@dataclass(frozen=True)
class Comparison:
    """A full window's gradient as set up against that of one batch; then the last window, and the schedule."""

    micro_batch_sizes: tuple[int, ...]
    max_abs_difference: float  # over all parameters
    largest_gradient: float  # the largest absolute entry of the one-batch gradient
    relative: float  # the norm of the difference over the norm of the one-batch gradient
    equal: bool  # no more than rounding apart
    differences: dict[str, float]  # the largest absolute one by parameter
    last_window: LastWindow
    rates: tuple[float, ...]  # of 10 updates, as shares of the peak rate
    planned_rates: tuple[float, ...]  # the same with one step of the schedule an update


def compare(setup: Setup, *, inputs: Tensor, targets: Tensor, seed: int = 0) -> Comparison:
    """Compare on the first B of inputs (N, 64), float64, and targets (N,), classes 0-9; changes no random state.

    With dropout the two are equal in distribution only, though both draw from the same seed: one batch draws its masks
    layer by layer, micro-batches in turns. (With one dropout layer the CPU drew the same masks for both, seen here.)
    Raises ConfigError if N < B.
    """
    _require("batch_size", setup.batch_size, high=len(inputs))
    inputs, targets = inputs[: setup.batch_size], targets[: setup.batch_size]
    model, sizes = build_model(setup), list(setup.sizes)
    whole = accumulated(model, inputs, targets, sizes=[setup.batch_size], seed=seed)
    weights = mean_of_means(sizes) if setup.mean_of_means else None
    parts = accumulated(model, inputs, targets, sizes=sizes, weights=weights, seed=seed)
    differences = {name: float((parts[name] - whole[name]).abs().max()) for name in whole}
    one, many = flat(whole.values()), flat(parts.values())
    largest = float(one.abs().max())
    # Not `schedules.factor`, which holds the last rate: PyTorch's cosine rises again when it is stepped past its end.
    stride = len(sizes) if setup.schedule_per_micro_batch else 1
    return Comparison(
        micro_batch_sizes=setup.sizes,
        max_abs_difference=max(differences.values()),
        largest_gradient=largest,
        relative=float((many - one).norm() / one.norm()),
        equal=max(differences.values()) <= TOLERANCE * max(1.0, largest),
        differences=differences,
        last_window=_last_window(setup, model, inputs, targets, seed=seed),
        rates=tuple(cosine(update * stride, UPDATES) for update in range(UPDATES)),
        planned_rates=tuple(cosine(update, UPDATES) for update in range(UPDATES)),
    )


def accumulated(
    model: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    *,
    sizes: list[int],
    seed: int,
    weights: list[float] | None = None,
) -> dict[str, Tensor]:
    """Return the gradient that micro-batches of these sizes accumulate to, by parameter; of a single one, one batch's.

    Each mean loss is weighted by its share of the examples, as the trainer does, unless other weights are given.
    """
    model.zero_grad(set_to_none=True)
    weights = weights or [size / len(inputs) for size in sizes]
    chunks, classes = torch.split(inputs, sizes), torch.split(targets, sizes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for chunk, target, weight in zip(chunks, classes, weights, strict=True):
            torch.autograd.backward(cross_entropy(model(chunk), target) * weight)
    return {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}


def mean_of_means(sizes: list[int]) -> list[float]:
    """Return the wrong weights that are all the same: right only where the sizes are."""
    return [1 / len(sizes)] * len(sizes)


def divided_by_full(sizes: list[int], *, full: int) -> list[float]:
    """Return the wrong weights of a fixed divisor, which sum to less than 1 for fewer than `full` micro-batches."""
    return [1 / full] * len(sizes)


def build_model(setup: Setup) -> nn.Module:
    """Return the MLP in float64, with the same weights whatever is switched on."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers: dict[str, nn.Module] = {
            "dropout0": nn.Dropout(0.2) if setup.dropout else nn.Identity(),
            "linear1": nn.Linear(64, 32),
            "norm1": nn.BatchNorm1d(32) if setup.norm else nn.Identity(),
            "relu1": nn.ReLU(),
            "dropout1": nn.Dropout(0.5) if setup.dropout else nn.Identity(),
            "output": nn.Linear(32, 10),
        }
    return nn.Sequential(OrderedDict(layers)).double()


def example_data(count: int) -> tuple[Tensor, Tensor]:
    """Return the first `count` of 1,437 examples: normal inputs (count, 64), and the classes of a linear teacher."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(LARGEST, 64, generator=generator, dtype=torch.float64)
    teacher = torch.randn(64, 10, generator=generator, dtype=torch.float64)
    return inputs[:count], (inputs @ teacher).argmax(1)[:count]


def _last_window(setup: Setup, model: nn.Module, inputs: Tensor, targets: Tensor, *, seed: int) -> LastWindow:
    full = len(setup.sizes)
    sizes = list(setup.sizes[: -(-full // 2)])  # all of the full size, so that only the divisor can be wrong
    inputs, targets = inputs[: sum(sizes)], targets[: sum(sizes)]
    right = accumulated(model, inputs, targets, sizes=sizes, seed=seed)
    weights = divided_by_full(sizes, full=full) if setup.divide_by_full else None
    made = accumulated(model, inputs, targets, sizes=sizes, weights=weights, seed=seed)
    expected = len(sizes) / full if setup.divide_by_full else 1.0
    return LastWindow(tuple(sizes), float(flat(made.values()).norm() / flat(right.values()).norm()), expected)


def _require(field: str, value: int, *, high: int) -> None:
    if not isinstance(value, int) or not 2 <= value <= high:
        code = "out_of_bounds" if isinstance(value, int) else "not_whole"
        raise ConfigError(Problem(code, {"field": field, "value": value, "low": 2, "high": high}))
