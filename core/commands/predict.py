"""Answer `python -m core predict`: what a run, or a training of one's own model, will need, as plain values."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.run.config import FIELDS, RunConfig, parse
from core.run.events import Prediction
from core.run.plan import plan
from core.words.errors import ConfigError, Problem

if TYPE_CHECKING:
    from core.forecast.own_forecast import OwnForecast

OWN_FLAGS = {
    "input": "shape of one example of your own model, such as 3,224,224",
    "input_dtype": "float32, float64, bfloat16, int64 (for embeddings) or int32",
    "loss": "cross_entropy (the default for float output of two dimensions) or mean",
    "optimizer_implementation": "fused, foreach, loop, or default: what PyTorch picks",
}


def add_flags(command: argparse.ArgumentParser) -> None:
    """Add the flags that `predict` has and `train` has not."""
    for name, purpose in OWN_FLAGS.items():
        command.add_argument("--" + name.replace("_", "-"), metavar="VALUE", help=purpose)
    command.add_argument("--no-workspace", action="store_true", help="run no small batches to measure workspace")
    command.add_argument("--table", action="store_true", help="print a table instead of JSON")


def is_own(options: argparse.Namespace) -> bool:
    """Return whether the flags name a model of one's own."""
    return ":" in (options.model or "")


def answer(config: RunConfig, *, workspace: bool) -> dict[str, Any]:
    """Return what a run will do and need."""
    import torch

    from core.forecast.predict import predict
    from core.forecast.workspace import Reach

    torch.set_num_threads(1)  # as a training has it: workspace depends on it
    prediction = predict(config, reach=Reach.FAR if workspace else Reach.NONE)
    return asdict(plan(config)) | _needs(prediction)


def answer_own(options: argparse.Namespace, given: Mapping[str, str]) -> dict[str, Any]:
    """Return what a training of one's own model will need; `given` are the fields that were set.

    Raises ConfigError.
    """
    from core.forecast.own_model import OWN_FIELDS

    values = dict(given) | {name: getattr(options, name) for name in OWN_FLAGS if getattr(options, name) is not None}
    values = {name.removeprefix("optimizer_") if name in OWN_FLAGS else name: text for name, text in values.items()}
    for name in values:
        if name not in OWN_FIELDS and name != "lr":
            raise ConfigError(Problem("not_for_own_model", {"flag": "--" + name.replace("_", "-")}))
    if "lr" in values:  # which takes no memory
        _, problems = parse({"lr": values.pop("lr")})
        if problems:
            raise ConfigError(*problems)
    for flag in ("epochs", "losses", "database"):
        if getattr(options, flag) is not None:
            raise ConfigError(Problem("not_for_own_model", {"flag": f"--{flag}"}))
    return answer_own_values(values, workspace=not options.no_workspace)


def answer_own_values(values: Mapping[str, str], *, workspace: bool = True) -> dict[str, Any]:
    """Return what a training of one's own model will need, described by texts. Raises ConfigError."""
    from core.forecast.own_model import parse_own

    own = parse_own(values)

    import torch

    from core.forecast.own_forecast import OwnForecast

    logging.getLogger("torch._subclasses.fake_tensor").setLevel(logging.CRITICAL)  # its errors are told by us
    with redirect_stdout(sys.stderr):  # which is ours, whatever the model prints
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
        "threads": torch.get_num_threads(),
    }


def _certainty(forecast: OwnForecast, batch_size: int) -> str:
    return "extrapolated" if forecast.is_extrapolated(batch_size) else "exact"


def _certainty_of_largest(forecast: OwnForecast, batch_size: int) -> str:
    certainty = _certainty(forecast, batch_size)
    return "workspace estimated" if certainty == "exact" and forecast.is_estimated(batch_size) else certainty


def refuse_own_flags(options: argparse.Namespace) -> None:
    """Raise ConfigError for a flag that only a model of one's own has a use for."""
    for name in OWN_FLAGS:
        if getattr(options, name, None) is not None:
            raise ConfigError(Problem("only_for_own_model", {"flag": "--" + name.replace("_", "-")}))


def fields_given(options: argparse.Namespace) -> dict[str, str]:
    """Return the fields of a run that were set on the command line."""
    return {field: getattr(options, field) for field in FIELDS if getattr(options, field) is not None}


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
