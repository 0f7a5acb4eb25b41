"""Define the fields of a run, one record each, and read and check the value of a single field. No torch."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from core.run.choices.datasets import DATASETS
from core.run.choices.models import MODELS
from core.run.choices.norms import NORMS
from core.run.choices.optimizers import OPTIMIZERS
from core.run.choices.schedules import SCHEDULES
from core.words.errors import Problem

Kind = Literal["choice", "whole", "number", "flag", "widths", "budget"]
BUDGETS: dict[str, tuple[float, float]] = {
    "epochs": (1, 10_000),
    "updates": (1, 10_000_000),
    "examples": (1, 10_000_000_000),
    "seconds": (0.1, 86_400.0),
}
WIDTHS, MAX_DEPTH = (1, 4_096), 8
# Where the sliders of the form stop.
BATCH_SIZES = (
    1,
    2,
    4,
    8,
    10,
    16,
    20,
    32,
    50,
    64,
    100,
    128,
    200,
    256,
    500,
    512,
    1_000,
    1_024,
    1_437,
    2_000,
    2_048,
    5_000,
    10_000,
)
LIMITS_MB = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 24_576, 40_960, 81_920)
FLAG_TEXTS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, kw_only=True)
class FieldSpec:
    """Every fact about a field of `core.run.config.RunConfig` except its default, which the class holds.

    kind         how the value is read and checked; the bounds of a budget depend on its unit
    choices      allowed values of a choice, in the order of the form
    bounds       smallest and largest allowed number
    stops        values that the form's slider stops at, None for a field without a slider
    is_optional  whether the value may be None
    is_habit     whether the field only wastes memory
    memory       how the field affects the peak memory: "law" changes the curve of peak against batch size, "place"
                 changes the point on that curve or the allowed batch sizes, None has no effect
    fixes        what a change during a run would invalidate: its weights, its data order
    ensemble     whether the runs of an ensemble share the "same" value, have their "own", or need it "off"
    """

    name: str
    kind: Kind
    choices: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None
    stops: tuple[float, ...] | None = None
    is_optional: bool = False
    is_habit: bool = False
    memory: Literal["law", "place"] | None = None
    fixes: tuple[Literal["weights", "order"], ...] = ()
    ensemble: Literal["same", "own", "off"] = "same"


def _choice(name: str, choices: Iterable[str], **facts: Any) -> FieldSpec:
    return FieldSpec(name=name, kind="choice", choices=tuple(choices), **facts)


def _whole(name: str, bounds: tuple[int, int], **facts: Any) -> FieldSpec:
    return FieldSpec(name=name, kind="whole", bounds=bounds, **facts)


def _number(name: str, low: float, high: float, **facts: Any) -> FieldSpec:
    return FieldSpec(name=name, kind="number", bounds=(low, high), **facts)


def _flag(name: str, **facts: Any) -> FieldSpec:
    return FieldSpec(name=name, kind="flag", **facts)


FIELD_SPECS: dict[str, FieldSpec] = {
    spec.name: spec
    for spec in (
        _choice("dataset", DATASETS, memory="law", fixes=("weights", "order")),
        _choice("model", MODELS, memory="law", fixes=("weights",)),
        FieldSpec(name="hidden", kind="widths", memory="law", fixes=("weights",)),
        _choice("norm", NORMS, memory="law", fixes=("weights",)),
        _whole("batch_size", (1, 10_000), stops=BATCH_SIZES, memory="place"),
        _whole("accumulate", (1, 10_000), memory="law"),
        _flag("drop_last", memory="place"),
        _choice("sampling", ("shuffle", "iid"), fixes=("order",)),
        _choice("optimizer", OPTIMIZERS, memory="law"),
        _number("lr", 1e-8, 1_000.0, ensemble="own"),
        _number("momentum", 0.0, 0.9999, memory="law"),
        _number("weight_decay", 0.0, 10.0),
        _choice("schedule", SCHEDULES, ensemble="own"),
        _number("warmup", 0.0, 0.9, ensemble="own"),
        _whole("schedule_batch_size", (1, 10_000), is_optional=True, ensemble="own"),
        _choice("budget", BUDGETS, memory="place"),
        FieldSpec(name="budget_value", kind="budget", memory="place"),
        _whole("seed", (0, 2**32 - 1), fixes=("weights", "order"), ensemble="own"),
        _number("memory_limit_mb", 1.0, 81_920.0, stops=LIMITS_MB, is_optional=True, memory="place", ensemble="own"),
        _number("memory_margin_mb", 0.0, 16_384.0, memory="place", ensemble="own"),
        _number("target_loss", 1e-9, 1e9, is_optional=True, ensemble="own"),
        _flag("checkpointing", memory="law", ensemble="off"),
        _choice("precision", ("float32", "bfloat16"), memory="law"),
        _flag("keep_losses", is_habit=True, memory="law", ensemble="off"),
        _flag("evaluate_with_grad", is_habit=True, memory="law", ensemble="off"),
        _flag("zero_in_place", is_habit=True, memory="law", ensemble="off"),
        _flag("validate_whole", is_habit=True, memory="law", ensemble="own"),
    )
}
CHOICES = {name: spec.choices for name, spec in FIELD_SPECS.items() if spec.kind == "choice"}
HABITS = tuple(name for name, spec in FIELD_SPECS.items() if spec.is_habit)
REALS = tuple(name for name, spec in FIELD_SPECS.items() if spec.kind in ("number", "budget"))
WEIGHTS = tuple(name for name, spec in FIELD_SPECS.items() if "weights" in spec.fixes)
ORDER = tuple(name for name, spec in FIELD_SPECS.items() if "order" in spec.fixes)


def bounds_of(name: str) -> tuple[float, float]:
    """Return the smallest and the largest allowed value of a numeric field."""
    bounds = FIELD_SPECS[name].bounds
    assert bounds
    return bounds


def read(name: str, value: Any) -> Any:
    """Return the value converted to the field's type, or unchanged if that fails."""
    spec = FIELD_SPECS[name]
    if spec.kind == "widths" and isinstance(value, list | tuple):
        return tuple(value)
    if not isinstance(value, str):
        return value
    text = value.strip()
    if spec.is_optional and text.lower() in ("", "none"):
        return None
    try:
        match spec.kind:
            case "choice":
                return text
            case "flag":
                return FLAG_TEXTS.get(text.lower(), value)
            case "widths":
                return tuple(int(part) for part in text.split("-")) if text else ()
            case "whole":
                return int(text)
            case "number" | "budget":
                number = float(text)
                return number if math.isfinite(number) else value
    except ValueError:
        return value


