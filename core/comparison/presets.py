"""Name comparisons: the article's pair, and common mistakes next to their fixes. No torch.

The page shows each as it was recorded: run `python -m core compare --record --preset NAME` after a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.run.config import RunConfig

PHOTOS = RunConfig(memory_limit_mb=4.0)
MIXTURE = RunConfig(
    dataset="mixture",
    model="linear",
    optimizer="sgd",
    weight_decay=1e-3,
    schedule="constant",
    budget="epochs",
    budget_value=4,
)
LARGE_TO_SMALL = "large_to_small"  # a high rate, a low one, and one that falls from the high one to 0


@dataclass(frozen=True)
class Preset:
    """A named comparison: a first arm and, for each other arm, the settings that differ from it.

    In all presets but the first three, the first arm is the mistake and the other arm the one change that fixes it.
    """

    name: str
    first: RunConfig
    others: tuple[Mapping[str, Any], ...]

    @property
    def arms(self) -> tuple[RunConfig, ...]:
        return (self.first, *(self.first.replace(**changes) for changes in self.others))


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("article", PHOTOS, ({"batch_size": 1_000},)),
        Preset("noise", MIXTURE.replace(batch_size=16, lr=8.0), ({"batch_size": 256},)),
        Preset(LARGE_TO_SMALL, MIXTURE.replace(batch_size=16, lr=8.0), ({"lr": 0.5}, {"schedule": "cosine"})),
        Preset("rate_too_high", PHOTOS.replace(lr=2.0), ({"lr": 0.05},)),
        Preset("rate_too_low", PHOTOS.replace(lr=0.0005), ({"lr": 0.05},)),
        Preset("whole_set", PHOTOS.replace(batch_size=10_000, memory_limit_mb=64.0), ({"batch_size": 100},)),
        Preset(
            "decay_too_early",
            PHOTOS.replace(schedule="exponential", schedule_batch_size=1_000),
            ({"schedule_batch_size": None},),
        ),
        Preset(
            "wrong_horizon",
            MIXTURE.replace(batch_size=16, lr=8.0, schedule="linear", schedule_batch_size=4),
            ({"schedule_batch_size": None},),
        ),
        Preset(
            "tiny_batch_norm",
            PHOTOS.replace(dataset="digits", norm="batch", batch_size=2, drop_last=True, budget_value=1),
            ({"norm": "layer"},),
        ),
        Preset("too_few_updates", PHOTOS.replace(batch_size=1_000, budget_value=1), ({"batch_size": 50},)),
        Preset("beyond_curvature", MIXTURE.replace(batch_size=2_048, lr=128.0, budget_value=20), ({"lr": 64.0},)),
    )
}
