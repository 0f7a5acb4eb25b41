"""Check from which learning rate on a run is not expected to learn: where it is given, and that it is true."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch

from core.comparison.trainings import open_training
from core.datasets.tensors import Data
from core.run.cautions import cautions
from core.run.choices.datasets import DATASETS
from core.run.config import RunConfig, planned_updates
from core.run.rates import HEAVY, MOMENTUM, NEVER, PLAIN, SIZES, limits, reached_limit
from core.train.trainer import Trainer
from tests.campaign import campaign

Datasets = Callable[[str], Data]
CONSTANT = RunConfig(schedule="constant", momentum=MOMENTUM)


def measured(size: int, momentum: float) -> float:
    """Return the measured rate at any batch size and momentum, from NumPy's interpolation of logarithms."""
    plain, heavy = (np.interp(np.log(size), np.log(SIZES), np.log(rates)) for rates in (PLAIN, HEAVY))
    return float(np.exp(plain + (heavy - plain) * np.log(1 - momentum) / np.log(1 - MOMENTUM)))


def test_a_caution_is_given_exactly_where_the_rate_reaches_what_was_measured() -> None:
    for size, momentum, share in product(
        (1, 7, 10, 33, 100, 640, 10_000), (0.0, 0.5, 0.9), (0.2, 0.99, 1.01, 1.9, 2.1)
    ):
        rate = measured(size, momentum) * share
        config = CONSTANT.replace(batch_size=size, momentum=momentum, lr=rate)
        given = [caution.code for caution in cautions(config, None) if caution.code.startswith("rate_")]
        assert given == (["rate_all_fail"] if share >= NEVER else ["rate_some_fail"] if share >= 1 else [])
        plain = reached_limit(config.replace(optimizer="sgd"))  # plain SGD has no momentum, whatever the field says
        assert (plain is not None) == (rate >= measured(size, 0.0))


def test_the_effective_batch_size_counts() -> None:
    assert limits(CONSTANT.replace(batch_size=10, accumulate=10)) == limits(CONSTANT.replace(batch_size=100))


def test_networks_with_a_norm_and_other_data_have_only_the_higher_limit() -> None:
    for changes in ({"norm": "layer"}, {"norm": "batch"}, {"dataset": "moons"}):
        (limit,) = limits(CONSTANT.replace(batch_size=100, **changes))  # type: ignore[arg-type]
        assert (limit.effect, limit.rate) == ("all_fail_elsewhere", pytest.approx(7.0))
    assert limits(CONSTANT.replace(optimizer="adam")) == []


@pytest.mark.parametrize("name", DATASETS)
def test_the_curvature_in_the_record_is_that_of_the_data(name: str, datasets: Datasets) -> None:
    """At zero weights the Hessian of a softmax over K classes has X'X/N / K as its largest block, and half the squared
    error has X'X/N."""
    spec, inputs = DATASETS[name], datasets(name).train_inputs.flatten(1).double()
    if not spec.has_constant:
        inputs = torch.cat([inputs, torch.ones(len(inputs), 1, dtype=torch.float64)], 1)
    largest = float(torch.linalg.eigvalsh(inputs.T @ inputs / len(inputs))[-1])
    assert spec.curvature == pytest.approx(largest / spec.outputs, rel=1e-3)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_a_linear_regression_settles_just_below_the_limit_and_diverges_just_above(
    optimizer: str, datasets: Datasets
) -> None:
    config = CONSTANT.replace(dataset="linear", model="linear", batch_size=10_000, optimizer=optimizer)
    (limit,) = limits(config)
    ends = {}
    for share in (0.9, 1.1):
        trainer = Trainer(config.replace(lr=share * limit.rate), datasets("linear"))
        losses, norm = torch.zeros(60), torch.zeros(())
        for loss in losses:
            trainer.update(trainer.rate(), loss, norm)
        ends[share] = float(losses[-1] / losses[0])
    assert ends[0.9] < 0.5
    assert ends[1.1] > 10


@pytest.mark.parametrize(("dataset", "rate"), [("photos10k", 0.3), *campaign([("digits", 1.2)])])
def test_a_linear_classifier_may_learn_well_above_its_limit(dataset: str, rate: float, datasets: Datasets) -> None:
    examples = DATASETS[dataset].examples
    config = CONSTANT.replace(dataset=dataset, model="linear", batch_size=examples, optimizer="sgd", lr=rate)
    (limit,) = limits(config)
    assert limit.effect == "curvature_at_start"
    assert rate > 1.9 * limit.rate
    trainer, norm = Trainer(config, datasets(dataset)), torch.zeros(())
    losses = torch.zeros(150)
    for loss in losses:
        trainer.update(rate, loss, norm)
    assert losses[-1] < losses[0] / 3


def did_not_learn(size: int, optimizer: str, rate: float, datasets: Datasets, seeds: int = 3) -> list[bool]:
    """Train five epochs with each seed; return whether each kept more than half of the loss of guessing."""
    configs = [
        CONSTANT.replace(batch_size=size, optimizer=optimizer, lr=rate, seed=seed, memory_limit_mb=None)
        for seed in range(seeds)
    ]
    training = open_training(configs, datasets("photos10k"))
    for _ in range(planned_updates(configs[0]) or 0):
        training.update()
    losses = training.validation()[0]
    return [not loss < np.log(10) / 2 for loss in losses.tolist()]


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_no_run_learns_from_the_higher_measured_rate_on(optimizer: str, datasets: Datasets) -> None:
    rate = NEVER * (HEAVY if optimizer == "momentum" else PLAIN)[-1]
    assert did_not_learn(SIZES[-1], optimizer, rate, datasets) == [True] * 3


@pytest.mark.campaign
@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
@pytest.mark.parametrize("size", SIZES)
def test_the_measured_rates_are_those_from_which_runs_fail(size: int, optimizer: str, datasets: Datasets) -> None:
    rate = (HEAVY if optimizer == "momentum" else PLAIN)[SIZES.index(size)]
    assert not any(did_not_learn(size, optimizer, rate / 2, datasets))
    assert any(did_not_learn(size, optimizer, rate * np.sqrt(2), datasets))  # at the limit itself, rounding decides
    assert all(did_not_learn(size, optimizer, NEVER * rate, datasets))
