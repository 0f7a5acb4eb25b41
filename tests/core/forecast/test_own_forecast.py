"""Eight custom models: tensors to the byte, and workspace by PyTorch's own record."""

from __future__ import annotations

import itertools
import math
from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from core.forecast import own_forecast
from core.forecast.own_forecast import OwnForecast
from core.forecast.own_model import OtherTargets, OwnModel, _cross_entropy, updater
from core.run.timeline import peak_of
from core.train.updater import Updater
from tests.campaign import campaign
from tests.core.forecast.own_models import MODELS
from tests.core.memory.records import profiled_peak, resting_bytes, unwatched

HERE = "tests.core.forecast.own_models"
SMALL = 4_096
SIZES = (1, 3, 64, 513)
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")
# Ways to train: batch size, micro-batches, checkpointing, precision.
WAYS = list(itertools.product(SIZES, (1, 3), (False, True), ("float32", "bfloat16")))
# Each model is trained in one way. Together they cover every value; the campaign covers all combinations.
SHORT_FORMS = [
    ("Recurrent", "sgd", [(513, 1, True, "float32")]),
    ("Transformer", "sgd", [(64, 1, False, "bfloat16")]),
    ("residual", "adam", [(3, 1, True, "float32")]),
    ("depthwise", "momentum", [(3, 3, False, "float32")]),
    ("strided", "sgd", [(513, 1, True, "bfloat16")]),
    ("wide_kernels", "momentum", [(64, 1, False, "bfloat16")]),
    ("Tied", "adam", [(3, 3, True, "bfloat16")]),
    ("Custom", "adamw", [(1, 1, True, "bfloat16")]),
]
ALL_FORMS = [(name, optimizer, WAYS) for name in MODELS for optimizer in OPTIMIZERS]


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every batch to measure its workspace, however busy the machine is."""
    monkeypatch.setattr(own_forecast, "VERIFY_S", 1_000.0)


def own(name: str, **changes: Any) -> OwnModel:
    shape, dtype = MODELS.get(name, ((40,), "float32"))
    return OwnModel(model=f"{HERE}:{name}", input=shape, input_dtype=dtype, **changes)


def train(trainer: Updater, own: OwnModel) -> None:
    """Make two updates and evaluate a chunk."""
    window = (torch.zeros(own.batch_size, dtype=torch.int64),) * own.accumulate
    for _ in range(2):
        trainer.update_on(window, torch.zeros(()), None)
    trainer.evaluate_chunk(0, own.batch_size)


def recorded_bytes(own: OwnModel) -> int:
    """Return the most bytes in use by PyTorch's record of two updates and an evaluation, from before any gradient."""
    plain = unwatched(updater(own, own.factory(), examples=own.batch_size))
    before = resting_bytes(plain)
    return before + profiled_peak(partial(train, plain, own))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "optimizer", "ways"), [*SHORT_FORMS, *campaign(ALL_FORMS)])
def test_tensors_are_predicted_to_the_byte_and_workspace_as_pytorch_records_it(
    name: str, optimizer: str, ways: list[tuple[int, int, bool, str]]
) -> None:
    for batch_size, accumulate, checkpointing, precision in ways:
        described = own(
            name,
            optimizer=optimizer,
            batch_size=batch_size,
            accumulate=accumulate,
            checkpointing=checkpointing,
            precision=precision,
        )
        check(described)


@pytest.mark.parametrize(("name", "shape", "dtype"), [("Language", (12,), "int64"), ("segments", (3, 8, 8), "float32")])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_cross_entropy_over_tokens_and_over_pixels_has_the_peak_of_a_plain_training_loop(
    name: str, shape: tuple[int, ...], dtype: str, optimizer: str
) -> None:
    described = OwnModel(
        model=f"{HERE}:{name}", input=shape, input_dtype=dtype, batch_size=70, optimizer=optimizer, momentum=0.0
    )
    forecast = OwnForecast(described)
    inputs = torch.zeros(70, *shape, dtype=getattr(torch, dtype))
    targets = torch.zeros(70, *(shape if name == "Language" else shape[1:]), dtype=torch.int64)
    model = described.factory()()
    kinds = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}
    rule = kinds[optimizer](model.parameters(), lr=1e-3)

    def update() -> None:
        rule.zero_grad()
        output = model(inputs)
        if name == "Language":
            output = output.flatten(0, 1)
        loss = cross_entropy(output, targets.flatten() if name == "Language" else targets)
        loss.backward()
        rule.step()

    held = inputs.nbytes + targets.nbytes + sum(parameter.nbytes for parameter in model.parameters())
    recorded = held + profiled_peak(lambda: [update(), update()])
    assert forecast.prediction().peak.bytes == pytest.approx(recorded, rel=0.02, abs=SMALL)
    assert forecast.positions == tuple(targets.shape[1:])
    assert forecast.reason is None


@pytest.mark.parametrize(
    ("output", "example", "is_last"),
    [
        ((10,), (3, 8, 8), True),  # (B, classes)
        ((32, 50), (32,), True),  # tokens
        ((32, 32), (32,), True),  # as many classes as tokens
        ((32, 50), (32, 16), True),  # frames with 16 features
        ((5, 10), (40,), True),  # neither: two dimensions are tokens and classes
        ((4, 32), (16, 32), False),  # a signal of 32 samples
        ((21, 64, 64), (3, 64, 64), False),  # pixels
        ((16, 16, 5), (16, 16), True),  # pixels of a picture without channels
    ],
)
def test_the_classes_of_an_output_are_found_by_the_shape_of_its_input(
    output: tuple[int, ...], example: tuple[int, ...], is_last: bool
) -> None:
    scores = torch.zeros(2, *output)
    positions = output[:-1] if is_last else output[1:]
    with pytest.raises(OtherTargets) if positions else nullcontext() as caught:
        assert _cross_entropy(example, scores, torch.zeros(2, dtype=torch.int64)) == pytest.approx(math.log(output[-1]))
    if positions:
        assert caught.value.positions == positions
        loss = _cross_entropy(example, scores, torch.zeros(2, *positions, dtype=torch.int64))
        assert loss == pytest.approx(math.log(output[-1] if is_last else output[0]))


def check(described: OwnModel) -> None:
    forecast = OwnForecast(described)
    predicted = forecast.prediction()
    live = updater(described, described.factory(), examples=described.batch_size)
    train(live, described)
    measured = peak_of(live.timelines.values())
    assert predicted.peak.tensor_bytes == measured.tensor_bytes
    assert predicted.peak.by_category == measured.by_category
    assert predicted.verified
    recorded = recorded_bytes(described)
    assert abs(predicted.peak.bytes - recorded) <= max(0.02 * recorded, SMALL)
    assert (forecast.reason is None) == (not described.model.endswith(":Recurrent"))
