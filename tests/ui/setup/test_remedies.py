"""What is said of remedies: the time of each as an interval, and the fastest only if one leads significantly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.forecast.records import Remedy
from core.run.config import RunConfig
from core.run.events import Peak
from ui.setup.remedies import fastest, interval

CONFIG = RunConfig(batch_size=1_000, memory_limit_mb=1)
PEAK = Peak(2**20, {}, "backward", "")
SMALLER = Remedy(("smaller_batch",), {"batch_size": 264}, PEAK, 38, 0.5, 0.75)
BFLOAT16 = Remedy(("bfloat16",), {"precision": "bfloat16"}, PEAK, 10, 0.027, 0.0271)


@pytest.mark.parametrize(("remedy", "said"), [(SMALLER, "0.5s to 0.8s"), (BFLOAT16, "27ms")])
def test_the_time_of_an_epoch_is_an_interval_or_one_value_if_both_ends_read_alike(remedy: Remedy, said: str) -> None:
    assert interval(remedy) == said


def test_a_fastest_option_is_named_only_if_its_lead_is_significant() -> None:
    assert fastest(CONFIG, [SMALLER, BFLOAT16]) == "These timings do not show that one option is the fastest."
    assert fastest(CONFIG, [SMALLER, replace(BFLOAT16, is_fastest=True)]) == (
        "An epoch is significantly faster with **bfloat16 autocast** than with any other option."
    )
    assert fastest(CONFIG, [SMALLER]) == ""
