"""Check that losses and weights equal those of a plain PyTorch loop bit for bit."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset

from core.datasets.tensors import Data
from core.run.config import RunConfig
from core.run.events import Ended
from tests.campaign import campaign

DIGITS = RunConfig(dataset="digits", batch_size=100, budget_value=3, seed=5)
Batches = list[tuple[Tensor, Tensor]]
Run = Callable[..., Any]


def model_of(config: RunConfig) -> nn.Module:
    inputs, last = (64, 2) if config.dataset == "digits" else (256, 4)
    if config.model == "linear":
        return nn.Sequential(nn.Flatten(), nn.Linear(inputs, 10))
    if config.model == "mlp":
        first, second = (nn.BatchNorm1d(128), nn.BatchNorm1d(64)) if config.norm == "batch" else [nn.Identity()] * 2
        return nn.Sequential(
            *(nn.Flatten(), nn.Linear(inputs, 128), first, nn.ReLU()),
            *(nn.Linear(128, 64), second, nn.ReLU(), nn.Linear(64, 10)),
        )
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * last * last, 10)),
    )


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": SGD,
    "momentum": lambda parameters, **options: SGD(parameters, momentum=0.9, **options),
    "nesterov": lambda parameters, **options: SGD(parameters, momentum=0.9, nesterov=True, **options),
    "adam": Adam,
    "adamw": AdamW,
}


def share_of_the_rate(config: RunConfig, total: int) -> Callable[[int], float]:
    """Return the rate at an update as a share of its peak: a warm-up, then a cosine."""
    warm = round(config.warmup * total)

    def share(t: int) -> float:
        if t < warm:
            return (t + 1) / warm
        return (1 + math.cos(math.pi * (t - warm) / (total - warm))) / 2

    return share


def windows(loader: DataLoader[Any], config: RunConfig) -> Iterator[Batches]:
    batches = iter(loader)
    while window := list(islice(batches, config.accumulate)):
        if len(window) == config.accumulate or not config.drop_last:
            yield window


def train(config: RunConfig, data: Data, *, fused: bool | None) -> tuple[list[float], list[float], list[Tensor]]:
    """Return the loss and the gradient norm of every update, and the final weights."""
    torch.manual_seed(config.seed)
    model = model_of(config)
    options = {"lr": config.lr, "weight_decay": config.weight_decay, "fused": fused}
    optimizer = OPTIMIZERS[config.optimizer](model.parameters(), **options)
    order = torch.Generator().manual_seed(config.seed)
    dataset = TensorDataset(data.train_inputs, data.train_targets)

    def loader() -> DataLoader[Any]:
        indices = torch.randperm(len(dataset), generator=order).tolist()
        return DataLoader(dataset, config.batch_size, sampler=indices, drop_last=config.drop_last)

    epochs = int(config.budget_value)
    batches = len(dataset) / config.batch_size
    rounded = math.floor if config.drop_last else math.ceil
    total = epochs * rounded(rounded(batches) / config.accumulate)
    scheduler = LambdaLR(optimizer, share_of_the_rate(config, total))
    losses, norms = [], []
    for _ in range(epochs):
        for window in windows(loader(), config):
            examples = sum(len(inputs) for inputs, _ in window)
            optimizer.zero_grad()
            loss_of_update = torch.zeros(())
            for inputs, targets in window:
                loss = nn.functional.cross_entropy(model(inputs), targets) * (len(inputs) / examples)
                loss.backward()
                loss_of_update += loss.detach()
            norms.append(float(nn.utils.clip_grad_norm_(model.parameters(), math.inf)))
            optimizer.step()
            scheduler.step()
            losses.append(loss_of_update.item())
    assert len(losses) == total
    return losses, norms, [parameter.detach() for parameter in model.parameters()]


SAME = {
    f"digits, k={k}{', drop_last' if drop_last else ''}": DIGITS.replace(accumulate=k, drop_last=drop_last)
    for k in (1, 3, 4, 7)  # 15 batches, the last of 37 examples: windows of 3 x 5, 4 + 4 + 4 + 3 and 7 + 7 + 1
    for drop_last in (False, True)
} | {
    "digits, Adam": DIGITS.replace(optimizer="adamw", lr=0.003, weight_decay=0.05, accumulate=4),
    "digits, Nesterov, warm-up": DIGITS.replace(optimizer="nesterov", warmup=0.25),
    "digits, BatchNorm": DIGITS.replace(norm="batch", accumulate=4, weight_decay=0.01),
    "digits, CNN": DIGITS.replace(model="cnn", accumulate=4, optimizer="adam", lr=0.003, warmup=0.1),
    "digits, CNN, drop_last": DIGITS.replace(model="cnn", accumulate=3, drop_last=True),
    "photos, one batch": DIGITS.replace(dataset="photos10k", batch_size=10_000),
    "photos": DIGITS.replace(dataset="photos10k", batch_size=100, budget_value=2, warmup=0.1),
    "photos, k=3": DIGITS.replace(dataset="photos10k", batch_size=256, accumulate=3, optimizer="adamw", lr=0.003),
    "photos, CNN": DIGITS.replace(dataset="photos10k", batch_size=300, accumulate=4, model="cnn", budget_value=1),
}


LONGER = ["photos, one batch", "photos, k=3", "photos, CNN"]


@pytest.mark.parametrize("name", [*(name for name in SAME if name not in LONGER), *campaign(LONGER)])
def test_losses_and_weights_equal_those_of_a_plain_loop_bit_for_bit(name: str, run: Run, datasets: Any) -> None:
    config = SAME[name]
    losses, norms, weights = train(config, datasets(config.dataset), fused=True)
    recorded = run(config)
    ended: Ended = recorded.ended
    assert (ended.state, ended.updates) == ("finished", len(losses))
    as_float32 = np.array(losses, dtype="<f4")
    assert recorded.column("losses").tobytes() == as_float32.tobytes()
    assert ended.losses_sha256 == hashlib.sha256(as_float32.tobytes()).hexdigest()
    for ours, theirs in zip(recorded.trainer.model.parameters(), weights, strict=True):
        assert torch.equal(ours, theirs)
    assert recorded.column("gradient_norms") == pytest.approx(norms, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "model"),
    [*((name, "mlp") for name in OPTIMIZERS), ("adamw", "cnn"), *campaign((name, "cnn") for name in OPTIMIZERS)],
)
def test_with_pytorchs_default_optimizers_the_first_50_losses_agree_to_a_thousandth(
    name: str, model: str, run: Run, datasets: Any
) -> None:
    lr = {"sgd": 0.2, "adam": 0.003, "adamw": 0.003}.get(name, 0.05)
    config = DIGITS.replace(optimizer=name, model=model, lr=lr, budget_value=4)
    losses, _, _ = train(config, datasets("digits"), fused=None)
    recorded = run(config).column("losses")
    assert len(losses) == 60
    assert recorded[:50] == pytest.approx(losses[:50], rel=1e-3)
    assert recorded[49] < recorded[0] / 2  # the model has learned, so the agreement means something
