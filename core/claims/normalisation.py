"""Measure what batch normalisation does at each batch size, and whether it helps by reducing the input shift."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from core.datasets.build import build
from core.datasets.tensors import load
from core.run.choices.datasets import DATA
from core.run.config import RunConfig
from core.science.trials import Arm, Exact, Findings, Line, Pair, Progress, Trial
from core.train.trainer import Trainer
from core.words.errors import ConfigError

Kind = Literal["none", "batch", "noisy"]

SIZES = (2, 4, 8, 16, 32, 64)
SMALL, LARGE = 4, 64
BATCHES = 4_000  # batches drawn of each size to measure the scatter of their variance
WITHIN = 4.0  # standard errors that a measurement may be off
DEPTH, WIDTH, RATE, BATCH_SIZE, EPOCHS = 4, 32, 0.2, 64, 5
NOISE_SEED = 1_000  # added to the seed, so that the noise does not change the order of examples
NOISE = 0.5  # largest change of scale and shift, drawn for every unit and update
NORMALISED = RunConfig(
    dataset="digits",
    model="mlp",
    norm="batch",
    optimizer="sgd",
    lr=0.05,
    schedule="constant",
    drop_last=True,
    budget="epochs",
    budget_value=2,
)


def calmer_inputs(seeds: Sequence[int], progress: Progress) -> Findings:
    """Test C11: train a deep network without normalisation, with it, and with it plus noise on its outputs."""
    began = perf_counter()
    ends = {}
    for kind in ("none", "batch", "noisy"):
        ends[kind] = _trained(kind, seeds)
        progress(0.15 * len(ends))
    seconds = perf_counter() - began
    fixed = ("data", "start", "order", "rate", "updates")
    losses = {kind: Arm({"norm": kind}, end.losses) for kind, end in ends.items()}
    shifts = {kind: Arm({"norm": kind}, end.shifts) for kind, end in ends.items()}
    trials: list[Trial] = [
        Pair("thrown_about", "train_loss", fixed, losses["none"], losses["noisy"], "higher", seconds),
        Pair("more_shift", "shift", fixed, shifts["none"], shifts["noisy"], "lower", seconds),
        Pair("normalised", "train_loss", fixed, losses["none"], losses["batch"], "lower", seconds, is_contrast=True),
        _gap(seeds),
    ]
    progress(0.8)
    scatter, lines = _scatter_of_variance(seeds[0])
    trials += [_batch_of_one(), _batch_of_two(seeds[0]), scatter]
    progress(1.0)
    return Findings(trials, lines)


@dataclass(frozen=True)
class _End:
    losses: tuple[float, ...]
    shifts: tuple[float, ...]


def _trained(kind: Kind, seeds: Sequence[int]) -> _End:
    """Train one network for each seed on the digits, side by side; return their losses and input shifts.

    The shift is the change of a unit's mean from one update to the next in standard deviations, averaged over units,
    layers and updates. The loss is that of the whole training set, without noise.
    """
    data = load(build("digits", DATA))
    inputs, targets = data.train_inputs.flatten(1), data.train_targets
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    network = _Network(kind, generators, inputs.shape[1], outputs=10)
    before: list[tuple[Tensor, Tensor]] = []
    shift, updates = torch.zeros(len(seeds)), 0
    for _ in range(EPOCHS):
        order = torch.stack([torch.randperm(len(inputs), generator=generator) for generator in generators])
        for first in range(0, order.shape[1], BATCH_SIZE):
            indices = order[:, first : first + BATCH_SIZE]
            output, seen = network(inputs[indices], noise=kind == "noisy")
            losses = _losses(output, targets[indices])
            gradients = torch.autograd.grad(losses.sum(), network.parameters)
            with torch.no_grad():
                torch._foreach_sub_(network.parameters, gradients, alpha=RATE)
            if before:
                moves = [
                    ((mean - old) / deviation).abs().mean(1)
                    for (mean, _), (old, deviation) in zip(seen, before, strict=True)
                ]
                shift, updates = shift + torch.stack(moves).mean(0), updates + 1
            before = seen
    with torch.no_grad():
        output, _ = network(inputs.expand(len(seeds), -1, -1), noise=False)
        final = _losses(output, targets.expand(len(seeds), -1))
    return _End(tuple(final.tolist()), tuple((shift / updates).tolist()))


def _losses(output: Tensor, targets: Tensor) -> Tensor:
    """Return each network's mean loss (M,): output (M, B, classes), targets (M, B)."""
    return cross_entropy(output.transpose(1, 2), targets, reduction="none").mean(1)


