"""Summarise the forecast of a configured run or of a custom model as plain values."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import Any

import torch

from core.forecast.own_forecast import OwnForecast
from core.forecast.own_model import MOST, parse_own
from core.forecast.predict import predict
from core.forecast.workspace import Reach
from core.run.config import RunConfig
from core.run.events import Prediction
from core.run.plan import plan


def of_run(config: RunConfig, *, workspace: bool) -> dict[str, Any]:
    """Return the counts of a run and the memory it needs.

    With `workspace`, small batches are run for real to measure it. It depends on PyTorch's number of threads.
    """
    prediction = predict(config, reach=Reach.FAR if workspace else Reach.NONE)
    return asdict(plan(config)) | _needs(prediction)


def of_own_model(texts: Mapping[str, str], *, workspace: bool = True) -> dict[str, Any]:
    """Return the memory that the training of a custom model needs.

    `texts` holds fields of `OwnModel` as texts, as a command line or a form has them. Raises ConfigError.
    """
    own = parse_own(texts)
    logging.getLogger("torch._subclasses.fake_tensor").setLevel(logging.CRITICAL)  # `reason` reports its errors
    with redirect_stdout(sys.stderr):  # standard output carries JSON, and the model may print
        forecast = OwnForecast(own, workspace=workspace)
        needs = _needs(forecast.prediction())
        if own.memory_limit_bytes is None:
            needs["largest_batch_size"] = None
        largest = needs["largest_batch_size"]
        needs["resting_by_category"] = forecast.resting
        needs["tensors"] = _certainty(forecast, own.batch_size)
        needs["largest"] = _certainty_of_largest(forecast, largest) if largest else None
    return {
        "model": own.model,
        "batch_size": own.batch_size,
        **needs,
        "not_on_fake_tensors": forecast.reason,
        "came_in_evaluation_mode": forecast.came_evaluating,
        "targets_per_batch": own.batch_size * math.prod(forecast.positions),
        "threads": torch.get_num_threads(),
    }


def _certainty(forecast: OwnForecast, batch_size: int) -> str:
    return "extrapolated" if forecast.is_extrapolated(batch_size) else "exact"


def _certainty_of_largest(forecast: OwnForecast, batch_size: int) -> str:
    if batch_size == MOST:
        return "at least"  # no larger one is tried
    certainty = _certainty(forecast, batch_size)
    return "workspace estimated" if certainty == "exact" and forecast.is_estimated(batch_size) else certainty


def _needs(prediction: Prediction) -> dict[str, Any]:
    peak = prediction.peak
    return {
        "predicted_peak_bytes": peak.bytes,
        "tensor_bytes": peak.tensor_bytes,
        "workspace_bytes": peak.workspace_bytes,
        "workspace_verified": prediction.verified,
        "workspace_operations": dict(prediction.operations),
        "by_category": dict(peak.by_category),
        "phase": peak.phase,
        "module": peak.module,
        "parameters": prediction.parameters,
        "largest_batch_size": prediction.largest_batch_size,
    }
