"""Eight models that the project does not have: tensors to the byte, workspace by PyTorch's own record."""

from __future__ import annotations

import itertools
import os
import random
from functools import partial
from typing import Any

import pytest
import torch

from core.forecast.own_forecast import OwnForecast
from core.forecast.own_model import OwnModel, updater
from core.run.timeline import peak_of
from core.train.updater import Updater
from tests.core.forecast.own_models import MODELS
from tests.core.memory.records import profiled_peak, resting_bytes, unwatched

HERE = "tests.core.forecast.own_models"
SMALL = 4_096
SIZES = (1, 3, 64, 513)
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")
CASES = list(itertools.product(MODELS, OPTIMIZERS, SIZES, (1, 3), (False, True), ("float32", "bfloat16")))
# All of them with BATCHLAB_CAMPAIGN=1; else so many of each model.
CHOSEN = 4
ALL = os.environ.get("BATCHLAB_CAMPAIGN") == "1"


def chosen() -> list[Any]:
    draw = random.Random(4)
    return [case for name in MODELS for case in draw.sample([case for case in CASES if case[0] == name], CHOSEN)]


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


@pytest.mark.parametrize(
    ("name", "optimizer", "batch_size", "accumulate", "checkpointing", "precision"), CASES if ALL else chosen()
)
def test_tensors_are_predicted_to_the_byte_and_workspace_as_pytorch_records_it(
    name: str, optimizer: str, batch_size: int, accumulate: int, checkpointing: bool, precision: str
) -> None:
    described = own(
        name,
        optimizer=optimizer,
        batch_size=batch_size,
        accumulate=accumulate,
        checkpointing=checkpointing,
        precision=precision,
    )
    forecast = OwnForecast(described)
    predicted = forecast.prediction()
    live = updater(described, described.factory(), examples=batch_size)
    train(live, described)
    measured = peak_of(live.timelines.values())
    assert predicted.peak.tensor_bytes == measured.tensor_bytes
    assert predicted.peak.by_category == measured.by_category
    assert predicted.verified
    recorded = recorded_bytes(described)
    assert abs(predicted.peak.bytes - recorded) <= max(0.02 * recorded, SMALL)
    assert (forecast.reason is None) == (name != "Recurrent")
