"""The paths of networks' weights in a plane, with the measured loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector

from core.comparison.paths import WeightPaths
from core.comparison.setup import compared
from core.comparison.weight_paths import weight_paths
from core.datasets.tensors import Data
from core.run.config import RunConfig
from core.train.trainer import Trainer
from core.words.errors import ConfigError

Datasets = Callable[[str], Data]

DIGITS = RunConfig(dataset="digits", hidden=(8,), batch_size=200, budget="epochs", budget_value=3, seed=4)


@pytest.fixture(scope="module")
def followed(datasets: Datasets) -> tuple[WeightPaths, list[float]]:
    shares: list[float] = []
    comparison = compared([DIGITS, DIGITS.replace(batch_size=50)], seeds=1)
    return weight_paths(comparison, datasets("digits"), shares.append), shares


def trained(config: RunConfig, data: Data, updates: int) -> Trainer:
    trainer = Trainer(config, data)
    while trainer.updates < updates:
        trainer.update(trainer.rate(), torch.zeros(()), torch.zeros(()))
    return trainer


def loss_of(trainer: Trainer, examples: int) -> float:
    every = len(trainer.data.train_inputs) // 1_000
    inputs, targets = trainer.data.train_inputs[::every], trainer.data.train_targets[::every]
    assert len(inputs) == examples
    with torch.no_grad():
        return float(cross_entropy(trainer.model(inputs), targets))


def test_each_mark_has_the_true_loss_of_the_weights_at_that_update(
    followed: tuple[WeightPaths, list[float]], datasets: Datasets
) -> None:
    paths, _ = followed
    for config, path in zip((DIGITS, DIGITS.replace(batch_size=50)), paths.paths, strict=True):
        for number in (0, len(path.updates) // 2, -1):
            trainer = trained(config, datasets("digits"), path.updates[number])
            assert path.loss[number] == pytest.approx(loss_of(trainer, paths.examples), rel=1e-5)
    assert paths.paths[0].updates == list(range(25))
    assert paths.paths[1].updates[-1] == 87


def test_the_plane_equals_that_of_a_singular_value_decomposition(
    followed: tuple[WeightPaths, list[float]], datasets: Datasets
) -> None:
    paths, _ = followed
    rows = []
    for config, path in zip((DIGITS, DIGITS.replace(batch_size=50)), paths.paths, strict=True):
        trainer = Trainer(config, datasets("digits"))
        for updates in path.updates:
            while trainer.updates < updates:
                trainer.update(trainer.rate(), torch.zeros(()), torch.zeros(()))
            rows.append(parameters_to_vector(trainer.parameters).detach().double().numpy())
    snapshots = np.array(rows)
    apart = snapshots - snapshots.mean(axis=0)
    left, values, right = np.linalg.svd(apart, full_matrices=False)
    np.testing.assert_allclose(paths.shares, (values**2 / (values**2).sum())[:2], rtol=1e-6)
    drawn = np.array([[x, y] for path in paths.paths for x, y in zip(path.x, path.y, strict=True)])
    np.testing.assert_allclose(np.abs(drawn), np.abs(left[:, :2] * values[:2]), atol=1e-5)
    # The loss of the plane at the last mark of the first path is that of the projected weights.
    trainer = Trainer(DIGITS, datasets("digits"))
    last = len(paths.paths[0].x) - 1
    inside = snapshots.mean(axis=0) + (apart[last] @ right[:2].T) @ right[:2]
    torch.nn.utils.vector_to_parameters(torch.from_numpy(inside).float(), trainer.parameters)
    assert paths.paths[0].plane_loss[last] == pytest.approx(loss_of(trainer, paths.examples), rel=1e-4)
    assert paths.paths[0].plane_loss[last] != pytest.approx(paths.paths[0].loss[last], rel=1e-3)


def test_both_paths_begin_at_one_place_and_lie_within_the_grid(followed: tuple[WeightPaths, list[float]]) -> None:
    paths, shares = followed
    one, other = paths.paths
    assert (one.x[0], one.y[0]) == pytest.approx((other.x[0], other.y[0]))
    for path in paths.paths:
        assert paths.x[0] < min(path.x)
        assert max(path.x) < paths.x[-1]
        assert paths.y[0] < min(path.y)
        assert max(path.y) < paths.y[-1]
    assert np.isfinite(paths.losses).all()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert WeightPaths.from_dict(paths.to_dict()) == paths


def test_a_path_ends_where_the_run_diverges(datasets: Datasets) -> None:
    wild = DIGITS.replace(lr=1_000.0)
    paths = weight_paths(compared([wild, DIGITS], seeds=1), datasets("digits"), lambda share: None)
    assert len(paths.paths[0].updates) < len(paths.paths[1].updates)
    assert np.isfinite(paths.paths[0].loss).all()


def test_arms_with_different_models_are_refused(datasets: Datasets) -> None:
    with pytest.raises(ConfigError, match="these differ in hidden"):
        weight_paths(compared([DIGITS, DIGITS.replace(hidden=(16,))]), datasets("digits"), lambda share: None)


def test_batch_normalisation_is_refused(datasets: Datasets) -> None:
    config = RunConfig(dataset="digits", hidden=(16,), norm="batch", budget="updates", budget_value=4)
    with pytest.raises(ConfigError) as caught:
        weight_paths(compared([config, config.replace(lr=0.1)], budget="updates"), datasets("digits"), lambda _: None)
    assert [problem.code for problem in caught.value.problems] == ["weights_not_all"]


def test_a_plateau_follows_every_evaluation_and_the_memory_limit_is_ignored(datasets: Datasets) -> None:
    config = DIGITS.replace(schedule="plateau", lr=3.0, budget_value=12, memory_limit_mb=1.0)
    paths = weight_paths(compared([config, DIGITS], seeds=1), datasets("digits"), lambda _: None)
    trainer = Trainer(config.replace(memory_limit_mb=None), datasets("digits"))
    while trainer.updates < paths.paths[0].updates[-1]:
        if trainer.update(trainer.rate(), torch.zeros(()), torch.zeros(())):
            trainer.note_evaluation(trainer.evaluate())
    assert trainer.rate() < 3.0  # the plateau lowered it
    assert paths.paths[0].loss[-1] == pytest.approx(loss_of(trainer, paths.examples), rel=1e-5)
