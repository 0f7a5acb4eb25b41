"""The names of the arms of a comparison."""

from __future__ import annotations

from core.run.config import RunConfig
from ui.compare.names import arm_names

SIZES = [RunConfig(batch_size=size) for size in (100, 200, 300, 400)]


def test_arms_with_the_same_name_are_numbered_apart_from_names_that_have_a_number() -> None:
    assert arm_names(SIZES, ["A", "A", "A (1)", "B"]) == ["A (2)", "A (3)", "A (1)", "B"]
    assert arm_names(SIZES, ["A", "A (1)", "A (1)", "A"]) == ["A (2)", "A (1) (1)", "A (1) (2)", "A (3)"]
