"""Compare the gradient of one batch with the gradient accumulated over its micro-batches, correctly and incorrectly.

The computation runs in float64, where the two agree to rounding error unless something breaks the equality. The model
is a 64-32-10 MLP with cross-entropy.
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

LARGEST = 1437  # examples, the size of the digits training set
UPDATES = 10  # length of the cosine schedule
SWITCHES = ("norm", "dropout", "mean_of_means", "divide_by_full", "schedule_per_micro_batch")
# Measured over many B and k, the difference is at most 2e-16 where the gradients are equal and at least 8e-6 where they
# are not. Rounding a sum of 1,437 terms costs at most 1,437 x 1.1e-16 = 1.6e-13 of their mean size.
TOLERANCE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Setup:
    """B examples split into k micro-batches, and switches that each break the equality.

    Raises ConfigError unless 2 <= k <= B <= 1,437, and if batch normalisation would get a micro-batch of one example.
    """

    batch_size: int = 60
    micro_batches: int = 4
    norm: bool = False  # BatchNorm1d after the first layer: each micro-batch has its own mean and variance
    dropout: bool = False  # 20% of the inputs and 50% of the hidden units: each micro-batch draws its own masks
    mean_of_means: bool = False  # each micro-batch's mean is weighted 1/k, whatever its share of the examples
    divide_by_full: bool = False  # the last window of an epoch has fewer than k micro-batches but is divided by k
    schedule_per_micro_batch: bool = False  # the schedule advances after each micro-batch, not after each update

    def __post_init__(self) -> None:
        _require("batch_size", self.batch_size, high=LARGEST)
        _require("micro_batches", self.micro_batches, high=self.batch_size)
        if self.norm and self.sizes[-1] == 1:
            values = {"examples": self.batch_size, "batch_size": self.sizes[0]}
            raise ConfigError(Problem("batch_norm_of_one" if self.sizes[0] == 1 else "batch_norm_last_of_one", values))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the micro-batches, split as by `torch.chunk`: ceil(B/k) examples each and the rest in the last.

        There can be fewer than k: splitting 5 examples into 4 gives 2, 2 and 1. Their actual number then replaces k.
        """
        return batching.window_sizes(self.batch_size, -(-self.batch_size // self.micro_batches), self.micro_batches)[0]


@dataclass(frozen=True)
class LastWindow:
    """The last window of an epoch, with ceil(k/2) micro-batches."""

    micro_batch_sizes: tuple[int, ...]
    ratio: float  # norm of the gradient as set up / norm of the correct gradient
    expected_ratio: float


@dataclass(frozen=True)
class GradientComparison:
    """The accumulated gradient of a full window against that of one batch, the last window, and the schedule."""

    micro_batch_sizes: tuple[int, ...]
    max_abs_difference: float  # over all parameters
    largest_gradient: float  # largest absolute entry of the one-batch gradient
    relative: float  # norm of the difference / norm of the one-batch gradient
    equal: bool  # the two differ by rounding error at most
    differences: dict[str, float]  # largest absolute difference, by parameter
    last_window: LastWindow
    rates: tuple[float, ...]  # learning rates of 10 updates, as fractions of the peak rate
    planned_rates: tuple[float, ...]  # the same if the schedule advances once per update


def compare(setup: Setup, *, inputs: Tensor, targets: Tensor, seed: int = 0) -> GradientComparison:
    """Compare the two gradients on the first B examples of `inputs` (N, 64), float64, and `targets` (N,), classes 0-9.

    With dropout the two are equal in distribution only, although both use the same seed: a single batch draws one mask
    per layer, while micro-batches draw theirs in turn. (With a single dropout layer the CPU drew the same masks for
    both.) Random state does not change. Raises ConfigError if N < B.
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
    # `schedules.factor` would hold the last rate, but PyTorch's cosine rises again when it is stepped past its end.
    stride = len(sizes) if setup.schedule_per_micro_batch else 1
    return GradientComparison(
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
    """Return the gradient accumulated over micro-batches of these sizes, by parameter name.

    Each mean loss is weighted by its share of the examples, as in the trainer, unless `weights` are given.
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
    """Return the common wrong weights 1/k, which are correct only if all micro-batches have the same size."""
    return [1 / len(sizes)] * len(sizes)


def divided_by_full(sizes: list[int], *, full: int) -> list[float]:
    """Return the wrong weights 1/`full`, which sum to less than 1 for fewer than `full` micro-batches."""
    return [1 / full] * len(sizes)


def build_model(setup: Setup) -> nn.Module:
    """Return the MLP in float64; its initial weights do not depend on the switches."""
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
    """Return the first `count` of 1,437 examples: normal inputs (count, 64) and classes from a linear teacher."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(LARGEST, 64, generator=generator, dtype=torch.float64)
    teacher = torch.randn(64, 10, generator=generator, dtype=torch.float64)
    return inputs[:count], (inputs @ teacher).argmax(1)[:count]


def _last_window(setup: Setup, model: nn.Module, inputs: Tensor, targets: Tensor, *, seed: int) -> LastWindow:
    full = len(setup.sizes)
    sizes = list(setup.sizes[: -(-full // 2)])  # these all have the full size, so only the divisor can be wrong
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
