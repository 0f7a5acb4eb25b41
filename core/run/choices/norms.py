"""Define the normalisations, one record each, with the layer for each kind of values. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.run.choices.named import Call

Values = Literal["features", "channels"]  # each example has one value per feature, or one image per channel
Layer = Callable[[int], Call]  # takes the number of features or channels


@dataclass(frozen=True)
class NormSpec:
    """Every fact about a normalisation.

    code            name in a config, a URL and the store
    layers          the layer for each kind of values; a model accepts the norms that have one for its values
    mixes_examples  whether it averages over the examples of a batch and keeps running statistics
    """

    code: str
    layers: Mapping[Values, Layer] = field(default_factory=dict)
    mixes_examples: bool = False

    def least_batch_size(self, values: Values | None) -> int:
        """Return the smallest batch size for training: features of a single example have no variance."""
        return 2 if self.mixes_examples and values == "features" else 1


NONE = "none"
NORMS: dict[str, NormSpec] = {
    spec.code: spec
    for spec in (
        NormSpec(NONE),
        NormSpec(
            "batch",
            {
                "features": lambda width: Call("torch.nn.BatchNorm1d", (width,)),
                "channels": lambda channels: Call("torch.nn.BatchNorm2d", (channels,)),
            },
            mixes_examples=True,
        ),
        NormSpec(
            "layer",
            {
                "features": lambda width: Call("torch.nn.LayerNorm", (width,)),
                "channels": lambda channels: Call("torch.nn.GroupNorm", (1, channels)),
            },
        ),
        NormSpec("group", {"channels": lambda channels: Call("torch.nn.GroupNorm", (4, channels))}),
    )
}
