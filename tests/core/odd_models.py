"""Models that cannot be trained, each for another reason, and some that can though they are unusual."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

instance = nn.Linear(40, 10)
number = 7


class outer:  # noqa: N801
    """A place for a class within another, which a dotted name finds."""

    class Inner(nn.Linear):
        def __init__(self) -> None:
            super().__init__(40, 10)


def rows() -> nn.Module:
    return nn.Linear(40, 10)


def wide() -> nn.Module:
    return nn.Sequential(nn.Linear(40, 7_000), nn.ReLU(), nn.Linear(7_000, 10))


def needs_a_width(width: int) -> nn.Module:
    return nn.Linear(width, 10)


def fails() -> nn.Module:
    raise ValueError("no weights\nhere")


def leaves() -> nn.Module:
    raise SystemExit("usage: model")


def no_module() -> Any:
    return {"layers": 3}


def no_parameters() -> nn.Module:
    return nn.Flatten()


def all_frozen() -> nn.Module:
    return nn.Linear(40, 10).requires_grad_(False)


class Sequence(nn.Module):
    """Puts out three dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 10)

    def forward(self, rows: Tensor) -> Tensor:
        return self.layer(rows.view(-1, 5, 8))  # type: ignore[no-any-return]


class Pair(nn.Module):
    """Returns its output and one more value."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(40, 10)

    def forward(self, rows: Tensor) -> dict[str, Any]:
        scores = self.layer(rows)
        return {"scores": scores, "norms": [scores.norm(dim=1)], "answers": scores.argmax(1), "name": "pair"}


class Answers(nn.Module):
    """Puts out whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(40, 10)

    def forward(self, rows: Tensor) -> Tensor:
        return torch.argmax(self.layer(rows), 1)


class FineTuned(nn.Module):
    """A frozen body and a head that is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, 64)).requires_grad_(False)
        self.head = nn.Linear(64, 10)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(torch.relu(self.body(rows)))  # type: ignore[no-any-return]


class Sparse(nn.Module):
    """An embedding whose gradient has the rows that were used alone."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5_000, 16, sparse=True)
        self.output = nn.Linear(16, 10)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.output(self.embedding(tokens).mean(1))  # type: ignore[no-any-return]


class Contrastive(nn.Module):
    """Compares every example with every other, so that bytes grow with the square of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(40, 10)

    def forward(self, rows: Tensor) -> Tensor:
        scores = self.layer(rows)
        return (scores @ scores.T).softmax(1)  # type: ignore[no-any-return]


class ContrastiveOfSome(Contrastive):
    """Compares the examples that its data pick, which fake tensors cannot do."""

    def forward(self, rows: Tensor) -> Tensor:
        return super().forward(rows[(rows[:, 0] < 1).nonzero()[:, 0]])


class InParts(nn.Module):
    """Goes through its batch in parts of 32, and so does more in a larger one."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(40, 256), nn.Linear(256, 10)

    def forward(self, rows: Tensor) -> Tensor:
        return torch.cat([self.output(self.hidden(part).relu()) for part in rows.split(32)])


class NormOfOneValue(nn.Module):
    """Normalises one value a channel and example, which a batch of one cannot be trained on."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm, self.output = nn.Linear(40, 4_096), nn.BatchNorm1d(4_096), nn.Linear(4_096, 10)

    def forward(self, rows: Tensor) -> Tensor:
        return self.output(self.norm(self.layer(rows)))  # type: ignore[no-any-return]


class TwiceThrough(nn.Sequential):
    """A sequence that runs its layers in a different order."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(40, 512), nn.ReLU(), nn.Linear(512, 40))

    def forward(self, rows: Tensor) -> Tensor:
        return super().forward(super().forward(rows))  # type: ignore[no-any-return]


class Capped(nn.Module):
    """Takes no more than 64 examples."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(40, 10)

    def forward(self, rows: Tensor) -> Tensor:
        if len(rows) > 64:
            raise ValueError(f"at most 64 rows, got {len(rows)}")
        return self.layer(rows)  # type: ignore[no-any-return]


class CappedContrastive(Contrastive):
    """Compares every example with every other, 64 at most."""

    def forward(self, rows: Tensor) -> Tensor:
        if len(rows) > 64:
            raise ValueError(f"at most 64 rows, got {len(rows)}")
        return super().forward(rows)


class CappedContrastiveOfSome(CappedContrastive):
    """Compares the examples that its data pick, 64 at most."""

    def forward(self, rows: Tensor) -> Tensor:
        return super().forward(rows[(rows[:, 0] < 1).nonzero()[:, 0]])
