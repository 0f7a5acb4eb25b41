"""Count weight updates by hashing the weights, and compare the counts with the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn

from core.datasets.build import build
from core.datasets.tensors import load
from core.run import batching
from core.run.choices.datasets import DATA
from core.run.config import RunConfig
from core.science.trials import Exact, Findings, Line, Progress
from core.train.order import Order
from core.train.trainer import Trainer

ARTICLE_SIZES = (100, 1_000)
COMBINATIONS = 500


def weights_change_with_every_batch(seeds: Sequence[int], progress: Progress) -> Findings:
    """Test C3: hash the weights before and after every micro-batch of one epoch of the digits."""
    config = RunConfig(
        dataset="digits",
        model="linear",
        optimizer="sgd",
        schedule="constant",
        budget="epochs",
        budget_value=1,
        seed=seeds[0],
    )
    trials, lines = [], []
    for arm, accumulate in (("every_batch", 1), ("accumulated", 4)):
        began = perf_counter()
        run = config.replace(accumulate=accumulate)
        changed = list(_changes(run))
        predicted = batching.updates_per_epoch(run.spec.examples, run.batch_size, accumulate)
        facts = {"batches": len(changed), "changes": sum(changed), "predicted": predicted, "accumulate": accumulate}
        holds = all(changed) and sum(changed) == predicted
        trials.append(Exact(arm, ("data", "start", "order"), holds, perf_counter() - began, facts))
        lines.append(_line(arm, changed))
        progress(len(trials) / 3)
    began = perf_counter()
    changed = list(_changes_in_half_precision(config))
    facts = {"batches": len(changed), "changes": sum(changed), "skipped": len(changed) - sum(changed)}
    trials.append(Exact("overflow", ("data", "start"), all(changed), perf_counter() - began, facts))
    lines.append(_line("overflow", changed))
    progress(1.0)
    return Findings(trials, lines)


def _line(name: str, changed: Sequence[bool]) -> Line:
    """Return the cumulative number of weight changes after each batch."""
    counts = np.cumsum(changed, dtype=float).tolist()
    return Line(name, tuple(float(batch) for batch in range(1, len(counts) + 1)), tuple(counts))


def _changes(config: RunConfig) -> Iterator[bool]:
    """Yield for every micro-batch of an epoch whether it changed the weights."""
    trainer = Trainer(config, load(build(config.dataset, DATA)))
    seen: list[bytes] = []
    trainer.model.register_forward_pre_hook(lambda *_: seen.append(_digest(trainer.model)))
    epoch_done = False
    while not epoch_done:
        epoch_done = trainer.update(trainer.rate(), torch.zeros(()), torch.zeros(()))
    seen.append(_digest(trainer.model))
    for before, after in zip(seen, seen[1:], strict=False):
        yield before != after


def _changes_in_half_precision(config: RunConfig) -> Iterator[bool]:
    """Yield for every batch of an epoch in float16 whether it changed the weights.

    Gradients of so few bits need a scaled loss. Here the initial scale is too high: the gradients overflow, and
    PyTorch's own scaler skips the step and halves its scale.
    """
    data = load(build(config.dataset, DATA))
    torch.manual_seed(config.seed)
    model = nn.Linear(data.train_inputs[0].numel(), config.spec.outputs)
    optimizer = torch.optim.SGD(model.parameters(), lr=config.lr)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**20)
    size = config.batch_size
    for first in range(0, len(data.train_inputs), size):
        inputs, targets = data.train_inputs[first : first + size], data.train_targets[first : first + size]
        before = _digest(model)
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.float16):
            loss = nn.functional.cross_entropy(model(inputs.flatten(1)), targets)
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.step(optimizer)
        scaler.update()
        yield before != _digest(model)


def _digest(model: nn.Module) -> bytes:
    return sha256(b"".join(parameter.detach().numpy().tobytes() for parameter in model.parameters())).digest()


def updates_of_an_epoch(seeds: Sequence[int], progress: Progress) -> Findings:
    """Test C4: train the article's two epochs and count updates, then simulate epochs of random shapes."""
    began = perf_counter()
    counted: dict[int, int] = {}
    for size in ARTICLE_SIZES:
        config = RunConfig(batch_size=size, budget="epochs", budget_value=1, seed=seeds[0])
        trainer = Trainer(config, load(build(config.dataset, DATA)))
        epoch_done = False
        while not epoch_done:
            epoch_done = trainer.update(trainer.rate(), torch.zeros(()), torch.zeros(()))
        counted[size] = trainer.updates
        progress(0.4 * len(counted))
    examples = config.spec.examples
    holds = all(updates * size == examples for size, updates in counted.items())
    facts: dict[str, Any] = {f"updates_{size}": updates for size, updates in counted.items()}
    table = Exact("article_table", ("examples", "epochs"), holds, perf_counter() - began, facts)

    began = perf_counter()
    dealt, generator = [], np.random.default_rng(seeds[0])
    for _ in range(COMBINATIONS):
        n, k = int(generator.integers(1, 2_001)), int(generator.integers(1, 9))
        size, drop_last = int(generator.integers(1, n + 1)), bool(generator.integers(2))
        predicted = batching.updates_per_epoch(n, size, k, drop_last=drop_last)
        config = RunConfig(batch_size=size, accumulate=k, drop_last=drop_last and predicted > 0, seed=seeds[0])
        predicted = batching.updates_per_epoch(n, size, k, drop_last=config.drop_last)
        dealt.append((_windows(Order(config, n)), predicted, n / size))
    right = sum(windows == predicted for windows, predicted, _ in dealt)
    plain = sum(windows == ratio for windows, _, ratio in dealt)
    facts = {"combinations": COMBINATIONS, "formula": right, "plain": plain}
    seconds = perf_counter() - began
    general = Exact("any_sizes", ("epochs",), right == COMBINATIONS, seconds, facts, is_contrast=True)
    progress(1.0)
    sizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]
    law = [float(batching.updates_per_epoch(examples, size)) for size in sizes]
    lines = [
        Line("law", tuple(map(float, sizes)), tuple(law)),
        Line("measured", tuple(map(float, counted)), tuple(map(float, counted.values()))),
    ]
    return Findings([table, general], lines)


def _windows(order: Order) -> int:
    """Return the number of windows in an epoch of an order."""
    count = 0
    while True:
        count += 1
        if order.advance():
            return count
