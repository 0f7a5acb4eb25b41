"""Describe the training of a custom model: any importable nn.Module of the user, and the shape of its input."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._pytree import tree_leaves

from core.datasets.tensors import Data
from core.run.choices.optimizers import OPTIMIZERS
from core.run.config import margin_problems, usable_bytes
from core.run.fields import FIELD_SPECS, bounds_of
from core.train.checkpointing import checkpoint_segments
from core.train.optimizers import IMPLEMENTATIONS, build_any_optimizer
from core.train.updater import Practice, Updater
from core.words.errors import ConfigError, Problem

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "int64": torch.int64,
    "int32": torch.int32,
}
LOSSES = ("cross_entropy", "mean")
MOST = 1_000_000  # examples in a batch
MATRIX = 2  # dimensions of an output with one row of scores for each example


@dataclass(frozen=True, kw_only=True)
class OwnModel:
    """The training of a custom model. Raises ConfigError for values that cannot be used.

    model           package.module:Factory; calling the factory without arguments returns an nn.Module
    input           the shape of one example, without the batch dimension
    loss            cross_entropy against class 0 (the default), over every position of an output such as (B, T, V) or
                    (B, C, H, W), or mean of all outputs
    implementation  how the optimizer loops over its parameters: fused, foreach, loop, or default for PyTorch's choice

    The other fields are those of RunConfig.
    """

    model: str
    input: tuple[int, ...]
    input_dtype: str = "float32"
    loss: str | None = None
    batch_size: int = 1
    accumulate: int = 1
    optimizer: str = "momentum"
    implementation: str = "default"
    momentum: float = 0.9
    weight_decay: float = 0.0
    memory_limit_mb: float | None = None
    memory_margin_mb: float = 0.0
    checkpointing: bool = False
    precision: str = "float32"
    keep_losses: bool = False
    evaluate_with_grad: bool = False
    zero_in_place: bool = False

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise ConfigError(*problems)

    @property
    def memory_limit_bytes(self) -> int | None:
        return usable_bytes(self.memory_limit_mb, self.memory_margin_mb)

    def factory(self) -> Callable[[], nn.Module]:
        """Import and return the factory of the model. Raises ConfigError with the cause in one line."""
        module, _, name = self.model.partition(":")
        try:
            found: Any = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        except (Exception, SystemExit) as error:  # an import runs arbitrary code
            raise ConfigError(
                Problem("model_not_imported", {"value": self.model, "cause": in_a_line(error)})
            ) from error
        if not callable(found) or isinstance(found, nn.Module):
            raise ConfigError(Problem("model_not_made", {"value": self.model, "found": type(found).__name__}))
        return found  # type: ignore[no-any-return]


OWN_FIELDS = tuple(item.name for item in fields(OwnModel))
OWN_NUMBERS = tuple(name for name in OWN_FIELDS if name in FIELD_SPECS and FIELD_SPECS[name].kind == "number")


class OtherTargets(Exception):
    """The outputs of a model have scores at other positions than the targets. `positions` are those of one example."""

    def __init__(self, positions: tuple[int, ...]) -> None:
        super().__init__(positions)
        self.positions = positions


def updater(
    own: OwnModel, factory: Callable[[], nn.Module], *, examples: int, positions: tuple[int, ...] = ()
) -> Updater:
    """Return an updater for a new model, on data in which one example is expanded to `examples` of them.

    An example has a target at each of `positions`; an update raises OtherTargets if cross-entropy needs others.
    The model is put in training mode first, as a training script does. Raises ConfigError if the model cannot be built
    or has nothing to train.
    """
    torch.manual_seed(0)
    try:
        model = factory()
    except (Exception, SystemExit) as error:
        raise ConfigError(Problem("model_fails", {"value": own.model, "cause": in_a_line(error)})) from error
    if not isinstance(model, nn.Module):
        raise ConfigError(Problem("model_not_a_module", {"value": own.model, "found": type(model).__name__}))
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ConfigError(Problem("model_without_parameters", {"value": own.model}))
    model.train()
    if own.checkpointing:
        checkpoint_segments(model)
    inputs = torch.zeros(1, *own.input, dtype=DTYPES[own.input_dtype]).expand(examples, *own.input)
    targets = torch.zeros(1, *positions, dtype=torch.int64).expand(examples, *positions)
    if own.loss == "mean":
        targets = torch.zeros(1, 0).expand(examples, 0)  # the mean needs no targets
    return Updater(
        model,
        _mean if own.loss == "mean" else partial(_cross_entropy, own.input),
        build_any_optimizer(own.optimizer, parameters, own, implementation=own.implementation),
        Data(inputs, targets, inputs, targets),
        practice=Practice.of(own),
    )


def _cross_entropy(example: tuple[int, ...], output: Any, targets: Tensor) -> Tensor:
    """Return the cross-entropy of scores (B, C), (B, T, C) or (B, C, H, W), for inputs of the shape (B, *example)."""
    if not isinstance(output, Tensor):
        raise ConfigError(Problem("output_not_a_tensor", {"found": type(output).__name__}))
    if not output.is_floating_point() or output.dim() < MATRIX:
        shape = {"dtype": str(output.dtype), "shape": str(tuple(output.shape))}
        raise ConfigError(Problem("output_without_classes", shape))
    is_last = _classes_last(tuple(output.shape[1:]), example)
    positions = tuple(output.shape[1:-1] if is_last else output.shape[2:])
    if tuple(targets.shape[1:]) != positions:
        raise OtherTargets(positions)
    if is_last and positions:
        return functional.cross_entropy(output.flatten(0, -2), targets.flatten())
    return functional.cross_entropy(output, targets)


def _classes_last(output: tuple[int, ...], example: tuple[int, ...]) -> bool:
    """Return whether the classes are the last dimension of an example's output, as over tokens, and not the first.

    They are the last where the other dimensions are the first ones of the input, and the first where the others are the
    last ones of the input, as over pixels. Where neither holds, two dimensions are taken as tokens and classes.
    """
    if len(output) == 1 or output[:-1] in (example, example[:-1]):
        return True
    is_over_pixels = output[1:] == example[1 - len(output) :]
    return not is_over_pixels and len(output) == MATRIX


def _mean(output: Any, targets: Tensor) -> Tensor:
    means = [leaf.mean() for leaf in tree_leaves(output) if isinstance(leaf, Tensor) and leaf.is_floating_point()]
    if not means:
        raise ConfigError(Problem("output_without_floats"))
    return means[0] if len(means) == 1 else torch.stack(means).sum()


def in_a_line(error: BaseException) -> str:
    """Return the type and message of an error in one line."""
    text = " ".join(str(error).partition("Exception raised from")[0].split())  # PyTorch appends a C++ stack trace
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def parse_own(values: Mapping[str, str]) -> OwnModel:
    """Build the description from texts, as on a command line. Raises ConfigError."""
    if not values.get("model"):
        raise ConfigError(Problem("model_not_named", {"value": ""}))
    if not values.get("input"):
        raise ConfigError(Problem("input_missing"))
    return OwnModel(**{name: _read(name, text) for name, text in values.items()})


def _read(name: str, text: str) -> Any:
    try:
        if name == "input":
            return tuple(int(part) for part in text.split(",") if part.strip())
        match FIELD_SPECS[name].kind if name in FIELD_SPECS else None:
            case "whole":
                return int(text)
            case "number":
                return float(text)
            case "flag":
                return text == "true"
    except ValueError:
        pass
    return text


def _problems(own: OwnModel) -> Iterator[Problem]:
    module, colon, name = own.model.partition(":")
    if not (module and colon and name):
        yield Problem("model_not_named", {"value": own.model})
    shape = own.input
    if not isinstance(shape, tuple) or not all(isinstance(size, int) and size > 0 for size in shape):
        yield Problem("input_not_a_shape", {"value": shape if isinstance(shape, str) else ",".join(map(str, shape))})
    optimizer = OPTIMIZERS.get(own.optimizer)
    has_fused = optimizer is None or optimizer.is_fused
    choices: dict[str, Iterable[str]] = {
        "input_dtype": DTYPES,
        "implementation": [name for name in IMPLEMENTATIONS if name != "fused" or has_fused],
        "optimizer": FIELD_SPECS["optimizer"].choices,
        "precision": FIELD_SPECS["precision"].choices,
    }
    for field, allowed in choices.items():
        if getattr(own, field) not in allowed:
            yield Problem("not_a_choice", {"field": field, "value": getattr(own, field), "choices": ", ".join(allowed)})
    if own.loss is not None and own.loss not in LOSSES:
        yield Problem("not_a_choice", {"field": "loss", "value": own.loss, "choices": ", ".join(LOSSES)})
    for field, (low, high) in {"batch_size": (1, MOST), "accumulate": bounds_of("accumulate")}.items():
        value = getattr(own, field)
        if not isinstance(value, int):
            yield Problem("not_whole", {"field": field, "value": value, "low": low, "high": high})
        elif not low <= value <= high:
            yield Problem("out_of_bounds", {"field": field, "value": value, "low": low, "high": high})
    wrong = [*_wrong_numbers(own)]
    yield from wrong or margin_problems(own.memory_limit_mb, own.memory_margin_mb)


def _wrong_numbers(own: OwnModel) -> Iterator[Problem]:
    for field in OWN_NUMBERS:
        value, (lowest, highest) = getattr(own, field), bounds_of(field)
        if value is None and FIELD_SPECS[field].is_optional:
            continue
        if not isinstance(value, float | int) or not math.isfinite(value):
            yield Problem("not_a_number", {"field": field, "value": value, "low": lowest, "high": highest})
        elif not lowest <= value <= highest:
            yield Problem("out_of_bounds", {"field": field, "value": value, "low": lowest, "high": highest})
