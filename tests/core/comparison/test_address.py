"""Arms as a text in a URL: written arms are read back, and any other text is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.comparison.address import read, write
from core.comparison.presets import PRESETS
from core.comparison.setup import LONGEST_NAME, Arm, clean_name
from core.run.config import FIELDS, RunConfig
from core.words.errors import ConfigError


def test_only_settings_that_differ_from_the_defaults_are_written() -> None:
    arms = (Arm(RunConfig()), Arm(RunConfig(batch_size=1_000, lr=0.5, hidden=(16, 8), drop_last=True)))
    assert write(arms) == "default;hidden:16-8,batch_size:1000,drop_last:true,lr:0.5"
    assert read(write(arms)) == arms
    assert read(write(())) == ()


@pytest.mark.parametrize("name", PRESETS)
def test_the_arms_of_presets_are_read_back(name: str) -> None:
    arms = tuple(Arm(config) for config in PRESETS[name].arms)
    assert read(write(arms)) == arms


@given(names=st.lists(st.text(max_size=LONGEST_NAME), min_size=1, max_size=6))
def test_every_name_is_read_back(names: list[str]) -> None:
    arms = tuple(Arm(RunConfig(batch_size=7), clean_name(name)) for name in names)
    assert read(write(arms)) == arms


def test_a_name_is_written_before_the_settings_and_kept_on_one_line() -> None:
    assert write([Arm(RunConfig(lr=0.5), "a, b: c;"), Arm(RunConfig(), "Low")]) == "name:a%2C b%3A c%3B,lr:0.5;name:Low"
    assert clean_name(" one\n\ttwo\x00 ") == "one two"
    with pytest.raises(ConfigError, match="can have at most 40 characters"):
        read(f"name:{'x' * 41}")


def test_six_named_arms_with_every_field_changed_can_be_read() -> None:
    arms = [Arm(RunConfig(**CHANGED | {"norm": "group", "budget": "examples"}), "\U0001f600" * LONGEST_NAME)] * 6
    assert list(read(write(arms))) == arms


CHANGED: dict[str, Any] = {
    "dataset": "digits",
    "model": "cnn",
    "hidden": (7,),
    "norm": "layer",
    "batch_size": 3,
    "accumulate": 2,
    "drop_last": True,
    "sampling": "iid",
    "optimizer": "adam",
    "lr": 1e-05,
    "momentum": 0.5,
    "weight_decay": 0.1,
    "schedule": "step",
    "warmup": 0.25,
    "schedule_batch_size": 50,
    "budget": "seconds",
    "budget_value": 7,
    "seed": 9,
    "memory_limit_mb": 4.5,
    "memory_margin_mb": 0.5,
    "target_loss": 0.2,
    "checkpointing": True,
    "precision": "bfloat16",
    "keep_losses": True,
    "evaluate_with_grad": True,
    "zero_in_place": True,
    "validate_whole": True,
}


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_is_read_back(name: str) -> None:
    arms = (Arm(RunConfig(**{name: CHANGED[name]})), Arm(RunConfig()))
    assert arms[0] != arms[1]
    assert read(write(arms)) == arms


@given(lr=st.floats(1e-6, 100.0), hidden=st.lists(st.integers(1, 512), max_size=3), limit=st.floats(1.0, 81_920.0))
def test_numbers_are_read_back_to_the_last_digit(lr: float, hidden: list[int], limit: float) -> None:
    arms = (Arm(RunConfig(lr=lr, hidden=tuple(hidden) or (8,), memory_limit_mb=limit)),)
    assert read(write(arms)) == arms


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("batch_size:0", "out_of_bounds"),
        ("size:3", "unknown_field"),
        ("batch_size", "not_arms"),
        (";", "not_arms"),
        ("batch_size:5,batch_size:7", "not_arms"),
        (",".join(f"a{number}:1" for number in range(900)), "not_arms"),
        (";".join(["default"] * 7), "too_many_arms"),
    ],
)
def test_any_other_text_is_refused(text: str, code: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text)
    assert refused.value.problems[0].code == code
