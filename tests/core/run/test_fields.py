"""Check every field's record: its default is valid, its text form reads back, and its bounds hold."""

from __future__ import annotations

from math import nextafter
from typing import Any

import pytest

from core.run.config import FIELDS, RunConfig
from core.run.fields import BUDGETS, FIELD_SPECS, problem_of, read, settled, written

DEFAULT = RunConfig()
NUMBERS = [name for name, spec in FIELD_SPECS.items() if spec.bounds]


def test_there_is_one_record_for_each_field_in_the_order_of_the_class() -> None:
    assert tuple(FIELD_SPECS) == FIELDS
    assert all(name == spec.name for name, spec in FIELD_SPECS.items())


@pytest.mark.parametrize("name", FIELDS)
def test_the_default_of_a_field_is_valid_and_its_text_reads_back(name: str) -> None:
    default = getattr(DEFAULT, name)
    assert problem_of(name, default, DEFAULT.budget) is None
    assert settled(name, read(name, written(default)), DEFAULT.budget) == default


@pytest.mark.parametrize(
    ("name", "choice"), [(name, choice) for name, spec in FIELD_SPECS.items() for choice in spec.choices]
)
def test_a_choice_reads_as_itself(name: str, choice: str) -> None:
    assert problem_of(name, read(name, f" {choice} "), "epochs") is None


@pytest.mark.parametrize("name", [name for name, spec in FIELD_SPECS.items() if spec.choices])
def test_any_other_text_is_refused_as_a_choice(name: str) -> None:
    problem = problem_of(name, read(name, "none such"), "epochs")
    assert problem is not None
    assert problem.code == "not_a_choice"
    assert problem.values["choices"] == ", ".join(FIELD_SPECS[name].choices)


def outside(name: str) -> tuple[float, float]:
    """Return the next number below the bounds of a field and the next one above."""
    bounds = FIELD_SPECS[name].bounds
    assert bounds
    low, high = bounds
    return (low - 1, high + 1) if FIELD_SPECS[name].kind == "whole" else (nextafter(low, -1), nextafter(high, 1e99))


@pytest.mark.parametrize("name", NUMBERS)
def test_the_bounds_of_a_number_are_inclusive(name: str) -> None:
    bounds = FIELD_SPECS[name].bounds
    assert bounds
    assert [problem_of(name, value, "epochs") for value in bounds] == [None, None]
    problems = [problem_of(name, value, "epochs") for value in outside(name)]
    assert [problem and problem.code for problem in problems] == ["out_of_bounds"] * 2


@pytest.mark.parametrize("budget", BUDGETS)
def test_the_bounds_of_a_budget_are_those_of_its_unit(budget: str) -> None:
    low, high = BUDGETS[budget]
    assert [problem_of("budget_value", value, budget) for value in (low, high)] == [None, None]
    assert problem_of("budget_value", high + 1, budget) is not None
    assert problem_of("budget_value", 0, budget) is not None


@pytest.mark.parametrize("name", FIELDS)
def test_only_an_optional_field_can_be_empty(name: str) -> None:
    assert (problem_of(name, None, "epochs") is None) == FIELD_SPECS[name].is_optional
    assert (read(name, "none") is None) == FIELD_SPECS[name].is_optional


@pytest.mark.parametrize(("text", "value"), [("true", True), ("0", False), ("FALSE", False), ("yes", "yes")])
@pytest.mark.parametrize("name", [name for name, spec in FIELD_SPECS.items() if spec.kind == "flag"])
def test_a_flag_reads_true_false_1_and_0(name: str, text: str, value: Any) -> None:
    assert read(name, text) == value


@pytest.mark.parametrize("name", [name for name, spec in FIELD_SPECS.items() if spec.is_habit])
def test_a_habit_is_off_by_default(name: str) -> None:
    assert getattr(DEFAULT, name) is False


@pytest.mark.parametrize(
    ("changes", "unused"),
    [
        ({}, {}),
        ({"model": "linear"}, {"hidden"}),
        ({"optimizer": "sgd"}, {"momentum"}),
        ({"model": "cnn", "optimizer": "adam"}, {"hidden", "momentum"}),
    ],
)
def test_a_field_is_unused_if_neither_the_model_nor_the_optimizer_reads_it(
    changes: dict[str, Any], unused: set[str]
) -> None:
    config = DEFAULT.replace(**changes)
    assert {name for name in FIELDS if not config.uses(name)} == set(unused)
