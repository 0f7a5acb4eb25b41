"""Compare ensembles with the same runs trained one by one with PyTorch's own optimizers and autograd."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from core.ensemble import Ensemble, pieces
from core.run.config import RunConfig
from tests.campaign import campaign
from tests.core.ensemble.singly import EXAMPLES, Singly, default_type, random_data, updates_of

UPDATES = 500
MLP = RunConfig(dataset="digits", hidden=(12, 7), batch_size=16, lr=0.02, budget="updates", budget_value=UPDATES)
LINEAR, CNN = MLP.replace(model="linear"), MLP.replace(model="cnn", batch_size=4, lr=0.005)

# Every choice at least once: models and norms, optimizers with and without decay, schedules and warm-ups, windows of
# one and several micro-batches with and without short ones at the end, and both kinds of sampling.
RUNS: dict[str, RunConfig] = {
    "mlp": MLP,
    "one hidden layer": MLP.replace(hidden=(9,), schedule="constant"),
    "layer norm": MLP.replace(norm="layer", optimizer="adam", lr=0.002, schedule="linear", accumulate=3),
    "batch norm": MLP.replace(norm="batch", optimizer="sgd", schedule="step", drop_last=True),
    "batch norm, windows": MLP.replace(norm="batch", batch_size=17, accumulate=2, optimizer="nesterov"),
    "decoupled decay": MLP.replace(optimizer="adamw", lr=0.002, weight_decay=0.1, sampling="iid", schedule="one-cycle"),
    "decay in adam": MLP.replace(optimizer="adam", lr=0.002, weight_decay=0.1, schedule="wsd", warmup=0.1),
    "decay in sgd": LINEAR.replace(optimizer="sgd", weight_decay=0.1, schedule="exponential", warmup=0.3),
    "whole windows": LINEAR.replace(optimizer="nesterov", accumulate=4, drop_last=True, weight_decay=0.01),
    "short windows": LINEAR.replace(optimizer="nesterov", momentum=0.0, accumulate=4, sampling="iid", batch_size=7),
    "one window": LINEAR.replace(batch_size=EXAMPLES, momentum=0.5),
    "batches of one": LINEAR.replace(batch_size=1, lr=0.001),
    "regression": LINEAR.replace(dataset="linear", accumulate=2, optimizer="adam"),
    "no bias": LINEAR.replace(
        dataset="mixture", schedule_batch_size=40, schedule="linear", budget="epochs", budget_value=5
    ),
    "in the plane": MLP.replace(dataset="moons", optimizer="nesterov"),
    "cnn": CNN.replace(accumulate=2),
    "cnn, batch norm": CNN.replace(norm="batch", optimizer="sgd", sampling="iid"),
    "cnn, group norm": CNN.replace(norm="group", optimizer="adamw", lr=0.002, drop_last=True),
    "cnn, layer norm": CNN.replace(norm="layer", optimizer="nesterov", weight_decay=0.01),
}


def members(config: RunConfig) -> list[RunConfig]:
    """Return three runs of one shape that differ in seed and rate."""
    return [config.replace(seed=seed, lr=config.lr * share) for seed, share in ((0, 1.0), (7, 0.3), (3, 1.2))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "updates"), [*((name, 30) for name in RUNS), *campaign((name, UPDATES) for name in RUNS)]
)
def test_an_ensemble_equals_its_runs_trained_one_by_one(name: str, updates: int) -> None:
    config = RUNS[name]
    if config.budget == "updates":
        config = config.replace(budget_value=updates)  # the schedules run to their ends
    updates = min(updates, 50) if config.budget == "epochs" else updates
    configs, data = members(config), random_data(config)
    singly = Singly(configs, [data] * 3, updates)
    ensemble = Ensemble(configs, data)
    step = updates_of(ensemble, updates)
    torch.testing.assert_close(step.losses, singly.losses, rtol=1e-10, atol=0)
    torch.testing.assert_close(step.gradient_norms, singly.gradient_norms, rtol=1e-10, atol=0)
    for ours, theirs in zip(ensemble.parameters, singly.weights(), strict=True):
        assert (ours - theirs).norm() <= 1e-10 * theirs.norm()
    validation = ensemble.evaluate_validation()
    evaluated = torch.tensor([evaluation.loss for evaluation in singly.evaluations], dtype=torch.float64)
    torch.testing.assert_close(validation.losses, evaluated, rtol=1e-10, atol=0)
    accuracies = [evaluation.accuracy for evaluation in singly.evaluations]
    assert (accuracies[0] is None) == (validation.accuracies is None)
    if validation.accuracies is not None:
        assert validation.accuracies.tolist() == pytest.approx(accuracies)
    assert (ensemble.updates, ensemble.examples_seen) == (updates, singly.trainers[0].examples_seen)
    assert ensemble.horizon == singly.trainers[0].horizon


FLOAT32 = ["layer norm", "short windows", "regression", "cnn, batch norm"]


@pytest.mark.parametrize("name", [*FLOAT32, *campaign(name for name in RUNS if name not in FLOAT32)])
def test_float32_losses_stay_close_to_those_of_single_runs(name: str) -> None:
    configs, data = members(RUNS[name]), random_data(RUNS[name], torch.float32)
    singly = Singly(configs, [data] * 3, 50)
    step = updates_of(Ensemble(configs, data), 50)
    assert step.losses.dtype == torch.float32
    torch.testing.assert_close(step.losses, singly.losses, rtol=1e-4, atol=0)


def test_every_run_has_its_own_schedule_and_warm_up() -> None:
    own: tuple[dict[str, Any], ...] = (
        {"schedule": "cosine", "warmup": 0.2, "lr": 0.1},
        {"schedule": "linear", "schedule_batch_size": 64},
        {"schedule": "one-cycle", "memory_limit_mb": 1.0, "target_loss": 0.1},
        {"schedule": "cosine", "warmup": 0.2, "validate_whole": True},
    )
    configs = [MLP.replace(budget="epochs", budget_value=20, seed=seed, **each) for seed, each in enumerate(own)]
    data = random_data(MLP)
    singly, ensemble = Singly(configs, [data] * 4, 200), Ensemble(configs, data)
    for update in range(200):
        assert ensemble.rates().tolist() == singly.rates[update].tolist()
        losses = ensemble.update().losses
        torch.testing.assert_close(losses, singly.losses[update], rtol=1e-10, atol=0)


def test_an_update_can_use_rates_other_than_the_schedules() -> None:
    configs, data = members(RUNS["decoupled decay"]), random_data(MLP)
    constant = [
        config.replace(schedule="constant", lr=lr) for config, lr in zip(configs, (0.001, 1e-8, 0.003), strict=True)
    ]
    singly, ensemble = Singly(constant, [data] * 3, 20), Ensemble(configs, data)
    losses = [ensemble.update(torch.tensor([0.001, 1e-8, 0.003], dtype=torch.float64)).losses for _ in range(20)]
    torch.testing.assert_close(torch.stack(losses), singly.losses, rtol=1e-10, atol=0)


def test_pieces_of_any_size_give_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    configs, data = [MLP.replace(norm="layer", optimizer="adamw", seed=seed) for seed in range(5)], random_data(MLP)
    singly = Singly(configs, [data] * 5, 20)
    for models in (1, 2, 4):  # the last piece is shorter
        monkeypatch.setattr(
            pieces, "PIECE_BYTES", models * 64 * 12 * 8
        )  # for the first layer; smaller parameters are one piece
        ensemble = Ensemble(configs, data, geometry=True)
        step = updates_of(ensemble, 20)
        torch.testing.assert_close(step.gradient_norms, singly.gradient_norms, rtol=1e-10, atol=0)
        for ours, theirs in zip(ensemble.parameters, singly.weights(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("config", [MLP, CNN], ids=["rows", "images"])
def test_every_run_can_have_its_own_data(config: RunConfig) -> None:
    configs = members(config)
    sets = [random_data(config, seed=seed) for seed in range(3)]
    singly, ensemble = Singly(configs, sets, 40), Ensemble(configs, sets)
    step = updates_of(ensemble, 40)
    torch.testing.assert_close(step.losses, singly.losses, rtol=1e-10, atol=0)
    evaluated = [evaluation.loss for evaluation in singly.evaluations]
    assert ensemble.evaluate_validation().losses.tolist() == pytest.approx(evaluated, rel=1e-10)


def test_training_starts_from_given_weights() -> None:
    configs, data = members(MLP), random_data(MLP)
    generator = torch.Generator().manual_seed(5)
    shapes = [parameter.shape[1:] for parameter in Ensemble(configs, data).parameters]
    start = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]  # the same for all
    start[2] = torch.randn(3, *shapes[2], generator=generator, dtype=torch.float64)  # one for each
    start[3] = torch.zeros(1, dtype=torch.float64)
    ensemble = Ensemble(configs, data, start=start)
    for parameter, values in zip(ensemble.parameters, start, strict=True):
        assert torch.equal(parameter, values.expand_as(parameter))
    singly = Singly(configs, [data] * 3, 40, start=start)
    torch.testing.assert_close(updates_of(ensemble, 40).losses, singly.losses, rtol=1e-10, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlp", "cnn, batch norm", "regression", "decoupled decay"])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, 1e200])
def test_a_run_that_diverges_does_not_affect_the_others(name: str, bad: float) -> None:
    config = RUNS[name]
    configs, data = members(config), random_data(config)
    singly, ensemble = Singly(configs, [data] * 3, 20), Ensemble(configs, data)
    for parameter in ensemble.parameters:
        parameter[1].fill_(bad)
    step = updates_of(ensemble, 20)
    healthy = [0, 2]
    assert not step.losses[-1, 1].isfinite()
    torch.testing.assert_close(step.losses[:, healthy], singly.losses[:, healthy], rtol=1e-10, atol=0)
    torch.testing.assert_close(step.gradient_norms[:, healthy], singly.gradient_norms[:, healthy], rtol=1e-10, atol=0)


def test_a_run_with_a_rate_far_too_high_diverges_as_it_does_alone() -> None:
    config = RUNS["regression"].replace(optimizer="sgd", schedule="constant")
    configs, data = [config, config.replace(lr=1000.0)], random_data(config)
    singly = Singly(configs, [data] * 2, 100)
    step = updates_of(Ensemble(configs, data), 100)
    assert singly.losses.isfinite().all(0).tolist() == [True, False]
    torch.testing.assert_close(step.losses, singly.losses, rtol=1e-10, atol=0, equal_nan=True)


@pytest.mark.parametrize(
    "name", ["mlp", "layer norm", "decoupled decay", "decay in sgd", "whole windows", "cnn, group norm", "regression"]
)
def test_lengths_and_cosines_describe_the_changes_of_the_weights(name: str) -> None:
    configs, data = members(RUNS[name]), random_data(RUNS[name])
    ensemble, without = Ensemble(configs, data, geometry=True), Ensemble(configs, data)

    def weights() -> torch.Tensor:
        return torch.cat([parameter.flatten(1) for parameter in ensemble.parameters], 1)

    before, change_before = weights(), None
    for update in range(12):
        step = ensemble.update()
        assert step.lengths is not None
        assert step.cosines is not None
        change = weights() - before
        before = weights()
        torch.testing.assert_close(step.lengths, change.norm(dim=1), rtol=1e-9, atol=0)
        if change_before is None:
            assert step.cosines.isnan().all()
        else:
            cosines = torch.cosine_similarity(change, change_before, dim=1)
            torch.testing.assert_close(step.cosines, cosines, rtol=0, atol=1e-9)
        change_before = change
        plain = without.update()
        assert torch.equal(plain.losses, step.losses)  # measuring geometry changes nothing
        assert plain.lengths is plain.cosines is None
        assert update == ensemble.updates - 1


def test_a_change_of_zero_has_no_angle() -> None:
    config = MLP.replace(optimizer="sgd", schedule="linear", budget="epochs", budget_value=2)
    configs = [config.replace(schedule_batch_size=1_000), config]  # the rate of the first run is 0 after 4 updates
    ensemble = Ensemble(configs, random_data(MLP), geometry=True)
    step = updates_of(ensemble, 8)
    assert step.lengths is not None
    assert step.cosines is not None
    assert (step.lengths > 0).T.tolist() == [[True] * 4 + [False] * 4, [True] * 8]
    assert step.cosines.isnan().T.tolist() == [[True] + [False] * 3 + [True] * 4, [True] + [False] * 7]


def test_cosines_of_changes_along_a_line_never_exceed_one() -> None:
    config = LINEAR.replace(optimizer="sgd", schedule="constant", batch_size=EXAMPLES, lr=1e-6)
    configs = [config.replace(seed=seed) for seed in range(16)]
    step = updates_of(Ensemble(configs, random_data(config, torch.float32), geometry=True), 20)
    assert step.cosines is not None
    assert step.cosines[1:].min() > 0.999
    assert step.cosines[1:].max() <= 1


def test_any_set_is_evaluated_as_by_a_single_model() -> None:
    configs, data, other = members(RUNS["batch norm"]), random_data(MLP), random_data(MLP, seed=9)
    singly, ensemble = Singly(configs, [data] * 3, 20), Ensemble(configs, data)
    updates_of(ensemble, 20)
    sets = (
        (ensemble.evaluate_training(), data),
        (ensemble.evaluate(other.train_inputs, other.train_targets), other),
    )
    for evaluation, examples in sets:
        for number, trainer in enumerate(singly.trainers):
            with trainer.unseen():
                outputs = trainer.model(examples.train_inputs.flatten(1))
            loss = cross_entropy(outputs, examples.train_targets)
            right = (outputs.argmax(1) == examples.train_targets).double().mean()
            torch.testing.assert_close(evaluation.losses[number], loss, rtol=1e-10, atol=0)
            assert evaluation.accuracies is not None
            assert evaluation.accuracies[number].item() == pytest.approx(right.item())
    again = Ensemble(configs, data)
    updates_of(again, 20)
    assert torch.equal(again.update().losses, ensemble.update().losses)  # evaluation changed nothing


def test_building_an_ensemble_does_not_change_random_state_or_default_dtype() -> None:
    torch.rand(5)  # no seed alone gives this random state
    before = torch.get_rng_state()
    with default_type(torch.float32):
        ensemble = Ensemble(members(MLP), random_data(MLP))
        assert torch.get_default_dtype() == torch.float32
    assert ensemble.parameters[0].dtype == torch.float64
    ensemble.update()
    assert torch.equal(torch.get_rng_state(), before)