def written(value: Any) -> str:
    """Return a field's value as text for `read`: "100", "0.05", "128-64", "true", "none"."""
    if isinstance(value, list | tuple):
        return "-".join(map(str, value))
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")


def settled(name: str, value: Any, budget: str) -> Any:
    """Return a number in its canonical type: float for a real field, int for a budget that counts something."""
    kind = FIELD_SPECS[name].kind
    if kind == "number" and _is_number(value):
        return float(value) + 0.0  # turns -0.0 into 0.0
    if kind == "budget" and _is_number(value):
        return float(value) if budget == "seconds" else int(value) if float(value).is_integer() else value
    return value


def problem_of(name: str, value: Any, budget: str) -> Problem | None:
    """Return the problem with a single value, None if it is valid. `budget` sets the bounds of `budget_value`."""
    spec = FIELD_SPECS[name]
    if value is None and spec.is_optional:
        return None
    match spec.kind:
        case "choice":
            good, choices = value in spec.choices, spec.choices
        case "flag":
            good, choices = isinstance(value, bool), ("true", "false")
        case "widths":
            return _widths_problem(value)
        case "budget":
            bounds = BUDGETS.get(str(budget), BUDGETS["epochs"])
            return _number_problem(name, value, bounds, is_whole=budget != "seconds")
        case "whole" | "number":
            return _number_problem(name, value, bounds_of(name), is_whole=spec.kind == "whole")
    return None if good else Problem("not_a_choice", {"field": name, "value": value, "choices": ", ".join(choices)})


def _widths_problem(value: Any) -> Problem | None:
    good = isinstance(value, tuple) and 1 <= len(value) <= MAX_DEPTH
    if good and all(_is_integer(width) and WIDTHS[0] <= width <= WIDTHS[1] for width in value):
        return None
    shown = "-".join(map(str, value)) if isinstance(value, tuple) else value
    return Problem("hidden_widths", {"value": shown, "depth": MAX_DEPTH, "low": WIDTHS[0], "high": WIDTHS[1]})


def _number_problem(name: str, value: Any, bounds: tuple[float, float], *, is_whole: bool) -> Problem | None:
    low, high = bounds
    values = {"field": name, "value": value, "low": low, "high": high}
    if _is_integer(value) if is_whole else _is_number(value):
        return None if low <= value <= high else Problem("out_of_bounds", values)
    return Problem("not_whole" if is_whole else "not_a_number", values)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) < sys.float_info.max  # false for NaN as well; isfinite() fails on integers of 400 digits
