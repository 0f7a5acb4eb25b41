"""Say what came out of the bench in the words of a catalogue. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from core.schedule_bench.arms import CONSTANT, DECAYS, EXAMPLES, FEEDBACK, RAMP, TWIN
from core.schedule_bench.courses import course, stages
from core.schedule_bench.results import Bench, Compared, Trained
from core.science.statistics import LEVEL, MARGIN
from core.science.telling import p_text
from core.words.catalogue import catalogue

Say = Callable[..., str]

SAME = 1.005  # times, below which a ratio is no longer told
LITTLE = 0.03  # of what is expected: not worth a number
DIVERGES = 1e3  # as a share: of a rate so far off the model says nothing else


def conclusions(bench: Bench, say: Say) -> list[str]:
    """Return what the tuned arms came to, a sentence each: decays beside the constant rate, each other, the ramp."""
    return [*beside_constant(bench.against, say), _among_decays(bench, say), _ramp(bench, say)]


def beside(compared: Compared, say: Say) -> str:
    """Return how an arm ends beside the constant rate: "1.7 times nearer"."""
    if compared.ratio is None:
        return say("bench.beside.diverged" if compared.diverged[1] else "bench.beside.constant_diverged")
    apart = max(compared.ratio, 1 / compared.ratio)
    if apart < SAME:
        return say("bench.beside.same")
    return say(f"bench.beside.{'nearer' if compared.ratio < 1 else 'farther'}", times=times(apart))


def batches(benches: Sequence[Bench], arm: str, say: Say) -> str:
    """Return how much the batch size has to do with what an arm gains on the constant rate; nothing if one diverged."""
    tuned = [bench.against[arm].ratio for bench in benches]
    alike = {bench.batch_size: bench.against_alike[arm].ratio for bench in benches}
    known = [ratio for ratio in tuned if ratio is not None]
    with_one_rate = {size: ratio for size, ratio in alike.items() if ratio is not None}
    if len(known) < len(tuned) or len(with_one_rate) < len(alike):
        return ""
    is_same = math.log(max(known) / min(known)) < MARGIN
    said = [say(f"bench.batches.{'same' if is_same else 'differs'}")]
    smallest = min(with_one_rate)
    farther = [
        f"{bench.batch_size:,}"
        for bench in benches
        if _ratio(bench.against_alike[arm]) > SAME and bench.against_alike[arm].p_adjusted < LEVEL
    ]
    if with_one_rate[smallest] == min(with_one_rate.values()) < 1 / SAME:
        said.append(say("bench.batches.small", size=f"{smallest:,}"))
    if farther:
        sizes = say("bench.told.and").join(farther)
        said.append(say("bench.batches.farther_ramp" if arm == RAMP else "bench.batches.farther", sizes=sizes))
    return " ".join(said)


def about(arm: str, trained: Trained, batch_size: int, say: Say) -> str:
    """Return what an arm does, what a plateau did, and how far the exact expectation is off."""
    capped = arm == RAMP and any(stage.scale < 1 for stage in stages(arm, batch_size))
    parts = [say("bench.about.ramp.capped", examples=f"{EXAMPLES:,}") if capped else say(f"bench.about.{arm}")]
    if arm in FEEDBACK:
        share, seeds = trained.shares[-1], len(trained.ends)
        parts.append(
            say("bench.plateau.never", seeds=seeds)
            if share == 1
            else say("bench.plateau.ended", seeds=seeds, percent=f"{100 * share:.2g}")
        )
    if trained.end is not None:
        parts.append(_expected(trained, say))
    return " ".join(parts)


def off_text(off: float) -> str:
    """Return a share as a signed per cent: "+44%", "−1%"; as times where it is far off."""
    if not math.isfinite(off):
        return "\u221e"
    if off >= 1:
        return f"{1 + off:,.2g}\u00d7" if off < 1e3 else f"{1 + off:.0e}\u00d7"
    percent = round(100 * off)
    return f"{percent:+d}%".replace("-", "\u2212") if percent else "0%"


def _expected(trained: Trained, say: Say) -> str:
    """Return what the noisy quadratic model expects at the end, of what it is made, and how far off it is."""
    if not trained.off < DIVERGES:
        return say("bench.exact.diverges")
    exact, left = trained.exact[-1], trained.start_left
    percent = round(100 * abs(trained.off))
    direction = "none" if not percent else "below" if trained.off < 0 else "above" if trained.off < 1 else "times"
    off = say(f"bench.exact.off.{direction}", percent=percent, times=times(1 + trained.off))
    values = {"exact": f"{exact:.3g}", "measured": f"{trained.mean:.3g}", "off": off}
    if left < LITTLE * exact:
        return say("bench.exact.noise", **values)
    return say("bench.exact", left=f"{left:.2g}", noise=f"{exact - left:.2g}", **values)


def beside_constant(against: Mapping[str, Compared], say: Say) -> list[str]:
    """Return which decays end nearer to the optimum than the constant rate, which farther, and of which it is open."""
    found = {arm: against[arm] for arm in DECAYS}
    told = {arm for arm, each in found.items() if each.p_adjusted < LEVEL}
    nearer = [arm for arm in DECAYS if arm in told and _ratio(found[arm]) < 1]
    farther = [arm for arm in DECAYS if arm in told and arm not in nearer]
    left = [arm for arm in DECAYS if arm not in told]
    said = []
    if nearer:
        p = p_text(max(found[arm].p_adjusted for arm in nearer), catalogue())
        values = {"p": p, "tests": len(against)}
        gains = [1 / _ratio(found[arm]) for arm in nearer]
        if len(nearer) == len(DECAYS):
            said.append(say("bench.told.all_nearer", least=times(min(gains)), most=times(max(gains)), **values))
        else:
            said.append(say("bench.told.nearer", **_named(nearer, say), times=_range(gains, say), **values))
    else:
        said.append(say("bench.told.none_nearer"))
    if farther:
        losses = [_ratio(found[arm]) for arm in farther]
        said.append(say("bench.told.farther", **_named(farther, say), times=_range(losses, say)))
    if left and nearer:
        said.append(say("bench.told.open", arms=_named(left, say)["arms"]))
    return said


def _among_decays(bench: Bench, say: Say) -> str:
    pairs = [each for each in bench.equal if each.first != TWIN]
    values = {"equal": sum(each.equivalent for each in pairs), "pairs": len(pairs)}
    if any(each.ratio is None for each in pairs):
        return say("bench.told.pairs_diverged", **values)
    widest = max(pairs, key=lambda each: abs(math.log(_ratio(each))))
    near, far = widest.first, widest.second
    if _ratio(widest) < 1:
        near, far = far, near
    apart = times(max(_ratio(widest), 1 / _ratio(widest)))
    return say("bench.told.pairs", near=_within(near, say), far=_within(far, say), times=apart, **values)


def _ramp(bench: Bench, say: Say) -> str:
    (pair,) = (each for each in bench.equal if each.first == TWIN)
    counts = {
        name: f"{course(arm, bench.batch_size).updates:,}"
        for name, arm in (("updates", RAMP), ("twin_updates", CONSTANT))
    }
    if pair.ratio is None:
        return say("bench.told.twin_diverged", diverged=max(pair.diverged), seeds=len(bench.seeds))
    if pair.equivalent:
        percent = 100 * abs(pair.ratio - 1)
        return say("bench.told.twin", percent=f"{percent:.1g}" if percent < 1 else f"{percent:.0f}", **counts)
    is_apart = pair.low is not None and pair.high is not None and max(pair.low, 1 / pair.high) > math.exp(MARGIN)
    return say("bench.told.twin_not" if is_apart else "bench.told.twin_open", times=times(pair.ratio), **counts)


def _ratio(compared: Compared) -> float:
    """Return second / first; infinite where more of the second diverged, 0 where more of the first did."""
    if compared.ratio is not None:
        return compared.ratio
    first, second = compared.diverged
    return math.inf if second > first else 0.0


def _named(arms: Sequence[str], say: Say) -> dict[str, str]:
    """Return the arms as the subject of a sentence, and the verb that goes with it."""
    names = [say(f"bench.arm.{arm}") if not number else _within(arm, say) for number, arm in enumerate(arms)]
    listed = say("bench.told.and").join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return {"arms": listed, "verb": say(f"bench.told.ends.{'one' if len(arms) == 1 else 'many'}")}


def _within(arm: str, say: Say) -> str:
    """Return an arm's name as it stands within a sentence."""
    name = say(f"bench.arm.{arm}")
    return name[0].lower() + name[1:]


def _range(ratios: Sequence[float], say: Say) -> str:
    least, most = times(min(ratios)), times(max(ratios))
    if least == most:
        return say("bench.told.times.one", least=least)
    return say("bench.told.times.many", least=least, most=most)


def times(value: float) -> str:
    """Return a ratio with as many digits as tell it from 1."""
    if not math.isfinite(value):
        return "\u221e"
    return f"{value:.2f}" if value < 1.095 else f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"
