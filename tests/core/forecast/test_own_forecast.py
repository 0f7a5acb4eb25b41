"""Eight custom models: tensors to the byte, and workspace by PyTorch's own record."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import pytest
import torch

from core.forecast import own_forecast
from core.forecast.own_forecast import OwnForecast
from core.forecast.own_model import OwnModel, updater
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
