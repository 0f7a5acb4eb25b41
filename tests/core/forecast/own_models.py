"""Eight custom models, each with a feature that makes its memory easy to miscount."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

TOKENS, IMAGE, ROW = ((12,), "int64"), ((3, 16, 16), "float32"), ((40,), "float32")
VOCABULARY = 50


class Recurrent(nn.Module):
    """An LSTM with two layers, which is a single operation of another library on a CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 24)
        self.lstm = nn.LSTM(24, 32, num_layers=2, batch_first=True)
        self.output = nn.Linear(32, 10)

    def forward(self, tokens: Tensor) -> Any:
        return self.output(self.lstm(self.embedding(tokens))[0][:, -1])


class Transformer(nn.Module):
    """A Transformer encoder with dropout, whose layers are copies of one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.output = nn.Linear(32, 10)

    def forward(self, tokens: Tensor) -> Any:
        return self.output(self.encoder(self.embedding(tokens)).mean(1))


class Block(nn.Module):
    """Two convolutions with a shortcut, so that the gradients of both paths are summed."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.last_norm = nn.BatchNorm2d(channels)

    def forward(self, images: Tensor) -> Any:
        inner = functional.relu(self.norm(self.first(images)))
        return functional.relu(images + self.last_norm(self.second(inner)))


def asleep() -> nn.Module:
    return residual().eval()


def row() -> nn.Module:
    return nn.Linear(4, 2)


def residual() -> nn.Module:
    blocks = (nn.Conv2d(3, 16, 3, padding=1), Block(16), Block(16))
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))


def depthwise() -> nn.Module:
    inner = (nn.Conv2d(3, 24, 1), nn.Conv2d(24, 24, 3, padding=1, groups=24), nn.ReLU(inplace=True))
    return nn.Sequential(*inner, nn.Conv2d(24, 16, 1), nn.Flatten(), nn.Linear(16 * 16 * 16, 10))


def strided() -> nn.Module:
    down = (nn.Conv2d(3, 12, 3, stride=2, padding=1), nn.ReLU())
    up = (nn.ConvTranspose2d(12, 6, 4, stride=2, padding=1), nn.ReLU())
    return nn.Sequential(*down, *up, nn.Flatten(), nn.Linear(6 * 256, 10))


def wide_kernels() -> nn.Module:
    inner = (nn.Conv2d(3, 3, 5, padding=2), nn.ReLU(), nn.Conv2d(3, 3, 5, padding=2))
    return nn.Sequential(*inner, nn.Flatten(), nn.Linear(3 * 256, 10))


class Tied(nn.Module):
    """An output layer that shares its weights with the embedding: one storage, two gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 32)
        self.hidden = nn.Linear(32, 32)
        self.output = nn.Linear(32, VOCABULARY, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Any:
        return self.output(torch.tanh(self.hidden(self.embedding(tokens).mean(1))))


class ClampedExponential(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        result = torch.exp(value.clamp(max=3))
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        (result,) = ctx.saved_tensors
        return gradient * result


class Custom(nn.Module):
    """An operation with a custom backward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(40, 30)
        self.second = nn.Linear(30, 10)

    def forward(self, rows: Tensor) -> Any:
        return self.second(ClampedExponential.apply(self.first(rows)))


class Picky(nn.Module):
    """Selects rows of its batch by their values, so that fake tensors do not know how many."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(40, 30)
        self.second = nn.Linear(30, 10)

    def forward(self, rows: Tensor) -> Any:
        hidden = self.first(rows)
        positive = hidden[hidden[:, 0] > -100.0]
        return self.second(hidden) + self.second(torch.tanh(positive)).mean()


class Language(nn.Module):
    """Scores of the next token at every position: (B, T, V)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 24)
        self.hidden = nn.Linear(24, 48)
        self.output = nn.Linear(48, VOCABULARY)

    def forward(self, tokens: Tensor) -> Any:
        return self.output(torch.relu(self.hidden(self.embedding(tokens))))


def segments() -> nn.Module:
    """Scores of five classes at every pixel: (B, 5, H, W)."""
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 5, 3, padding=1))


MODELS: dict[str, tuple[tuple[int, ...], str]] = {
    "Recurrent": TOKENS,
    "Transformer": TOKENS,
    "residual": IMAGE,
    "depthwise": IMAGE,
    "strided": IMAGE,
    "wide_kernels": IMAGE,
    "Tied": TOKENS,
    "Custom": ROW,
}
