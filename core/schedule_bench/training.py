"""Train arms at many seeds and peak rates at once, and follow the loss of each above the optimum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.ensemble import Ensemble
from core.run.batching import updates_per_epoch
from core.schedule_bench.arms import EXAMPLES, FEEDBACK
from core.schedule_bench.plans import Stage, rate_plan, stages
from core.science.convex import DIVERGED, MIXTURE
from core.science.trials import Progress
from core.train.trainer import plateau_rule

Floats = NDArray[np.float64]

NEW_ORDER = 2**24  # offset between the seeds of two stages, so that each stage draws its own order
REPORT_EVERY = 32  # updates


@dataclass(frozen=True)
class Member:
    """One run: an arm, a seed for data and order, and a peak rate."""

    arm: str
    seed: int
    peak: float


@dataclass(frozen=True)
class Path:
    """The result of one run: its excess loss at the marks of its plan, or only at the end, and the rate of each update.

    The excess is infinite where the run diverged.
    """

    excess: Floats
    rates: Floats


def part(progress: Progress, begin: float, end: float) -> Progress:
    """Return the progress of a part of the work that lies between two shares of the whole."""
    return lambda share: progress(begin + (end - begin) * share)


def train(members: Sequence[Member], batch_size: int, progress: Progress, *, follow: bool = True) -> list[Path]:
    """Train members whose arms start with this batch size; return a path for each.

    Without `follow` only the ends are evaluated.
    """
    groups: dict[tuple[Stage, ...], list[int]] = {}
    for number, member in enumerate(members):
        groups.setdefault(stages(member.arm, batch_size), []).append(number)
    lengths = {parts: sum(stage.updates for stage in parts) for parts in groups}
    planned, done = sum(lengths.values()), 0
    paths: dict[int, Path] = {}
    for parts, numbers in groups.items():
        share = part(progress, done / planned, (done + lengths[parts]) / planned)
        some = [members[number] for number in numbers]
        paths |= zip(numbers, _train(some, batch_size, parts, share, follow=follow), strict=True)
        done += lengths[parts]
    return [paths[number] for number in range(len(members))]


def _train(
    members: Sequence[Member], batch_size: int, parts: Sequence[Stage], progress: Progress, *, follow: bool
) -> list[Path]:
    """Train members with the same stages, as one ensemble in each stage."""
    plans = [rate_plan(member.arm, batch_size) for member in members]
    shares = torch.from_numpy(np.stack([each.shares for each in plans], axis=1))
    marks = set((plans[0].marks if follow else plans[0].marks[-1:]).tolist())
    sets, plateaus = Sets([member.seed for member in members]), Plateaus(members)
    peaks = torch.tensor([member.peak for member in members], dtype=torch.float64)
    weights = torch.zeros(())
    excess, rates, made = [], [], 0
    for number, stage in enumerate(parts):
        ensemble = _ensemble(members, stage, number, weights)
        (weights,) = ensemble.parameters
        if 0 in marks and not number:
            excess.append(sets.excess(weights))
        for update in range(1, stage.updates + 1):
            rates.append(peaks * shares[made])
            ensemble.update(rates[-1])
            made += 1
            if made in marks:
                excess.append(sets.excess(weights))
            if plateaus and update % updates_per_epoch(EXAMPLES, stage.batch_size) == 0:
                peaks = plateaus.note(sets.validation_losses(weights), peaks)
            if made % REPORT_EVERY == 0:
                progress(made / len(shares))
    along, used = np.stack(excess, axis=1), torch.stack(rates, dim=1).numpy()
    return [Path(*each) for each in zip(along, used, strict=True)]


def _ensemble(members: Sequence[Member], stage: Stage, number: int, weights: Tensor) -> Ensemble:
    """Return the runs of a stage, which start from these weights; the caller gives the rate of each update."""
    shape = MIXTURE.config.replace(batch_size=stage.batch_size, budget_value=stage.epochs, sampling="iid")
    configs = [shape.replace(seed=member.seed + number * NEW_ORDER) for member in members]
    seeds = [member.seed for member in members]
    shared = (
        seeds[:1] if len(set(seeds)) == 1 else seeds
    )  # the data of a single seed are shared, those of several are copied
    return Ensemble(configs, [MIXTURE.problem(seed).data for seed in shared], start=[weights])


class Plateaus:
    """PyTorch's plateau rule for each member that has one; false if none has."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._rules = {
            number: plateau_rule(member.peak) for number, member in enumerate(members) if member.arm in FEEDBACK
        }

    def __bool__(self) -> bool:
        return bool(self._rules)

    def note(self, losses: Tensor, peaks: Tensor) -> Tensor:
        """Apply the rules to the evaluation losses (M,) of an epoch; return the new peaks, (M,)."""
        now = peaks.clone()
        for number, rule in self._rules.items():
            rule.step(losses[number].item())
            now[number] = rule.optimizer.param_groups[0]["lr"]
        return now


class Sets:
    """The data of many runs by seed; models of one seed are evaluated in one matrix product."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self._places = {seed: torch.tensor([n for n, each in enumerate(seeds) if each == seed]) for seed in set(seeds)}

    def excess(self, weights: Tensor) -> Floats:
        """Return how far the objective of each of the weights (M, classes, features) is above its minimum, (M,)."""
        above = weights.new_empty(len(weights))
        decay = MIXTURE.config.weight_decay / 2 * weights.square().flatten(1).sum(1)
        for seed, places in self._places.items():
            given = MIXTURE.problem(seed)
            losses = _mean_losses(weights[places], given.data.train_inputs, given.data.train_targets)
            above[places] = losses + decay[places] - given.optimum.loss
        return above.where(above < DIVERGED, torch.inf).numpy()  # NaN becomes infinite too

    def validation_losses(self, weights: Tensor) -> Tensor:
        """Return the loss of each over its validation set, (M,), as `core.train.trainer.Trainer.evaluate` does."""
        losses = weights.new_empty(len(weights))
        for seed, places in self._places.items():
            data = MIXTURE.problem(seed).data
            losses[places] = _mean_losses(weights[places], data.validation_inputs, data.validation_targets)
        return losses


def _mean_losses(weights: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of each of the weights (M, classes, features) over one set, (M,)."""
    outputs = (inputs @ weights.flatten(0, 1).T).view(len(inputs), *weights.shape[:2])
    right = outputs.gather(2, targets[:, None, None].expand(-1, len(weights), 1)).squeeze(2)
    mean: Tensor = (outputs.logsumexp(2) - right).mean(0)
    return mean
