"""Compare gradient accumulation with a backward pass written in NumPy and with PyTorch's own cosine."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR

from core.train.accumulation import (
    LARGEST,
    SWITCHES,
    GradientComparison,
    Setup,
    accumulated,
    build_model,
    compare,
    example_data,
)
from core.words.errors import ConfigError

INPUTS, TARGETS = example_data(LARGEST)
RAGGED: dict[str, Any] = {"batch_size": 50, "micro_batches": 4}  # 13, 13, 13 and 11


def comparison(**setup: Any) -> GradientComparison:
    return compare(Setup(**setup), inputs=INPUTS, targets=TARGETS)


def by_hand(inputs: Tensor, targets: Tensor) -> dict[str, Any]:
    """Return the gradient of the mean cross-entropy by the chain rule, in NumPy."""
    weights = {name: value.numpy() for name, value in build_model(Setup()).state_dict().items()}
    x, rows = inputs.numpy(), np.arange(len(targets))
    hidden = np.maximum(x @ weights["linear1.weight"].T + weights["linear1.bias"], 0)
    scores = hidden @ weights["output.weight"].T + weights["output.bias"]
    error = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    error[rows, targets.numpy()] -= 1
    error /= len(targets)
    behind = error @ weights["output.weight"] * (hidden > 0)
    return {
        "linear1.weight": behind.T @ x,
        "linear1.bias": behind.sum(axis=0),
        "output.weight": error.T @ hidden,
        "output.bias": error.sum(axis=0),
    }


# Sizes and validation.


def test_all_micro_batches_but_the_last_have_the_same_size() -> None:
    assert Setup(batch_size=60, micro_batches=4).sizes == (15, 15, 15, 15)
    assert Setup(batch_size=50, micro_batches=4).sizes == (13, 13, 13, 11)
    assert Setup(batch_size=2, micro_batches=2).sizes == (1, 1)
    assert Setup(batch_size=5, micro_batches=4).sizes == (2, 2, 1)


@st.composite
def cuts(draw: st.DrawFn) -> tuple[int, int]:
    batch_size = draw(st.integers(2, LARGEST))
    return batch_size, draw(st.integers(2, batch_size))


@given(cuts())
def test_micro_batches_are_those_of_pytorchs_chunk(cut: tuple[int, int]) -> None:
    batch_size, micro_batches = cut
    expected = tuple(len(chunk) for chunk in torch.arange(batch_size).chunk(micro_batches))
    assert Setup(batch_size=batch_size, micro_batches=micro_batches).sizes == expected


@pytest.mark.parametrize(
    ("setup", "code", "values"),
    [
        ({"batch_size": 1_438}, "out_of_bounds", {"field": "batch_size", "value": 1_438, "low": 2, "high": 1_437}),
        ({"batch_size": 1}, "out_of_bounds", {"field": "batch_size", "value": 1, "low": 2, "high": 1_437}),
        ({"micro_batches": 1}, "out_of_bounds", {"field": "micro_batches", "value": 1, "low": 2, "high": 60}),
        ({"micro_batches": 61}, "out_of_bounds", {"field": "micro_batches", "value": 61, "low": 2, "high": 60}),
        ({"batch_size": 60.5}, "not_whole", {"field": "batch_size", "value": 60.5, "low": 2, "high": 1_437}),
        ({"micro_batches": 60, "norm": True}, "batch_norm_of_one", {"examples": 60, "batch_size": 1}),
        (
            {"batch_size": 7, "micro_batches": 3, "norm": True},
            "batch_norm_last_of_one",
            {"examples": 7, "batch_size": 3},
        ),
    ],
)
def test_an_invalid_setup_is_refused(setup: dict[str, Any], code: str, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        Setup(**setup)
    (problem,) = caught.value.problems
    assert (problem.code, problem.values) == (code, values)
    assert str(caught.value)  # fails if the catalogue has no sentence for the problem


def test_micro_batches_of_one_example_work_without_batch_normalisation() -> None:
    assert comparison(micro_batches=60).equal


def test_a_batch_larger_than_the_data_is_refused() -> None:
    with pytest.raises(ConfigError, match="batch_size must be between 2 and 59, got 60"):
        compare(Setup(), inputs=INPUTS[:59], targets=TARGETS[:59])


# The gradient.


@pytest.mark.parametrize("batch_size", [2, 3, 7, 50, 60, 97, 500, LARGEST])
@pytest.mark.parametrize("micro_batches", [2, 3, 4, 7, 16])
def test_micro_batches_weighted_by_size_give_the_gradient_of_one_batch(batch_size: int, micro_batches: int) -> None:
    seen = comparison(batch_size=batch_size, micro_batches=min(batch_size, micro_batches))
    assert seen.equal
    assert seen.max_abs_difference <= 1e-12
    assert seen.relative <= 1e-12


def test_the_gradient_equals_the_one_from_the_chain_rule() -> None:
    ours = accumulated(build_model(Setup()), INPUTS[:50], TARGETS[:50], sizes=[13, 13, 13, 11], seed=0)
    theirs = by_hand(INPUTS[:50], TARGETS[:50])
    assert list(ours) == list(theirs)
    for name, gradient in ours.items():
        np.testing.assert_allclose(gradient.numpy(), theirs[name], rtol=0, atol=1e-14)


def test_a_mean_of_means_is_wrong_by_the_error_of_equal_weights() -> None:
    seen = comparison(**RAGGED, mean_of_means=True)
    chunks = list(zip(INPUTS[:50].split(13), TARGETS[:50].split(13), strict=True))
    parts = [by_hand(inputs, targets) for inputs, targets in chunks]
    whole = by_hand(INPUTS[:50], TARGETS[:50])
    missed = {
        name: sum((1 / 4 - len(targets) / 50) * part[name] for (_, targets), part in zip(chunks, parts, strict=True))
        for name in whole
    }
    expected = {name: float(np.abs(difference).max()) for name, difference in missed.items()}
    assert seen.differences == pytest.approx(expected, rel=1e-9)
    assert seen.max_abs_difference == pytest.approx(max(expected.values()), rel=1e-9)
    assert seen.largest_gradient == pytest.approx(max(np.abs(gradient).max() for gradient in whole.values()), rel=1e-9)
    norms = [np.sqrt(sum(float(np.square(gradient).sum()) for gradient in each.values())) for each in (missed, whole)]
    assert seen.relative == pytest.approx(norms[0] / norms[1], rel=1e-9)
    assert not seen.equal


def test_a_mean_of_means_is_right_where_all_micro_batches_have_the_same_size() -> None:
    assert comparison(batch_size=60, micro_batches=4, mean_of_means=True).equal


def test_batch_normalisation_over_micro_batches_changes_the_gradient() -> None:
    seen = comparison(norm=True)
    assert not seen.equal
    assert seen.relative > 0.01


def test_batch_normalisation_agrees_where_every_micro_batch_has_the_same_statistics() -> None:
    # All four micro-batches hold the same 15 examples.
    seen = compare(Setup(norm=True), inputs=INPUTS[:15].repeat(4, 1), targets=TARGETS[:15].repeat(4))
    assert seen.equal


@pytest.mark.parametrize("micro_batches", [2, 4, 7, 60])
def test_dropout_draws_different_masks_from_the_same_seed(micro_batches: int) -> None:
    seen = comparison(micro_batches=micro_batches, dropout=True)
    assert not seen.equal
    assert seen.relative > 0.01
    assert seen == comparison(micro_batches=micro_batches, dropout=True)


@pytest.mark.slow
def test_dropout_is_equal_on_average_over_seeds() -> None:
    setup = Setup(**RAGGED, dropout=True)
    model, count = build_model(setup), 400
    differences = []
    for seed in range(count):
        ways = [
            accumulated(model, INPUTS[:50], TARGETS[:50], sizes=sizes, seed=seed) for sizes in ([50], list(setup.sizes))
        ]
        one, many = (torch.cat([gradient.flatten() for gradient in way.values()]) for way in ways)
        differences.append(many - one)
    drawn = torch.stack(differences)
    # If the difference is pure chance, the square of its mean is about its variance over the number of seeds.
    assert float(drawn.mean(0).square().sum()) < 1.5 * float(drawn.var(0).sum()) / count
    assert float(drawn.var(0).sum()) > 0


# The last window, and the schedule.


@pytest.mark.parametrize(
    ("batch_size", "micro_batches", "sizes", "factor"),
    [
        (60, 4, (15, 15), 1 / 2),
        (60, 3, (20, 20), 2 / 3),
        (60, 2, (30,), 1 / 2),
        (50, 4, (13, 13), 1 / 2),
        (50, 7, (8, 8, 8, 8), 4 / 7),
        (5, 4, (2, 2), 2 / 3),  # a full window has three micro-batches here
    ],
)
@pytest.mark.parametrize("other", [{}, {"norm": True}, {"dropout": True}, {"mean_of_means": True}])
def test_a_short_last_window_divided_by_k_is_too_small_by_the_missing_share(
    batch_size: int, micro_batches: int, sizes: tuple[int, ...], factor: float, other: dict[str, bool]
) -> None:
    if batch_size == 5 and "norm" in other:
        return  # batch normalisation refuses a last micro-batch of one example
    size = {"batch_size": batch_size, "micro_batches": micro_batches}
    window = comparison(**size, divide_by_full=True, **other).last_window
    assert window.micro_batch_sizes == sizes
    assert (window.ratio, window.expected_ratio) == pytest.approx((factor, factor), rel=1e-12)
    window = comparison(**size, **other).last_window
    assert (window.micro_batch_sizes, window.ratio, window.expected_ratio) == (sizes, 1.0, 1.0)


def pytorch_rates(steps_per_update: int) -> list[float]:
    """Return the rates of 10 updates when PyTorch's own cosine is stepped several times after each."""
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = CosineAnnealingLR(optimizer, T_max=10)
    rates = []
    for _ in range(10):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        for _ in range(steps_per_update):
            scheduler.step()
    return rates


