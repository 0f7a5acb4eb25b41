"""Check the first seed of an experiment."""

from __future__ import annotations

import pytest

from core.science.seeds import first_seed
from core.words.errors import ConfigError


@pytest.mark.parametrize(("given", "seed"), [("0", 0), (" 7 ", 7), ("1000000", 1_000_000)])
def test_a_whole_number_up_to_a_million_is_a_first_seed(given: str, seed: int) -> None:
    assert first_seed(given) == seed


@pytest.mark.parametrize(
    ("given", "value"), [("-1", "-1"), ("1000001", "1000001"), ("0.5", "'0.5'"), ("many", "'many'"), ("", "''")]
)
def test_anything_else_is_refused_with_its_bounds(given: str, value: str) -> None:
    with pytest.raises(ConfigError) as refused:
        first_seed(given)
    assert str(refused.value) == f"seed must be a whole number between 0 and 1,000,000, got {value}"
