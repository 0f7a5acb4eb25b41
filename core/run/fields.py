"""Bound the fields of a run, and read and check a value of one field by itself. No torch."""

from __future__ import annotations

import math
import sys
from typing import Any

from core.run.choices.datasets import DATASETS
from core.run.choices.optimizers import OPTIMIZERS
from core.run.choices.schedules import SCHEDULES
from core.words.errors import Problem

NORMS = {"linear": ("none",), "mlp": ("none", "batch", "layer"), "cnn": ("none", "batch", "group", "layer")}
CHOICES: dict[str, tuple[str, ...]] = {
    "dataset": tuple(DATASETS),
    "model": tuple(NORMS),
    "norm": ("none", "batch", "layer", "group"),
    "sampling": ("shuffle", "iid"),
    "optimizer": tuple(OPTIMIZERS),
    "schedule": tuple(SCHEDULES),
    "budget": ("epochs", "updates", "examples", "seconds"),
    "precision": ("float32", "bfloat16"),
}
INTEGERS = dict.fromkeys(("batch_size", "accumulate", "schedule_batch_size"), (1, 10_000)) | {"seed": (0, 2**32 - 1)}
NUMBERS = {
    "lr": (1e-8, 1_000.0),
    "momentum": (0.0, 0.9999),
    "weight_decay": (0.0, 10.0),
    "warmup": (0.0, 0.9),
    "memory_limit_mb": (1.0, 81_920.0),
    "target_loss": (1e-9, 1e9),
}
OPTIONAL = {"schedule_batch_size", "memory_limit_mb", "target_loss"}
FLAGS = ("drop_last", "checkpointing", "keep_losses", "evaluate_with_grad", "zero_in_place", "validate_whole")
BUDGETS: dict[str, tuple[float, float]] = {
    "epochs": (1, 10_000),
    "updates": (1, 10_000_000),
    "examples": (1, 10_000_000_000),
    "seconds": (0.1, 86_400.0),
}
WIDTHS, MAX_DEPTH = (1, 4_096), 8


def read(name: str, value: Any) -> Any:
    """Return the value in the field's own type where it can be read as such, else unchanged."""
    if name == "hidden" and isinstance(value, list | tuple):
        return tuple(value)
    if not isinstance(value, str):
        return value
    text = value.strip()
    try:
        if name in CHOICES:
            return text
        if name in FLAGS:
            return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), value)
        if name in OPTIONAL and text.lower() in ("", "none"):
            return None
        if name == "hidden":
            return tuple(int(part) for part in text.split("-")) if text else ()
        if name in INTEGERS:
            return int(text)
        if name in NUMBERS or name == "budget_value":
            number = float(text)
            return number if math.isfinite(number) else value
    except ValueError:
        pass
    return value


def written(value: Any) -> str:
    """Return a field's value as text that `read` reads back: "100", "0.05", "128-64", "true", "none"."""
    if isinstance(value, list | tuple):
        return "-".join(map(str, value))
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")


def settled(name: str, value: Any, budget: str) -> Any:
    """Return a real number as a float, and a whole one that counts as an integer."""
    if name in NUMBERS and _is_number(value):
        return float(value) + 0.0  # -0.0 is 0.0
    if name == "budget_value" and _is_number(value):
        return float(value) if budget == "seconds" else int(value) if float(value).is_integer() else value
    return value


def problem_of(name: str, value: Any, budget: str) -> Problem | None:
    """Return what is wrong with a value by itself; the bounds of `budget_value` are those of the budget."""
    if name in CHOICES:
        choices = CHOICES[name]
        bad = value not in choices
        return Problem("not_a_choice", {"field": name, "value": value, "choices": ", ".join(choices)}) if bad else None
    if name in FLAGS:
        bad = not isinstance(value, bool)
        return Problem("not_a_choice", {"field": name, "value": value, "choices": "true, false"}) if bad else None
    if name == "hidden":
        good = isinstance(value, tuple) and 1 <= len(value) <= MAX_DEPTH
        good = good and all(_is_integer(width) and WIDTHS[0] <= width <= WIDTHS[1] for width in value)
        shown = "-".join(map(str, value)) if isinstance(value, tuple) else value
        values = {"value": shown, "depth": MAX_DEPTH, "low": WIDTHS[0], "high": WIDTHS[1]}
        return None if good else Problem("hidden_widths", values)
    if value is None and name in OPTIONAL:
        return None
    if name == "budget_value":
        low, high = BUDGETS.get(str(budget), BUDGETS["epochs"])
        whole = budget != "seconds"
    else:
        low, high = INTEGERS.get(name) or NUMBERS[name]
        whole = name in INTEGERS
    if _is_integer(value) if whole else _is_number(value):
        if low <= value <= high:
            return None
        return Problem("out_of_bounds", {"field": name, "value": value, "low": low, "high": high})
    return Problem("not_whole" if whole else "not_a_number", {"field": name, "value": value, "low": low, "high": high})


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) < sys.float_info.max  # also false for a NaN; isfinite() fails on integers of 400 digits
