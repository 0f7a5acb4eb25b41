"""Compare the live ledger with PyTorch's own record of every allocation."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch

from core.run.choices import models
from core.run.config import RunConfig
from core.run.fields import CHOICES
from core.train.trainer import Trainer
from tests.campaign import campaign
from tests.core.memory.records import profiled_peak, resting_bytes, unwatched

Resize = Callable[..., None]
MakeTrainer = Callable[..., Trainer]

MODELS = [(model, norm) for model, spec in models.MODELS.items() for norm in spec.norms]
SMALL = 4_096  # bytes


def workspaces(config: RunConfig, make_trainer: MakeTrainer) -> list[tuple[int, int]]:
    """Return (ledger's peak, bytes only in the profile) of the first update, the second and an evaluation."""
    batch_size = config.batch_size
    window = (torch.arange(batch_size),) * config.accumulate
    watched = make_trainer(config)
    loss, norm = torch.zeros(()), torch.zeros(())

    def verbs(trainer: Trainer) -> list[Callable[[], object]]:
        return [
            lambda: trainer.update_on(window, loss, norm),
            lambda: trainer.update_on(window, loss, norm),
            lambda: trainer.evaluate_chunk(0, batch_size),
        ]

    for verb in verbs(watched):
        verb()
    ledgers = [timeline.peak().bytes for timeline in watched.timelines.values()]
    plain = unwatched(make_trainer(config))
    profiles = [resting_bytes(plain) + profiled_peak(verb) for verb in verbs(plain)]
    return [(ledger, profiled - ledger) for ledger, profiled in zip(ledgers, profiles, strict=True)]


@pytest.mark.parametrize(
    ("model", "norm", "optimizer"),
    [
        ("linear", "none", "sgd"),
        ("linear", "none", "nesterov"),
        ("mlp", "none", "momentum"),
        ("mlp", "batch", "adam"),
        ("mlp", "layer", "adamw"),
        *campaign((*row, optimizer) for row in MODELS if row[0] != "cnn" for optimizer in CHOICES["optimizer"]),
    ],
)
def test_the_profiler_records_what_the_ledger_records_and_hardly_more(
    model: str, norm: str, optimizer: str, resize: Resize, make_trainer: MakeTrainer
) -> None:
    for batch_size in (2 if norm == "batch" else 1, 7, 100, 1_000):
        resize("photos10k", 2 * batch_size, batch_size)
        config = RunConfig(model=model, norm=norm, optimizer=optimizer, batch_size=batch_size, lr=1e-3)
        for ledger, workspace in workspaces(config, make_trainer):
            assert 0 <= workspace <= max(ledger // 100, SMALL)


@pytest.mark.parametrize(
    ("norm", "optimizer", "batch_size"),
    [
        ("none", "adam", 1_000),
        ("batch", "momentum", 100),
        ("group", "adam", 100),
        ("layer", "momentum", 100),
        *campaign(product(models.MODELS["cnn"].norms, ("momentum", "adam"), (100, 1_000))),
    ],
)
def test_3x3_convolutions_need_less_than_one_percent_of_workspace(
    norm: str, optimizer: str, batch_size: int, resize: Resize, make_trainer: MakeTrainer
) -> None:
    resize("photos10k", 2 * batch_size, batch_size)
    config = RunConfig(model="cnn", norm=norm, optimizer=optimizer, batch_size=batch_size, lr=1e-3)
    for ledger, workspace in workspaces(config, make_trainer):
        assert 0 <= workspace <= ledger // 100


@pytest.mark.parametrize(
    ("norm", "batch_size"), [("none", 7), ("batch", 1), *campaign(product(models.MODELS["cnn"].norms, (1, 7)))]
)
def test_the_workspace_of_a_small_convolution_does_not_grow_with_the_batch(
    norm: str, batch_size: int, resize: Resize, make_trainer: MakeTrainer
) -> None:
    resize("photos10k", 2 * batch_size, batch_size)
    config = RunConfig(model="cnn", norm=norm, batch_size=batch_size, lr=1e-3)
    for _, workspace in workspaces(config, make_trainer):
        assert 0 <= workspace <= 32_768


@pytest.mark.parametrize(("model", "norm"), MODELS)
def test_the_profiler_agrees_on_windows_of_three_and_on_a_regression(
    model: str, norm: str, make_trainer: MakeTrainer
) -> None:
    dataset = "digits" if model == "cnn" else "linear"
    config = RunConfig(dataset=dataset, model=model, norm=norm, batch_size=200, accumulate=3, lr=1e-3)
    for ledger, workspace in workspaces(config, make_trainer):
        assert 0 <= workspace <= max(ledger // 100, SMALL)
