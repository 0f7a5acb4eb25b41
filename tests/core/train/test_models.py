"""Compare the built-in models with hand-written ones and with parameter counts by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from core.run.choices.datasets import DATASETS
from core.run.choices.models import MODELS
from core.run.config import RunConfig
from core.run.fields import CHOICES
from core.train.models import LOSSES, build_model, input_shape

WITH_NORM = [(model, norm) for model, spec in MODELS.items() for norm in spec.norms]


@pytest.mark.parametrize(
    ("dataset", "model", "norm", "parameters"),
    [
        ("linear", "linear", "none", 32),  # no bias in the regression, as in the true model
        ("digits", "linear", "none", 64 * 10 + 10),
        ("noisy-digits", "linear", "none", 650),
        ("mixture", "linear", "none", 21 * 10),  # no bias, because the constant input acts as one
        ("photos10k", "linear", "none", 2_570),
        ("moons", "linear", "none", 2 * 2 + 2),
        ("spirals", "mlp", "none", 8_770),  # 2 x 128 + 128, 128 x 64 + 64, 64 x 2 + 2
        ("photos10k", "mlp", "none", 41_802),  # 256 x 128 + 128, 128 x 64 + 64, 64 x 10 + 10
        ("photos10k", "mlp", "batch", 41_802 + 2 * (128 + 64)),
        ("photos10k", "mlp", "layer", 41_802 + 2 * (128 + 64)),
        ("linear", "mlp", "none", 12_545),
        ("mixture", "mlp", "none", 11_722),  # 21 x 128 + 128, 128 x 64 + 64, 64 x 10 + 10
        ("noisy-digits", "cnn", "none", 6_090),
        ("digits", "cnn", "none", 6_090),  # 160, 4,640 and 32 x 2 x 2 x 10 + 10
        ("photos10k", "cnn", "none", 9_930),
        ("photos10k", "cnn", "batch", 9_930 + 2 * (16 + 32)),
        ("photos10k", "cnn", "group", 9_930 + 2 * (16 + 32)),
        ("photos10k", "cnn", "layer", 9_930 + 2 * (16 + 32)),
    ],
)
def test_a_model_has_the_number_of_parameters_counted_by_hand(
    dataset: str, model: str, norm: str, parameters: int
) -> None:
    built = build_model(RunConfig(dataset=dataset, model=model, norm=norm))
    assert sum(parameter.numel() for parameter in built.parameters()) == parameters


def norm_layer(model: str, norm: str, channels: int) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm1d(channels) if model == "mlp" else nn.BatchNorm2d(channels)
    if norm == "layer":
        return nn.LayerNorm(channels) if model == "mlp" else nn.GroupNorm(1, channels)
    return nn.GroupNorm(4, channels)


def by_hand(model: str, norm: str) -> nn.Sequential:
    """Return the models for photos10k, written layer by layer."""
    blocks: list[nn.Module]
    if model == "linear":
        return nn.Sequential(nn.Linear(256, 10))
    if model == "mlp":
        blocks = []
        for before, after in ((256, 128), (128, 64)):
            blocks += [nn.Linear(before, after), norm_layer(model, norm, after), nn.ReLU()]
        blocks += [nn.Linear(64, 10)]
    else:
        blocks = []
        for before, after in ((1, 16), (16, 32)):
            convolution = nn.Conv2d(before, after, kernel_size=3, stride=1, padding=1)
            blocks += [convolution, norm_layer(model, norm, after), nn.ReLU(), nn.MaxPool2d(2)]
        blocks += [nn.Flatten(), nn.Linear(32 * 4 * 4, 10)]
    if norm == "none":
        blocks = [block for block in blocks if not isinstance(block, nn.GroupNorm)]
    return nn.Sequential(*blocks)


@pytest.mark.parametrize(("model", "norm"), WITH_NORM)
def test_a_model_computes_what_the_same_layers_written_by_hand_compute(model: str, norm: str) -> None:
    torch.manual_seed(3)
    built = build_model(RunConfig(model=model, norm=norm))
    torch.manual_seed(3)
    written = by_hand(model, norm)
    inputs = torch.randn(6, 1, 16, 16) if model == "cnn" else torch.randn(6, 256)
    assert torch.equal(built(inputs), written(inputs))
    assert torch.equal(built.eval()(inputs), written.eval()(inputs))


def test_every_model_and_every_norm_is_compared() -> None:
    assert set(MODELS) == {model for model, _ in WITH_NORM} == set(CHOICES["model"])
    assert {norm for _, norm in WITH_NORM} == set(CHOICES["norm"])


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_model_returns_one_score_per_class_for_every_example(dataset: str) -> None:
    spec = DATASETS[dataset]
    for name in MODELS if spec.is_image else ("linear", "mlp"):
        config = RunConfig(dataset=dataset, model=name)
        outputs = build_model(config)(torch.randn(5, *spec.input_shape).view(5, *input_shape(config)))
        assert outputs.shape == (5, spec.outputs)


def test_the_mlp_can_have_any_depth_and_widths() -> None:
    model = build_model(RunConfig(dataset="digits", hidden=(7, 5, 3), norm="layer"))
    assert [name for name, _ in model.named_children()] == [
        "linear1",
        "norm1",
        "relu1",
        "linear2",
        "norm2",
        "relu2",
        "linear3",
        "norm3",
        "relu3",
        "output",
    ]
    assert [tuple(p.shape) for name, p in model.named_parameters() if name.startswith(("linear", "output"))] == [
        (7, 64),
        (7,),
        (5, 7),
        (5,),
        (3, 5),
        (3,),
        (10, 3),
        (10,),
    ]


@pytest.mark.parametrize("norm", MODELS["cnn"].norms)
def test_a_cnn_can_train_on_a_batch_of_one(norm: str) -> None:
    model = build_model(RunConfig(dataset="digits", model="cnn", norm=norm, batch_size=1))
    LOSSES["classification"](model(torch.randn(1, 1, 8, 8)), torch.tensor([3])).backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


def test_the_loss_of_a_regression_is_half_the_mean_square_so_that_its_gradient_is_the_residual() -> None:
    output = torch.tensor([[3.0], [1.0]], requires_grad=True)
    loss = LOSSES["regression"](output, torch.tensor([[1.0], [2.0]]))
    assert loss.item() == 1.25  # (4 + 1) / 2 / 2
    loss.backward()
    assert output.grad is not None
    assert output.grad.flatten().tolist() == [1.0, -0.5]  # residuals 2 and -1, over 2 examples


def test_the_loss_of_a_classification_is_the_mean_negative_log_probability() -> None:
    scores = torch.tensor([[0.0, 0.0, 0.0, 0.0], [2.0, 2.0, -100.0, -100.0]])
    loss = LOSSES["classification"](scores, torch.tensor([1, 0]))
    assert loss.item() == pytest.approx((1.3862944 + 0.6931472) / 2)  # log 4 and log 2
