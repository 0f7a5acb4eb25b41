"""Do the slow first-time work of training and prediction once, before any child is forked."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import torch

from core.datasets.tensors import Data
from core.forecast.predict import predict
from core.forecast.workspace import Reach
from core.run.choices.models import MODELS
from core.run.config import RunConfig
from core.run.control import Control
from core.run.events import Event
from core.train.loop import Loop
from core.train.trainer import Trainer

FEW = 4


def warm_training() -> None:
    """Train a tiny run: creating the first optimizer imports half of torch's compiler (1 s, 68 MB)."""
    with torch.random.fork_rng():
        for optimizer in ("momentum", "adam"):
            config = RunConfig(optimizer=optimizer, batch_size=FEW, hidden=(2,), budget="updates", budget_value=2)
            inputs = torch.zeros(FEW, *config.spec.input_shape)
            targets = torch.zeros(FEW, dtype=torch.int64)
            Loop(Trainer(config, Data(inputs, targets, inputs, targets), control=Control()), _ignore).run()
    settle()


def warm_predictions() -> Iterator[None]:
    """Predict for every model and norm, one at a time: the first use of an operation on fake tensors is slow.

    One optimizer is enough: a second one speeds up no prediction.
    """
    models = sorted(MODELS.values(), key=lambda spec: spec.code != RunConfig().model)  # the default model first
    for model, norm in [(spec.code, norm) for spec in models for norm in spec.norms]:
        predict(RunConfig(model=model, norm=norm, optimizer="adamw", memory_limit_mb=4.0), reach=Reach.NEAR)
        settle()
        yield


def settle() -> None:
    """Collect garbage and freeze the remaining objects, so that children share their memory pages."""
    gc.collect()
    gc.freeze()


def _ignore(event: Event) -> None:
    pass
