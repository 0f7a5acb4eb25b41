"""Define the models, one record each: their layers, the norms they accept and the settings they use. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

from core.run.choices.datasets import DatasetSpec
from core.run.choices.named import Call
from core.run.choices.norms import NONE, NORMS, Layer, Values

CHANNELS = (16, 32)

Layers = Iterator[tuple[str, Call]]  # layers in sequence, each with a readable name


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Every fact about a model.

    code          name in a config, a URL and the store
    layers        builds the layers for a data set, the hidden widths and the normalisation layer, if any
    takes_images  whether an example is (channels, height, width) and not a row
    normalises    the kind of values between the layers; None for a model without a place for a norm
    uses          settings that only this model uses
    """

    code: str
    layers: Callable[[DatasetSpec, tuple[int, ...], Layer | None], Layers]
    takes_images: bool = False
    normalises: Values | None = None
    uses: tuple[str, ...] = ()

    @cached_property
    def norms(self) -> tuple[str, ...]:
        """The norms this model accepts: "none", then in alphabetical order those with a layer for its values."""
        return (NONE, *sorted(code for code, norm in NORMS.items() if self.normalises in norm.layers))

    def input_shape(self, dataset: DatasetSpec) -> tuple[int, ...]:
        """Return the shape of one example as input of this model."""
        return dataset.input_shape if self.takes_images else (prod(dataset.input_shape),)

    def layers_for(self, dataset: DatasetSpec, hidden: tuple[int, ...], norm: str) -> Layers:
        """Return the layers with a norm that this model accepts."""
        layer = NORMS[norm].layers[self.normalises] if self.normalises and norm != NONE else None
        return self.layers(dataset, hidden, layer)


def _linear(dataset: DatasetSpec, hidden: tuple[int, ...], norm: Layer | None) -> Layers:
    bias = dataset.task == "classification" and not dataset.has_constant
    yield "linear", Call("torch.nn.Linear", (prod(dataset.input_shape), dataset.outputs), {"bias": bias})


def _mlp(dataset: DatasetSpec, hidden: tuple[int, ...], norm: Layer | None) -> Layers:
    width = prod(dataset.input_shape)
    for number, wanted in enumerate(hidden, 1):
        yield f"linear{number}", Call("torch.nn.Linear", (width, wanted))
        if norm:
            yield f"norm{number}", norm(wanted)
        yield f"relu{number}", Call("torch.nn.ReLU")
        width = wanted
    yield "output", Call("torch.nn.Linear", (width, dataset.outputs))


def _cnn(dataset: DatasetSpec, hidden: tuple[int, ...], norm: Layer | None) -> Layers:
    channels, height, width = dataset.input_shape
    for number, out in enumerate(CHANNELS, 1):
        yield f"conv{number}", Call("torch.nn.Conv2d", (channels, out, 3), {"padding": 1})
        if norm:
            yield f"norm{number}", norm(out)
        yield f"relu{number}", Call("torch.nn.ReLU")
        yield f"pool{number}", Call("torch.nn.MaxPool2d", (2,))
        channels, height, width = out, height // 2, width // 2
    yield "flatten", Call("torch.nn.Flatten")
    yield "output", Call("torch.nn.Linear", (channels * height * width, dataset.outputs))


MODELS: dict[str, ModelSpec] = {
    spec.code: spec
    for spec in (
        ModelSpec(code="linear", layers=_linear),
        ModelSpec(code="mlp", layers=_mlp, normalises="features", uses=("hidden",)),
        ModelSpec(code="cnn", layers=_cnn, takes_images=True, normalises="channels"),
    )
}


def least_batch_size(model: str, norm: str) -> int:
    """Return the smallest batch size at which a model with this norm can train."""
    return NORMS[norm].least_batch_size(MODELS[model].normalises)
