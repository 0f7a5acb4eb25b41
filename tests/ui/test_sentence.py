"""The arithmetic in the person's own numbers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core.config import RunConfig
from ui.sentence import arithmetic


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "10,000 examples ÷ 100 a batch = 100 batches → 100 updates per epoch × 5 epochs = 500 updates"),
        ({"batch_size": 1_000},
         "10,000 examples ÷ 1,000 a batch = 10 batches → 10 updates per epoch × 5 epochs = 50 updates"),
        ({"batch_size": 10_000, "budget_value": 1},
         "10,000 examples ÷ 10,000 a batch = 1 batch → 1 update per epoch × 1 epoch = 1 update"),
        ({"batch_size": 300}, "10,000 examples ÷ 300 a batch = 34 batches (the last one of 100) "
         "→ 34 updates per epoch × 5 epochs = 170 updates"),
        ({"batch_size": 300, "drop_last": True}, "10,000 examples ÷ 300 a batch = 33 batches (the last 100 dropped) "
         "→ 33 updates per epoch × 5 epochs = 165 updates"),
        ({"accumulate": 8}, "10,000 examples ÷ 100 a batch = 100 batches ÷ 8 accumulated "
         "→ 13 updates per epoch × 5 epochs = 65 updates"),
        ({"budget": "updates", "budget_value": 250}, "10,000 examples ÷ 100 a batch = 100 batches "
         "→ 100 updates per epoch; a budget of 250 updates is 2.5 epochs"),
        ({"budget": "examples", "budget_value": 10_050}, "10,000 examples ÷ 100 a batch = 100 batches "
         "→ 100 updates per epoch; 10,050 examples are 101 updates"),
        ({"budget": "seconds", "budget_value": 2.5}, "10,000 examples ÷ 100 a batch = 100 batches "
         "→ 100 updates per epoch; how many fit into 2.5 seconds is timed at the start"),
    ],
)  # fmt: skip
def test_the_sentence_says_what_will_happen(settings: dict[str, Any], said: str) -> None:
    assert re.sub(r"\*\*|:blue\[|\]", "", arithmetic(RunConfig(**settings))) == said