class _Network:
    """M deep networks side by side, each initialised as PyTorch does, from its own generator."""

    def __init__(self, kind: Kind, generators: Sequence[torch.Generator], features: int, *, outputs: int) -> None:
        self.kind, self.generators = kind, generators
        self._noise = [torch.Generator().manual_seed(generator.initial_seed() + NOISE_SEED) for generator in generators]
        widths = [features, *[WIDTH] * DEPTH, outputs]
        self.layers = []
        for wide, out in zip(widths, widths[1:], strict=False):
            bound = 1 / math.sqrt(wide)
            weight, bias = (_drawn(generators, *shape) * bound for shape in ((wide, out), (1, out)))
            self.layers.append((weight.requires_grad_(), bias.requires_grad_()))
        shape = len(generators), 1, WIDTH
        self.scales = [torch.ones(shape, requires_grad=True) for _ in range(DEPTH)] if kind != "none" else []
        self.offsets = [torch.zeros(shape, requires_grad=True) for _ in self.scales]
        self.parameters = [*(part for layer in self.layers for part in layer), *self.scales, *self.offsets]

    def __call__(self, inputs: Tensor, *, noise: bool) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Return outputs (M, B, outputs) for inputs (M, B, features), and mean and deviation of each layer's values."""
        seen, values = [], inputs
        for number, (weight, bias) in enumerate(self.layers):
            values = torch.baddbmm(bias, values, weight)
            if number == DEPTH:
                break
            if self.scales:
                values = (
                    nn.functional.batch_norm(values.transpose(0, 1).flatten(1), None, None, training=True)
                    .view(values.shape[1], values.shape[0], WIDTH)
                    .transpose(0, 1)
                )
                values = values * self.scales[number] + self.offsets[number]
                if noise:
                    scale, offset = (NOISE * _drawn(self._noise, 1, WIDTH) for _ in range(2))
                    values = values * (1 + scale) + offset
            apart = values.detach()
            seen.append((apart.mean(1), apart.std(1) + 1e-3))
            values = values.relu()
        return values, seen


def _drawn(generators: Sequence[torch.Generator], *shape: int) -> Tensor:
    """Return numbers between -1 and 1, (M, *shape)."""
    return torch.stack([2 * torch.rand(shape, generator=generator) - 1 for generator in generators])


def _gap(seeds: Sequence[int]) -> Pair:
    """Compare the gap between training and evaluation mode, on the same weights and examples, for two batch sizes."""
    began = perf_counter()
    arms = [Arm({"batch_size": size}, tuple(_gap_of(size, seed) for seed in seeds)) for size in (SMALL, LARGE)]
    fixed = ("data", "start", "epochs", "rate")
    return Pair("two_modes", "gap", fixed, arms[0], arms[1], "equal", perf_counter() - began, is_contrast=True)


def _gap_of(batch_size: int, seed: int) -> float:
    """Return the gap between a trained network's loss in training mode, batch by batch, and in evaluation mode."""
    config = NORMALISED.replace(batch_size=batch_size, seed=seed)
    trainer = Trainer(config, load(build(config.dataset, DATA)))
    while trainer.updates < trainer.horizon:
        trainer.update(trainer.rate(), torch.zeros(()), torch.zeros(()))
    model, data = trainer.model, trainer.data
    whole = len(data.train_inputs) // batch_size * batch_size
    inputs, targets = data.train_inputs[:whole], data.train_targets[:whole]
    with torch.no_grad():
        batches = inputs.view(-1, batch_size, *inputs.shape[1:])
        # The running averages include these batches too, with the weights unchanged.
        trained = cross_entropy(torch.cat([model(batch) for batch in batches]), targets)
        model.eval()
        return abs(float(trained - cross_entropy(model(inputs), targets)))


def _batch_of_one() -> Exact:
    """Check that PyTorch and RunConfig both reject a batch of one example."""
    began = perf_counter()
    try:
        nn.BatchNorm1d(WIDTH)(torch.ones(1, WIDTH))
        refused = False
    except ValueError:
        refused = True
    try:
        NORMALISED.replace(batch_size=1)
        refused = False
    except ConfigError:
        pass
    return Exact("batch_of_one", (), refused, perf_counter() - began, {}, is_contrast=True)


def _batch_of_two(seed: int) -> Exact:
    """Normalise pairs: a distance D becomes +-(D/2) / sqrt((D/2)^2 + eps), about 1 whatever D was."""
    began = perf_counter()
    generator = torch.Generator().manual_seed(seed)
    norm = nn.BatchNorm1d(WIDTH, affine=False)
    pairs = torch.randn(2, WIDTH, generator=generator) * torch.logspace(0, 2, WIDTH)
    half = (pairs[0] - pairs[1]) / 2
    away = float((norm(pairs)[0] - half / (half.square() + norm.eps).sqrt()).abs().max())
    facts = {"away": away, "smallest": float(norm(pairs).abs().min()), "largest": float(norm(pairs).abs().max())}
    return Exact("batch_of_two", (), away < 1e-5, perf_counter() - began, facts, is_contrast=True)


def _scatter_of_variance(seed: int) -> tuple[Exact, list[Line]]:
    """Measure how the variance of normal batches scatters; in theory by sqrt(2 / (B - 1)) of itself."""
    began = perf_counter()
    generator = torch.Generator().manual_seed(seed)
    law = [math.sqrt(2 / (size - 1)) for size in SIZES]
    measured, errors = [], []
    for size in SIZES:
        variances = torch.randn(BATCHES, size, generator=generator, dtype=torch.float64).var(1)
        halves = variances.view(40, -1)  # parts, whose spread gives the standard error
        parts = halves.std(1) / halves.mean(1)
        measured.append(float(variances.std() / variances.mean()))
        errors.append(float(parts.std() / math.sqrt(len(parts))))
    strays = [abs(seen - true) / error for seen, true, error in zip(measured, law, errors, strict=True)]
    facts = {"batches": BATCHES, "errors": max(strays), "within": WITHIN}
    sizes = tuple(map(float, SIZES))
    lines = [Line("law", sizes, tuple(law)), Line("measured", sizes, tuple(measured), tuple(errors))]
    exact = Exact("scatter", (), max(strays) < WITHIN, perf_counter() - began, facts, is_contrast=True)
    return exact, lines