@pytest.mark.parametrize("micro_batches", [2, 3, 4, 10, 20, 60])
def test_a_schedule_stepped_after_each_micro_batch_runs_k_times_too_fast(micro_batches: int) -> None:
    seen = comparison(micro_batches=micro_batches, schedule_per_micro_batch=True)
    assert seen.planned_rates == pytest.approx(pytorch_rates(1), abs=1e-9)
    assert seen.rates == pytest.approx(pytorch_rates(micro_batches), abs=1e-9)


def test_a_schedule_stepped_twice_per_update_reaches_zero_halfway_and_rises_again() -> None:
    rates = comparison(micro_batches=2, schedule_per_micro_batch=True).rates
    assert rates[5] == pytest.approx(0, abs=1e-12)
    assert rates[9] == pytest.approx(rates[1])


# The switches.


def test_every_boolean_of_the_setup_is_a_switch_and_off_by_default() -> None:
    assert tuple(field.name for field in fields(Setup) if field.default is False) == SWITCHES


@pytest.mark.parametrize("switch", [None, *SWITCHES])
def test_a_switch_breaks_its_own_part_and_nothing_else(switch: str | None) -> None:
    seen = comparison(**RAGGED, **({switch: True} if switch else {}))
    broken = {
        "gradient": not seen.equal,
        "last window": seen.last_window.ratio != pytest.approx(1),
        "schedule": seen.rates != seen.planned_rates,
    }
    parts = {None: None, "divide_by_full": "last window", "schedule_per_micro_batch": "schedule"}
    part = parts.get(switch, "gradient")
    assert [name for name, value in broken.items() if value] == ([part] if part else [])


