"""Check the records of models and norms: valid combinations, and the smallest batch size of each."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from core.run.choices.models import MODELS, least_batch_size
from core.run.choices.norms import NORMS
from core.run.config import RunConfig
from core.train.models import build_model, input_shape

PAIRS = [(model, norm) for model, spec in MODELS.items() for norm in spec.norms]


@pytest.mark.parametrize(
    ("model", "norms"),
    [
        ("linear", ("none",)),
        ("mlp", ("none", "batch", "layer")),
        ("cnn", ("none", "batch", "group", "layer")),
    ],
)
def test_a_model_accepts_the_norms_that_have_a_layer_for_its_values(model: str, norms: tuple[str, ...]) -> None:
    assert MODELS[model].norms == norms


def test_every_model_and_every_norm_is_tested() -> None:
    assert {model for model, _ in PAIRS} == set(MODELS)
    assert {norm for _, norm in PAIRS} == set(NORMS)


@pytest.mark.parametrize(("model", "norm"), PAIRS)
def test_a_model_trains_at_the_smallest_batch_size_of_its_record_and_not_below(model: str, norm: str) -> None:
    config = RunConfig(dataset="digits", model=model, norm=norm, drop_last=True)
    network, least = build_model(config), least_batch_size(model, norm)
    network(torch.randn(least, *input_shape(config)))
    if least > 1:
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            network(torch.randn(least - 1, *input_shape(config)))


@pytest.mark.parametrize(("model", "norm"), PAIRS)
def test_a_norm_mixes_examples_if_it_has_running_statistics(model: str, norm: str) -> None:
    network = build_model(RunConfig(dataset="digits", model=model, norm=norm))
    assert any(True for _ in network.buffers()) == NORMS[norm].mixes_examples


@pytest.mark.parametrize(("model", "norm"), PAIRS)
def test_a_model_without_a_norm_has_no_norm_layer(model: str, norm: str) -> None:
    layers = build_model(RunConfig(dataset="digits", model=model, norm=norm)).children()
    normal = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)
    assert any(isinstance(layer, normal) for layer in layers) == (norm != "none")
