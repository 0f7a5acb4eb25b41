"""Check the configuration of a run: the values it accepts and refuses, and the messages."""

from __future__ import annotations

import ast
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.run import config as config_module
from core.run import fields as fields_module
from core.run.config import FIELDS, RunConfig, parse, planned_updates
from core.run.fields import CHOICES, FIELD_SPECS
from core.words.errors import ConfigError, Problem

SETTINGS_OF_A_RUN = (
    "dataset, model, hidden, norm, batch_size, accumulate, drop_last, sampling, optimizer, lr, momentum, weight_decay, "
    "schedule, warmup, schedule_batch_size, budget, budget_value, seed, memory_limit_mb, memory_margin_mb, "
    "target_loss, checkpointing, precision, keep_losses, evaluate_with_grad, zero_in_place, validate_whole"
)

# code, values, exact message, remedy
REFUSALS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "not_a_choice",
        {"optimizer": "adagrad"},
        "optimizer must be one of sgd, momentum, nesterov, adam, adamw, got 'adagrad'",
        {},
    ),
    ("not_a_choice", {"drop_last": "yes"}, "drop_last must be one of true, false, got 'yes'", {}),
    ("not_whole", {"batch_size": 2.5}, "batch_size must be a whole number between 1 and 10,000, got 2.5", {}),
    ("not_whole", {"batch_size": "many"}, "batch_size must be a whole number between 1 and 10,000, got 'many'", {}),
    ("not_whole", {"batch_size": True}, "batch_size must be a whole number between 1 and 10,000, got True", {}),
    ("not_whole", {"batch_size": None}, "batch_size must be a whole number between 1 and 10,000, got None", {}),
    (
        "not_whole",
        {"budget": "updates", "budget_value": 1.5},
        "budget_value must be a whole number between 1 and 10,000,000, got 1.5",
        {},
    ),
    ("not_a_number", {"momentum": "fast"}, "momentum must be a number between 0 and 0.9999, got 'fast'", {}),
    ("not_a_number", {"momentum": float("nan")}, "momentum must be a number between 0 and 0.9999, got nan", {}),
    ("not_a_number", {"weight_decay": True}, "weight_decay must be a number between 0 and 10, got True", {}),
    ("not_a_number", {"weight_decay": float("inf")}, "weight_decay must be a number between 0 and 10, got inf", {}),
    ("out_of_bounds", {"batch_size": 0}, "batch_size must be between 1 and 10,000, got 0", {}),
    ("out_of_bounds", {"batch_size": 12_000}, "batch_size must be between 1 and 10,000, got 12,000", {}),
    ("out_of_bounds", {"warmup": 0.95}, "warmup must be between 0 and 0.9, got 0.95", {}),
    (
        "out_of_bounds",
        {"budget": "seconds", "budget_value": 0.01},
        "budget_value must be between 0.1 and 86,400, got 0.01",
        {},
    ),
    (
        "hidden_widths",
        {"hidden": ()},
        "hidden must be 1 to 8 layer widths between 1 and 4,096, such as 128-64, got ''",
        {},
    ),
    (
        "hidden_widths",
        {"hidden": (128, 0)},
        "hidden must be 1 to 8 layer widths between 1 and 4,096, such as 128-64, got '128-0'",
        {},
    ),
    (
        "hidden_widths",
        {"hidden": (1,) * 9},
        "hidden must be 1 to 8 layer widths between 1 and 4,096, such as 128-64, got '1-1-1-1-1-1-1-1-1'",
        {},
    ),
    (
        "unknown_field",
        {"colour": "red"},
        f"'colour' is not a setting of a run; the settings are {SETTINGS_OF_A_RUN}",
        {},
    ),
    (
        "misspelt_field",
        {"batchsize": 100},
        "'batchsize' is not a setting of a run; the nearest one is batch_size",
        {},
    ),
    (
        "misspelt_field",
        {"Learning_Rate": 0.1},
        "'Learning_Rate' is not a setting of a run; the nearest one is lr",
        {},
    ),
    (
        "misspelt_field",
        {"epochs": 3},
        "'epochs' is not a setting of a run; the nearest one is budget_value",
        {},
    ),
    (
        "batch_larger_than_dataset",
        {"dataset": "digits", "batch_size": 5000},
        "batch_size must be between 1 and 1437 (the size of 'digits'), got 5000",
        {"batch_size": 1437},
    ),
    (
        "norm_not_for_model",
        {"model": "mlp", "norm": "group"},
        "norm 'group' is not available for the model 'mlp'; choose one of none, batch, layer",
        {"norm": "none"},
    ),
    (
        "model_needs_images",
        {"dataset": "linear", "model": "cnn"},
        "the model 'cnn' needs images, and 'linear' has none; choose linear or mlp",
        {"model": "linear"},
    ),
    (
        "margin_over_limit",
        {"memory_limit_mb": 4, "memory_margin_mb": 1_024},
        "memory_margin_mb must leave at least 1 byte of memory_limit_mb (4), got 1,024; lower the margin or raise the "
        "limit",
        {"memory_margin_mb": 0.0},
    ),
    (
        "margin_over_limit",
        {"memory_limit_mb": 1, "memory_margin_mb": 0.9999999},  # 0.1 byte less than the limit
        "memory_margin_mb must leave at least 1 byte of memory_limit_mb (1), got 0.9999999; lower the margin or raise "
        "the limit",
        {"memory_margin_mb": 0.0},
    ),
    (
        "no_full_window",
        {"dataset": "digits", "batch_size": 500, "accumulate": 3, "drop_last": True},
        "drop_last would drop every example: a window holds 500 x 3 = 1500 examples, but 'digits' has only 1437; "
        "keep the last batch, or lower batch_size or accumulate",
        {"drop_last": False},
    ),
    (
        "batch_norm_of_one",
        {"norm": "batch", "batch_size": 1},
        "batch normalisation cannot train on a batch of one example; set batch_size to at least 2 and drop "
        "the last batch, or choose another norm",
        {"batch_size": 2, "drop_last": True},
    ),
    (
        "batch_norm_last_of_one",
        {"dataset": "digits", "norm": "batch", "batch_size": 359},
        "1437 examples in batches of 359 leave a last batch of one example, which batch normalisation cannot train on; "
        "drop the last batch, or change batch_size",
        {"drop_last": True},
    ),
    (
        "too_many_updates",
        {"batch_size": 1, "budget": "epochs", "budget_value": 10_000},
        "10,000 epochs would take 100,000,000 updates, more than the maximum of 10,000,000; "
        "lower budget_value or raise batch_size",
        {},
    ),
    (
        "not_whole",
        {"schedule_batch_size": 2.5},
        "schedule_batch_size must be a whole number between 1 and 10,000, got 2.5",
        {},
    ),
    ("out_of_bounds", {"schedule_batch_size": 0}, "schedule_batch_size must be between 1 and 10,000, got 0", {}),
    (
        "horizon_of_seconds",
        {"schedule_batch_size": 1_000, "budget": "seconds"},
        "schedule_batch_size cannot be 1000 with a budget in seconds, because the number of updates is not known "
        "until the run has been timed; set it to none, or choose another budget",
        {"schedule_batch_size": None},
    ),
    (
        "schedule_batch_larger_than_dataset",
        {"dataset": "digits", "schedule_batch_size": 1_438},
        "schedule_batch_size must be none or between 1 and 1437 (the size of 'digits'), got 1438",
        {"schedule_batch_size": None},
    ),
    (
        "schedule_without_full_window",
        {"dataset": "digits", "schedule_batch_size": 500, "accumulate": 3, "drop_last": True},
        "drop_last would leave the schedule without an update: a window holds 500 x 3 = 1500 examples, but 'digits' "
        "has only 1437; lower schedule_batch_size or set it to none",
        {"schedule_batch_size": None},
    ),
]


