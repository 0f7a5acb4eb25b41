"""Draw batches at fixed weights and measure how long an update of each batch size would be."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from core.science.convex import MIXTURE
from core.science.expectation import kept_scatter
from core.science.trials import Arm, Exact, Findings, Line, Pair, Progress

SIZES = (1, 4, 16, 64, 256, 1_024)
SMALL, LARGE = 16, 256
DRAWS = 300
WITHIN = 4.0  # standard errors that slope and intercept may be off
FIXED = ("data", "weights", "rate")


def large_strides(seeds: Sequence[int], progress: Progress) -> Findings:
    """Test C7: draw 300 batches of each size halfway to the optimum; compare updates at one rate and a scaled one."""
    began = perf_counter()
    lengths: dict[int, list[float]] = {size: [] for size in SIZES}
    strays, lines = [], []
    for number, seed in enumerate(seeds, 1):
        gradients = _gradients(seed)
        generator = torch.Generator().manual_seed(seed)
        squares = [_squares(gradients, size, generator) for size in SIZES]
        for size, drawn in zip(SIZES, squares, strict=True):
            lengths[size].append(float(drawn.sqrt().mean()))
        means = torch.stack([drawn.mean() for drawn in squares])
        errors = torch.stack([drawn.std() for drawn in squares]) / DRAWS**0.5
        shares = torch.tensor([kept_scatter(size, len(gradients)) for size in SIZES], dtype=torch.float64)
        whole, scatter = gradients.mean(0).square().sum(), gradients.var(0, correction=0).sum()
        strays.append(_strays(shares, means, errors, torch.stack([whole, scatter])))
        if number == 1:
            law = (whole + scatter * shares).tolist()
            x = tuple(shares.tolist())
            lines = [Line("law", x, tuple(law)), Line("measured", x, tuple(means.tolist()), tuple(errors.tolist()))]
        progress(number / len(seeds))
    seconds = perf_counter() - began
    farthest = torch.stack(strays).abs().max(0).values.tolist()
    facts = {"draws": DRAWS, "intercept_errors": farthest[0], "slope_errors": farthest[1], "within": WITHIN}
    return Findings(
        [
            _pair("one_rate", FIXED, lengths, 1.0, seconds),
            _pair("scaled_rate", FIXED[:-1], lengths, LARGE / SMALL, seconds),
            Exact("gradient_law", FIXED[:-1], max(farthest) < WITHIN, seconds, facts, is_contrast=True),
        ],
        lines,
    )


def _pair(arm: str, fixed: tuple[str, ...], lengths: dict[int, list[float]], scale: float, seconds: float) -> Pair:
    first = Arm({"batch_size": SMALL, "lr": 1.0}, tuple(lengths[SMALL]))
    second = Arm({"batch_size": LARGE, "lr": scale}, tuple(scale * length for length in lengths[LARGE]))
    return Pair(arm, "update_length", fixed, first, second, "higher", seconds)


def _gradients(seed: int) -> Tensor:
    """Return the gradient of each example's loss (N, classes x features), halfway to the optimum."""
    given = MIXTURE.problem(seed)
    inputs, weights = given.data.train_inputs, given.optimum.weights / 2
    residuals = (inputs @ weights.T).softmax(1) - one_hot(given.data.train_targets, MIXTURE.config.spec.outputs)
    whole = residuals[:, :, None] * inputs[:, None, :] + MIXTURE.config.weight_decay * weights
    return whole.flatten(1)


def _squares(gradients: Tensor, batch_size: int, generator: torch.Generator) -> Tensor:
    """Return the squared norms (DRAWS,) of the mean gradients of batches drawn without replacement."""
    keys = torch.rand(DRAWS, len(gradients), generator=generator)
    chosen = keys.topk(batch_size, dim=1).indices
    batches = torch.zeros(DRAWS, len(gradients), dtype=gradients.dtype).scatter_(1, chosen, 1 / batch_size)
    return (batches @ gradients).square().sum(1)


def _strays(shares: Tensor, means: Tensor, errors: Tensor, law: Tensor) -> Tensor:
    """Return how many standard errors the measured intercept and slope are off the law, (2,)."""
    rows = torch.stack([torch.ones_like(shares), shares], dim=1) / errors[:, None]
    covariance = torch.linalg.inv(rows.T @ rows)
    found: Tensor = (covariance @ rows.T @ (means / errors) - law) / covariance.diagonal().sqrt()
    return found
