"""The runs of the comparison, against the trainer of single runs and plain PyTorch, in float64."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from core.schedule_bench.arms import WEIGHT_DECAY
from core.schedule_bench.plans import rate_plan
from core.schedule_bench.training import Member, Sets, train
from core.science.convex import MIXTURE
from core.science.optimum import objective
from core.train.trainer import Trainer

SIZE = 256


@pytest.fixture
def doubles() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def no_progress(share: float) -> None:
    pass


def excess(weights: torch.Tensor, seed: int) -> float:
    given = MIXTURE.problem(seed)
    inputs, targets = given.data.train_inputs, given.data.train_targets
    return float(objective(weights, inputs, targets, MIXTURE.config.weight_decay) - given.optimum.loss)


def one_by_one(member: Member) -> tuple[list[float], list[float]]:
    """Return the rates of a single run by the trainer, and its excess losses at the marks of its plan."""
    config = MIXTURE.config.replace(
        seed=member.seed, lr=member.peak, schedule=member.arm, batch_size=SIZE, budget_value=16, sampling="iid"
    )
    trainer = Trainer(config, MIXTURE.problem(member.seed).data)
    (weights,) = trainer.parameters
    weights.data.zero_()
    marks, rates, losses = set(rate_plan(member.arm, SIZE).marks.tolist()), [], [excess(weights.data, member.seed)]
    for made in range(1, trainer.horizon + 1):
        rates.append(trainer.rate())
        if trainer.update(rates[-1], torch.zeros(()), torch.zeros(())):
            trainer.note_evaluation(trainer.evaluate())
        if made in marks:
            losses.append(excess(weights.data, member.seed))
    return rates, losses


@pytest.mark.usefixtures("doubles")
def test_every_schedule_matches_the_trainer() -> None:
    """The trainer uses PyTorch's plateau rule with its own evaluations."""
    members = [
        Member("plateau", 0, 64.0),
        Member("plateau", 1, 64.0),
        Member("plateau", 1, 8.0),
        Member("cosine", 0, 16.0),
        Member("one-cycle", 1, 32.0),
        Member("step", 1, 4.0),
    ]
    paths = train(members, SIZE, no_progress)
    for member, path in zip(members, paths, strict=True):
        rates, losses = one_by_one(member)
        assert path.rates.tolist() == pytest.approx(rates, rel=1e-12), member
        assert path.excess.tolist() == pytest.approx(losses, rel=1e-6), member
    falls = [len(set(path.rates.tolist())) for path in paths[:2]]
    assert min(falls) >= 3  # the rule had to do something, or nothing was compared


@pytest.mark.usefixtures("doubles")
def test_a_growing_batch_is_plain_sgd_on_growing_batches() -> None:
    member, given = Member("ramp", 2, 16.0), MIXTURE.problem(2)
    inputs, targets = given.data.train_inputs, given.data.train_targets
    weights = torch.zeros(10, 21, requires_grad=True)
    for stage, (size, epochs, rate) in enumerate([(256, 8, 16.0), (1_024, 4, 16.0), (2_048, 4, 8.0)]):
        generator = torch.Generator().manual_seed(2 + stage * 2**24)
        optimizer = torch.optim.SGD([weights], lr=rate, weight_decay=1e-3)
        for _ in range(epochs):
            for batch in torch.randint(0, 2_048, (2_048,), generator=generator).split(size):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(inputs[batch] @ weights.T, targets[batch]).backward()
                optimizer.step()
    (path,) = train([member], SIZE, no_progress, follow=False)
    assert path.excess.tolist() == pytest.approx([excess(weights.detach(), 2)], rel=1e-6)
    assert len(path.rates) == 76


def test_a_run_is_the_same_alone_and_among_others_even_if_one_diverges() -> None:
    tame, wild = Member("linear", 1, 16.0), Member("constant", 1, 1e5)
    others = [Member("linear", 0, 16.0), Member("ramp", 1, 16.0)]
    (alone,) = train([tame], SIZE, no_progress)
    among, gone, *_ = train([tame, wild, *others], SIZE, no_progress)
    np.testing.assert_allclose(among.excess, alone.excess, rtol=1e-9)
    assert np.isinf(gone.excess[-1])
    assert gone.excess[0] == pytest.approx(alone.excess[0])


def test_without_follow_only_the_end_is_evaluated() -> None:
    member = Member("cosine", 0, 16.0)
    (path,), (followed,) = train([member], SIZE, no_progress, follow=False), train([member], SIZE, no_progress)
    assert path.excess.tolist() == followed.excess[-1:].tolist()
    assert len(followed.excess) == 65


def test_progress_rises_to_1_over_all_stages() -> None:
    shares: list[float] = []
    train([Member("constant", 0, 1.0), Member("ramp", 0, 1.0)], 64, shares.append, follow=False)
    assert shares == sorted(shares)
    assert len(shares) > 15
    assert 0.9 < shares[-1] <= 1


def test_many_models_are_evaluated_like_single_ones() -> None:
    weights = torch.randn(3, 10, 21, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    seeds = [1, 0, 1]
    found = Sets(seeds).excess(weights)
    assert found.tolist() == pytest.approx([excess(each, seed) for each, seed in zip(weights, seeds, strict=True)])
    far = torch.stack([weights[0], 1e4 * weights[1], weights[2] * torch.nan])
    assert Sets(seeds).excess(far).tolist() == [pytest.approx(excess(far[0], 1)), np.inf, np.inf]


def test_the_listed_weight_decay_is_that_of_the_problem() -> None:
    assert MIXTURE.config.weight_decay == WEIGHT_DECAY