def test_a_comparison_holds_plain_numbers() -> None:
    written = json.loads(json.dumps(asdict(comparison(**RAGGED))))
    assert written["micro_batch_sizes"] == [13, 13, 13, 11]
    assert written["equal"] is True
    assert set(written["differences"]) == {"linear1.weight", "linear1.bias", "output.weight", "output.bias"}
    assert written["last_window"] == {"micro_batch_sizes": [13, 13], "ratio": 1.0, "expected_ratio": 1.0}
    assert len(written["rates"]) == len(written["planned_rates"]) == 10


@pytest.mark.parametrize("dropout", [False, True])
def test_comparing_changes_no_random_state(dropout: bool) -> None:
    before = torch.get_rng_state()
    comparison(dropout=dropout)
    assert torch.equal(torch.get_rng_state(), before)


def test_example_data_are_normal_inputs_with_every_class_and_the_same_each_time() -> None:
    assert (INPUTS.shape, INPUTS.dtype, TARGETS.shape) == ((1_437, 64), torch.float64, (1_437,))
    assert (float(INPUTS.mean()), float(INPUTS.std())) == pytest.approx((0, 1), abs=0.02)
    assert TARGETS.unique().tolist() == list(range(10))
    fewer, their_targets = example_data(60)
    assert torch.equal(fewer, INPUTS[:60])
    assert torch.equal(their_targets, TARGETS[:60])