def problems_of(values: dict[str, Any]) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_mapping(values)
    return caught.value.problems


@pytest.mark.parametrize(("code", "values", "sentence", "remedy"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_a_refusal_names_the_value_the_limit_and_the_way_out(
    code: str, values: dict[str, Any], sentence: str, remedy: dict[str, Any]
) -> None:
    (problem,) = problems_of(values)
    assert problem.code == code
    assert str(ConfigError(problem)) == sentence
    assert problem.remedy == remedy


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (values, sentence) for code, values, sentence, _ in REFUSALS if code not in ("unknown_field", "misspelt_field")
    ],  # Python itself refuses unknown keywords
)
def test_values_refused_as_text_are_refused_by_the_class_too(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig(**values)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("text", ["", "batch size 100", "[1, 2]", "null", "{"])
def test_text_that_is_not_a_json_object_is_refused_with_a_message(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_json(text)
    assert str(caught.value) == f"expected a run as a JSON object, got {text!r}"
    assert caught.value.problems[0].code == "not_json"


def test_the_message_of_every_code_that_config_raises_is_tested_here() -> None:
    texts = [Path(module.__file__).read_text() for module in (config_module, fields_module)]
    calls = [node for text in texts for node in ast.walk(ast.parse(text)) if is_problem(node)]
    codes = {constant.value for call in calls for constant in ast.walk(call.args[0]) if is_text(constant)}
    assert codes == {code for code, *_ in REFUSALS} | {"not_json"}


def is_problem(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem"


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_the_remedy_of_a_refusal_is_accepted() -> None:
    for _, values, _, remedy in REFUSALS:
        if remedy:
            RunConfig.from_mapping(values | remedy)


def test_all_problems_are_reported_at_once() -> None:
    problems = problems_of({"batch_size": 0, "optimizer": "adagrad", "epochs": 3})
    assert [problem.code for problem in problems] == ["out_of_bounds", "not_a_choice", "misspelt_field"]
    with pytest.raises(ConfigError) as caught:
        RunConfig(batch_size=0, lr=-1.0)
    assert str(caught.value) == (
        "batch_size must be between 1 and 10,000, got 0; lr must be between 10\u207b\u2078 and 1,000, got -1"
    )


def test_two_batch_sizes_that_are_too_large_are_reported_at_once() -> None:
    problems = problems_of({"dataset": "digits", "batch_size": 5_000, "schedule_batch_size": 6_000})
    assert [problem.code for problem in problems] == ["batch_larger_than_dataset", "schedule_batch_larger_than_dataset"]


@pytest.mark.parametrize(
    "changes",
    [
        {"schedule_batch_size": 10_000},
        {"schedule_batch_size": 1, "norm": "batch"},  # the run never trains on a batch of one
        {"schedule_batch_size": 1, "budget_value": 10_000},  # the run does not make 100,000,000 updates
        {"schedule_batch_size": 5_000, "accumulate": 2, "drop_last": True},
        {"schedule_batch_size": 1_000, "budget": "updates", "budget_value": 7},
        {"schedule_batch_size": 1_000, "schedule": "constant"},
        {"schedule_batch_size": 1_000, "schedule": "plateau"},
    ],
    ids=str,
)
def test_a_schedule_can_be_planned_for_any_batch_size_with_a_full_window(changes: dict[str, Any]) -> None:
    assert RunConfig(**changes).schedule_batch_size == changes["schedule_batch_size"]


def test_a_cnn_can_train_on_a_batch_of_one() -> None:
    assert RunConfig(model="cnn", norm="batch", batch_size=1).batch_size == 1


def test_batch_normalisation_accepts_a_last_batch_of_one_that_is_dropped() -> None:
    assert RunConfig(dataset="digits", norm="batch", batch_size=359, drop_last=True).drop_last


def test_replacing_a_field_checks_the_run_again() -> None:
    run = RunConfig(batch_size=5_000)
    assert run.replace(lr=0.1) == RunConfig(batch_size=5_000, lr=0.1)
    with pytest.raises(ConfigError, match="between 1 and 1437"):
        run.replace(dataset="digits")


def test_a_run_config_is_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RunConfig().batch_size = 0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("batch_size", "100", 100),
        ("batch_size", " 100 ", 100),
        ("accumulate", "4", 4),
        ("seed", "4294967295", 2**32 - 1),
        ("lr", "1e-3", 0.001),
        ("lr", "3", 3.0),
        ("drop_last", "true", True),
        ("drop_last", "False", False),
        ("drop_last", "1", True),
        ("drop_last", "0", False),
        ("hidden", "256-128-64", (256, 128, 64)),
        ("hidden", "32", (32,)),
        ("hidden", [32, 16], (32, 16)),
        ("schedule_batch_size", "1000", 1_000),
        ("schedule_batch_size", "none", None),
        ("schedule_batch_size", "", None),
        ("memory_limit_mb", "none", None),
        ("memory_limit_mb", "", None),
        ("memory_limit_mb", "4", 4.0),
        ("target_loss", "0.25", 0.25),
        ("budget_value", "20", 20),
        ("budget_value", "20.0", 20),
        ("budget_value", 20.0, 20),
        ("dataset", "digits", "digits"),
    ],
)
def test_text_of_a_url_is_converted_to_the_type_of_its_field(name: str, text: Any, value: Any) -> None:
    parsed, problems = parse({name: text})
    assert problems == []
    assert parsed == {name: value}
    assert type(parsed[name]) is type(value)


@pytest.mark.parametrize("text", ["1.5", "1e2", "100px", "", "nan", "-", "0x10", "1 000"])
def test_a_batch_size_that_is_not_an_integer_is_not_rounded(text: str) -> None:
    parsed, (problem,) = parse({"batch_size": text})
    assert parsed == {}
    assert (problem.code, problem.values["value"]) == ("not_whole", text)


def test_one_bad_value_of_a_url_does_not_discard_the_others() -> None:
    parsed, (problem,) = parse({"batch_size": "1.5", "lr": "0.1", "optimizer": "adam"})
    assert parsed == {"lr": 0.1, "optimizer": "adam"}
    assert problem.values["field"] == "batch_size"


@pytest.mark.parametrize("order", [("budget", "budget_value"), ("budget_value", "budget")])
def test_the_bounds_of_a_budget_depend_on_its_unit_in_any_order(order: tuple[str, str]) -> None:
    values = {"budget": "seconds", "budget_value": "0.5"}
    assert parse({name: values[name] for name in order}) == ({"budget": "seconds", "budget_value": 0.5}, [])


def test_derived_values_of_a_run() -> None:
    run = RunConfig(batch_size=250, accumulate=4, memory_limit_mb=4.0)
    assert run.effective_batch_size == 1_000
    assert run.memory_limit_bytes == 4_194_304
    assert run.spec.examples == 10_000
    assert RunConfig().memory_limit_bytes is None


@pytest.mark.parametrize(
    ("budget", "value", "updates"),
    [("epochs", 5, 75), ("updates", 7, 7), ("examples", 1_438, 16), ("seconds", 2.5, None)],
)
def test_planned_updates_of_1437_examples_at_batch_size_100(budget: str, value: float, updates: int | None) -> None:
    assert planned_updates(RunConfig(dataset="digits", budget=budget, budget_value=value)) == updates


@pytest.mark.parametrize(
    ("budget", "value", "updates"),
    [("epochs", 5, 10), ("updates", 7, 7), ("examples", 1_438, 3), ("seconds", 2.5, None)],
)
def test_planned_updates_of_the_same_run_at_batch_size_1000(budget: str, value: float, updates: int | None) -> None:
    run = RunConfig(dataset="digits", budget=budget, budget_value=value)
    assert planned_updates(run, batch_size=1_000) == updates


def test_the_default_run_makes_500_updates() -> None:
    assert planned_updates(RunConfig()) == 500


@st.composite
def runs(draw: st.DrawFn) -> RunConfig:
    """Draw any valid run."""
    values: dict[str, Any] = {name: draw(st.sampled_from(choices)) for name, choices in CHOICES.items()}
    for name, spec in FIELD_SPECS.items():
        if spec.bounds:
            low, high = spec.bounds
            number: st.SearchStrategy[float | None] = st.floats(low, high)
            if spec.kind == "whole":
                number = st.integers(int(low), int(high))
            values[name] = draw(st.none() | number if spec.is_optional else number)
    values["hidden"] = tuple(draw(st.lists(st.integers(1, 4096), min_size=1, max_size=8)))
    values["drop_last"] = draw(st.booleans())
    values["budget_value"] = draw(st.floats(0.1, 1e4) if values["budget"] == "seconds" else st.integers(1, 1_000))
    try:
        return RunConfig(**values)
    except ConfigError as error:
        # Only joint problems can occur here. Apply the remedies of those that have one.
        remedies = {name: value for problem in error.problems for name, value in problem.remedy.items()}
        assume(remedies)
    try:
        return RunConfig(**values | remedies)
    except ConfigError:
        assume(False)
        raise


@given(runs())
def test_a_run_written_as_json_reads_back_equal(run: RunConfig) -> None:
    assert RunConfig.from_json(run.to_json()) == run
    assert set(json.loads(run.to_json())) == set(FIELDS)


@given(runs())
def test_a_run_written_as_the_text_of_a_url_reads_back_equal(run: RunConfig) -> None:
    texts = {name: str(value) for name, value in run.to_dict().items()}
    texts["hidden"] = "-".join(map(str, run.hidden))
    assert RunConfig.from_mapping(texts) == run


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=4))
def test_any_values_give_a_run_or_a_message(values: dict[str, Any]) -> None:
    _, problems = parse(values)
    assert all(str(ConfigError(problem)) for problem in problems)
    try:
        run = RunConfig.from_mapping(values)
    except ConfigError:
        return
    assert RunConfig.from_json(run.to_json()) == run


def test_a_number_too_large_for_a_float_is_refused_with_a_message() -> None:
    with pytest.raises(ConfigError, match="^lr must be"):
        RunConfig.from_json('{"lr": 1' + "0" * 400 + "}")
