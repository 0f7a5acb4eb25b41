"""Check the format of p-values."""

from __future__ import annotations

import pytest

from core.science.telling import p_text
from core.words.catalogue import catalogue


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (None, ""),
        (1.0, "1"),
        (2 / 1024, "0.002"),
        (0.3515625, "0.35"),
        (0.0001, "0.0001"),
        (0.00004, "4\u00d710\u207b\u2075"),
    ],
)
def test_a_p_value_has_two_digits_or_one_if_below_0_0001(p: float | None, text: str) -> None:
    assert p_text(p, catalogue()) == text
