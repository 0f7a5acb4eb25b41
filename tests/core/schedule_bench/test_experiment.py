"""The whole comparison: how rates are tuned, arms that diverge, and the results of a real run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from core.schedule_bench import experiment
from core.schedule_bench.arms import ARMS, DECAYS, RATES, TWIN
from core.schedule_bench.experiment import bench, best_rate
from core.schedule_bench.plans import rate_plan
from core.schedule_bench.results import Bench, load
from core.schedule_bench.training import Member, Path, train
from core.train.fingerprint import fingerprint
from tests.campaign import campaign

SEEDS, TUNED_ON = range(3), (3, 4, 5)
BEST, BEST_HERE = 4.0, 32.0  # on the tuning seeds, and on those of the comparison


class Fake:
    """Runs with known ends: the closer the peak is to the best rate of its seeds, the lower."""

    def __init__(self, diverging: Sequence[Member] = ()) -> None:
        self.calls: list[tuple[bool, list[Member]]] = []
        self.diverging = set(diverging)

    def __call__(self, members: Sequence[Member], batch_size: int, progress: Any, *, follow: bool = True) -> list[Path]:
        self.calls.append((follow, list(members)))
        paths = []
        for member in members:
            best = BEST if member.seed in TUNED_ON else BEST_HERE
            end = 1e-3 * (1 + abs(math.log2(member.peak / best))) * (1 + 0.01 * member.seed)
            if member in self.diverging:
                end = math.inf
            plan = rate_plan(member.arm, batch_size)
            points = len(plan.marks) if follow else 1
            paths.append(Path(np.full(points, end), member.peak * plan.shares))
        return paths


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake()
    monkeypatch.setattr(experiment, "train", made)
    return made


def run_fake() -> Bench:
    return bench(256, SEEDS, lambda share: None)


def test_rates_are_tuned_on_other_seeds_only(fake: Fake) -> None:
    found = run_fake()
    assert {each.peak for each in found.tuned.values()} == {BEST}  # not BEST_HERE, which would end lower
    tuning = {member.seed for follow, members in fake.calls if not follow for member in members}
    compared = {member.seed for follow, members in fake.calls if follow for member in members}
    assert tuning == set(TUNED_ON) == set(found.tuning_seeds)
    assert compared == set(SEEDS) == set(found.seeds)


def test_every_arm_tries_the_same_rates(fake: Fake) -> None:
    run_fake()
    tries = [
        (member.arm, member.peak, member.seed) for follow, members in fake.calls if not follow for member in members
    ]
    assert sorted(tries) == sorted((arm, rate, seed) for arm in ARMS for rate in RATES for seed in TUNED_ON)


def test_arms_train_at_their_best_peak_and_at_the_shared_one_and_the_twin_at_that_of_the_ramp(fake: Fake) -> None:
    run_fake()
    ((_, members),) = [call for call in fake.calls if call[0]]
    trained = [(member.arm, member.peak) for member in members if member.seed == 0]
    assert trained == [*((arm, BEST) for arm in ARMS), (TWIN, BEST), *((arm, 8.0) for arm in ARMS)]


def test_a_rate_at_which_one_seed_diverged_is_not_the_best() -> None:
    assert best_rate([1.0] * 5 + [0.1, 0.5] + [1.0] * 4) == RATES[5]
    assert best_rate([1.0] * 5 + [math.inf, 0.5] + [1.0] * 4) == RATES[6]


def test_an_arm_that_diverged_in_one_seed_keeps_its_other_seeds(fake: Fake) -> None:
    fake.diverging = {Member("step", 1, BEST)}
    found = run_fake()
    step = found.tuned["step"]
    assert (step.end, step.end_low, step.diverged, len(step.ends)) == (None, None, 1, 3)
    compared = found.against["step"]
    assert (compared.ratio, compared.diverged) == (None, (0, 1))
    assert compared.p == 1.0  # one seed worse and two equal
    assert found.tuned["linear"].end is not None
    assert Bench.from_dict(found.to_dict()) == found


def test_arms_are_compared_with_constant_and_decays_with_each_other(fake: Fake) -> None:
    found = run_fake()
    assert list(found.against) == list(found.against_alike) == [arm for arm in ARMS if arm != "constant"]
    pairs = [(each.first, each.second) for each in found.equal]
    assert len(pairs) == len(set(pairs)) == 15 + 1
    assert {arm for pair in pairs[:-1] for arm in pair} == set(DECAYS)
    assert pairs[-1] == (TWIN, "ramp")


# What really comes out. One fresh run of the quickest size; the file has them all.


def test_the_shipped_ends_match_new_runs_at_the_same_peaks() -> None:
    shipped, seeds = load()[256], range(2)
    members = [Member(arm, seed, shipped.tuned[arm].peak) for arm in ARMS for seed in seeds]
    ends = [path.excess[-1] for path in train(members, 256, lambda share: None, follow=False)]
    assert ends == pytest.approx([shipped.tuned[member.arm].ends[member.seed] for member in members], rel=0.02)


@pytest.fixture(scope="module")
def fresh() -> Bench:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = bench(256, range(10), lambda share: None)
    torch.set_num_threads(threads)
    return found


@pytest.fixture(params=["shipped", *campaign(["fresh"])])
def results(request: pytest.FixtureRequest) -> dict[int, Bench]:
    """Return the results by batch size, shipped or with those of a fresh run."""
    return load() if request.param == "shipped" else {**load(), 256: request.getfixturevalue("fresh")}


@pytest.mark.campaign
def test_the_shipped_results_match_a_fresh_run(fresh: Bench) -> None:
    shipped = load()[256]
    assert shipped.seeds == fresh.seeds
    assert {arm: each.peak for arm, each in shipped.tuned.items()} == {
        arm: each.peak for arm, each in fresh.tuned.items()
    }
    exactly = {**fingerprint(), "threads": 1} == shipped.fingerprint
    for arm in ARMS:
        for one, other in ((shipped.tuned[arm], fresh.tuned[arm]), (shipped.alike[arm], fresh.alike[arm])):
            assert one.ends == pytest.approx(other.ends, rel=1e-5 if exactly else 0.02)
            assert one.exact == pytest.approx(other.exact, rel=1e-3)


@pytest.mark.parametrize("batch_size", [16, 64, 256])
def test_decays_end_closer_than_a_constant_rate(batch_size: int, results: dict[int, Bench]) -> None:
    """Step is the exception: its early, deep fall leaves too much of the start."""
    found = results[batch_size]
    for arm in ("exponential", "linear", "cosine", "one-cycle", "wsd", "ramp"):
        compared = found.against[arm]
        assert compared.ratio is not None
        assert compared.ratio < 0.85, arm
        assert compared.p_adjusted < 0.05, arm
    step = found.against["step"]
    assert step.ratio is not None
    assert 1.0 < step.ratio < 1.35
    ends = {arm: each.end for arm, each in found.tuned.items() if each.end is not None}
    assert min(ends, key=ends.__getitem__) == "exponential"


@pytest.mark.parametrize("batch_size", [16, 64, 256])
def test_a_growing_batch_equals_its_twin(batch_size: int, results: dict[int, Bench]) -> None:
    found = results[batch_size]
    (twin,) = [each for each in found.equal if each.first == TWIN]
    assert twin.equivalent
    assert twin.ratio == pytest.approx(1, abs=0.03)


def test_at_one_rate_decay_helps_the_small_batch_and_hurts_the_large_one() -> None:
    ratios = {size: found.against_alike["cosine"].ratio for size, found in load().items()}
    assert [size for size, ratio in sorted(ratios.items()) if ratio is not None and ratio < 0.5] == [16, 64]
    assert ratios[16] == pytest.approx(0.087, rel=0.3)
    assert ratios[64] == pytest.approx(0.22, rel=0.3)
    assert ratios[256] == pytest.approx(2.6, rel=0.3)


def test_the_expectation_is_accurate_where_nothing_remains_of_the_start() -> None:
    small = load()[16]
    for each in (*small.alike.values(), small.tuned["exponential"]):
        assert abs(each.off) < 0.12, each.arm
        assert each.start_left < 0.1 * each.exact[-1], each.arm
    ends = np.array(small.tuned["exponential"].ends)
    error = ends.std(ddof=1) / len(ends) ** 0.5 / ends.mean()
    assert abs(small.tuned["exponential"].off) < 2 * error < 0.2
    assert small.tuned["wsd"].off > 0.5  # and it is said where it is not
    assert small.tuned["wsd"].start_left > 0.3 * small.tuned["wsd"].exact[-1]


def test_the_lowest_and_the_highest_rate_tried_are_edges() -> None:
    found = load()[16]
    for peak, is_edge in ((RATES[0], True), (RATES[1], False), (RATES[-1], True)):
        moved = replace(found, tuned=dict(found.tuned) | {"cosine": replace(found.tuned["cosine"], peak=peak)})
        assert moved.is_at_the_edge("cosine") == is_edge


def test_no_best_rate_is_at_an_edge() -> None:
    assert [(size, arm) for size, found in load().items() for arm in ARMS if found.is_at_the_edge(arm)] == []
