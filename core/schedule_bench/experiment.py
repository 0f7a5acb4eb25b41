"""Run the bench at one batch size: tune and train every arm, predict its loss, and compare the ends."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from core.schedule_bench.arms import ARMS, CONSTANT, DECAYS, EPOCHS, FEEDBACK, ONE_RATE, RAMP, RATES, TWIN
from core.schedule_bench.plans import rate_plan
from core.schedule_bench.quadratic import quadratic
from core.schedule_bench.results import Bench, Compared, Trained, tuning_seeds
from core.schedule_bench.training import Member, Path, part, train
from core.science.convex import FIXED
from core.science.judge import judge
from core.science.statistics import interval
from core.science.trials import Arm, Pair, Progress
from core.train.fingerprint import fingerprint

Floats = NDArray[np.float64]
Ends = Mapping[str, tuple[float, ...]]  # one for each seed, by arm

DIGITS, ROUGH_DIGITS, END_DIGITS = 4, 3, 6  # significant digits stored of a line, of a band and of one seed's end
TUNED, FINISHED = 0.45, 0.95  # shares of the work done after tuning and after training


def bench(batch_size: int, seeds: Sequence[int], progress: Progress) -> Bench:
    """Run all arms at this batch size with these seeds; `progress` receives the share that is done, 0 to 1."""
    began = perf_counter()
    tried, expected = tune(batch_size, tuning_seeds(seeds), part(progress, 0.0, TUNED))
    peaks = {arm: best_rate(ends) for arm, ends in tried.items()}
    settings = [*peaks.items(), (TWIN, peaks[RAMP]), *((arm, ONE_RATE) for arm in ARMS)]
    members = [Member(arm, seed, peak) for arm, peak in settings for seed in seeds]
    paths = train(members, batch_size, part(progress, TUNED, FINISHED))
    exact = expectations(members, paths, batch_size)
    left = expectations(members, paths, batch_size, noisy=False)
    rows = [slice(first, first + len(seeds)) for first in range(0, len(members), len(seeds))]
    trained = [
        _trained(arm, peak, paths[row], exact[row], left[row]) for (arm, peak), row in zip(settings, rows, strict=True)
    ]
    tuned, twin, alike = trained[: len(ARMS)], trained[len(ARMS)], trained[len(ARMS) + 1 :]
    ends = {each.arm: each.ends for each in (*tuned, twin)}
    progress(1.0)
    return Bench(
        date=datetime.now(UTC).date(),
        fingerprint=fingerprint(),
        seeds=tuple(seeds),
        batch_size=batch_size,
        seconds=perf_counter() - began,
        curvature=max(float(quadratic(seed).curvatures[-1]) for seed in seeds),
        tuned={each.arm: each for each in tuned},
        alike={each.arm: each for each in alike},
        twin=twin,
        tried=tried,
        expected=expected,
        against=_against(ends),
        against_alike=_against({each.arm: each.ends for each in alike}),
        equal=_compare([*combinations(DECAYS, 2), (TWIN, RAMP)], ends),
    )


def tune(
    batch_size: int, seeds: Sequence[int], progress: Progress
) -> tuple[dict[str, tuple[float, ...]], dict[str, tuple[float, ...]]]:
    """Return for each arm its end at each of RATES, measured and predicted, as geometric means over the seeds.

    Every arm tries the same rates. The end is infinite at a rate at which a seed diverged.
    """
    ends, expected = np.empty((2, len(seeds), len(ARMS) * len(RATES)))
    for number, seed in enumerate(seeds):  # one after the other, so that the data of only one is in memory
        members = [Member(arm, seed, rate) for arm in ARMS for rate in RATES]
        share = part(progress, number / len(seeds), (number + 1) / len(seeds))
        paths = train(members, batch_size, share, follow=False)
        ends[number] = [path.excess[-1] for path in paths]
        expected[number] = [each[-1] for each in expectations(members, paths, batch_size)]
    found, should = (_mean(each).reshape(len(ARMS), len(RATES)) for each in (ends, expected))
    return (
        {arm: _rounded(row) for arm, row in zip(ARMS, found, strict=True)},
        {arm: _rounded(row) for arm, row in zip(ARMS, should, strict=True)},
    )


def best_rate(ends: Sequence[float]) -> float:
    """Return the rate of RATES with the lowest end."""
    return RATES[int(np.argmin(ends))]


def expectations(
    members: Sequence[Member], paths: Sequence[Path], batch_size: int, *, noisy: bool = True
) -> list[Floats]:
    """Return the loss that the noisy quadratic model predicts for each run at its plan's marks, for its actual rates.

    Without noise it is what remains of the start.
    """
    groups: dict[tuple[int, bool], list[int]] = {}
    for number, member in enumerate(members):
        groups.setdefault((member.seed, member.arm == RAMP), []).append(number)
    found: dict[int, Floats] = {}
    for (seed, _), numbers in groups.items():
        plan = rate_plan(members[numbers[0]].arm, batch_size)
        rates = [paths[number].rates for number in numbers]
        losses = quadratic(seed).losses(rates, plan.batch_sizes.tolist(), noisy=noisy)
        found |= zip(numbers, losses[plan.marks].T, strict=True)
    return [found[number] for number in range(len(members))]


def _trained(arm: str, peak: float, paths: Sequence[Path], exact: Sequence[Floats], left: Sequence[Floats]) -> Trained:
    excess = np.stack([path.excess for path in paths])
    ends = _rounded(excess[:, -1], END_DIGITS)
    summary: dict[str, float] = {}
    if np.isfinite(ends).all():
        logs = np.log(ends)
        low, high = interval(logs)
        summary = {"end": math.exp(logs.mean()), "end_low": math.exp(low), "end_high": math.exp(high)}
    shares: tuple[float, ...] = ()
    if arm in FEEDBACK:
        rates = np.stack([path.rates for path in paths]).mean(axis=0)
        shares = _rounded(rates.reshape(EPOCHS, -1)[:, 0] / peak)
    return Trained(
        arm,
        peak,
        ends,
        summary.get("end"),
        summary.get("end_low"),
        summary.get("end_high"),
        _rounded(_mean(excess)),
        _rounded(excess.min(axis=0), ROUGH_DIGITS),
        _rounded(excess.max(axis=0), ROUGH_DIGITS),
        _rounded(_mean(np.stack(exact))),
        _rounded(_mean(np.stack(left)))[-1],
        shares,
    )


def _against(ends: Ends) -> dict[str, Compared]:
    """Compare every other arm with the constant rate."""
    return {each.second: each for each in _compare([(CONSTANT, arm) for arm in ARMS if arm != CONSTANT], ends)}


def _compare(pairs: Sequence[tuple[str, str]], ends: Ends) -> tuple[Compared, ...]:
    """Compare arms seed by seed; the pairs form one family of tests."""
    trials = [
        Pair(f"{first}, {second}", "excess_loss", FIXED, Arm({}, ends[first]), Arm({}, ends[second]), "lower", 0.0)
        for first, second in pairs
    ]
    (outcomes,) = judge({"schedules": trials}).values()
    compared = []
    for (first, second), found in zip(pairs, outcomes, strict=True):
        assert found.p is not None  # every trial is a pair
        assert found.p_adjusted is not None
        compared.append(
            Compared(
                first,
                second,
                found.effect_ratio,
                found.low,
                found.high,
                found.p,
                found.p_adjusted,
                found.equivalent,
                found.diverged,
            )
        )
    return tuple(compared)


def _mean(values: Floats) -> Floats:
    """Return the geometric mean over the first axis; infinite where one value is."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(np.log(values).mean(axis=0)))


def _rounded(values: Floats, digits: int = DIGITS) -> tuple[float, ...]:
    return tuple(float(f"{value:.{digits}g}") for value in values)
