"""Describe the results of the bench in the words of a catalogue. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from core.schedule_bench.arms import CONSTANT, DECAYS, EXAMPLES, FEEDBACK, RAMP, TWIN
from core.schedule_bench.plans import rate_plan, stages
from core.schedule_bench.results import Bench, Compared, Trained
from core.science.statistics import LEVEL, MARGIN
from core.science.telling import MINUS, p_text
from core.words.catalogue import Catalogue

SAME = 1.005  # ratios below this count as equal
LITTLE = 0.03  # share of the expectation below which what remains of the start is not given
DIVERGES = 1e3  # relative error from which the model is said to diverge


def conclusions(bench: Bench, words: Catalogue) -> list[str]:
    """Return conclusions on the tuned arms: decays against the constant rate and each other, then the ramp."""
    return [*against_constant(bench.against, words), *_among_decays(bench, words), _ramp(bench, words)]


def relative_distance(compared: Compared, words: Catalogue) -> str:
    """Return how far from the optimum an arm ends relative to the constant rate: "1.7 times closer"."""
    if compared.ratio is None:
        return words.say("schedules.ratio.diverged" if compared.diverged[1] else "schedules.ratio.constant_diverged")
    apart = max(compared.ratio, 1 / compared.ratio)
    if apart < SAME:
        return words.say("schedules.ratio.same")
    key = "schedules.ratio.closer" if compared.ratio < 1 else "schedules.ratio.farther"
    return words.say(key, times=times(apart, words))


def batch_dependence(benches: Sequence[Bench], arm: str, words: Catalogue) -> str:
    """Return how an arm's gain over the constant rate depends on the batch size; "" if a run diverged."""
    tuned = [bench.against[arm].ratio for bench in benches]
    alike = {bench.batch_size: bench.against_alike[arm].ratio for bench in benches}
    known = [ratio for ratio in tuned if ratio is not None]
    with_one_rate = {size: ratio for size, ratio in alike.items() if ratio is not None}
    if len(known) < len(tuned) or len(with_one_rate) < len(alike):
        return ""
    is_same = math.log(max(known) / min(known)) < MARGIN
    sentences = [words.say("schedules.batches.same" if is_same else "schedules.batches.differs")]
    smallest = min(with_one_rate)
    if with_one_rate[smallest] == min(with_one_rate.values()) < 1 / SAME:
        sentences.append(words.say("schedules.batches.small", size=smallest))
    farther = [
        words.number(bench.batch_size)
        for bench in benches
        if _ratio(bench.against_alike[arm]) > SAME and bench.against_alike[arm].p_adjusted < LEVEL
    ]
    if farther:
        key = "schedules.batches.farther_ramp" if arm == RAMP else "schedules.batches.farther"
        sentences.append(words.count(key, len(farther), sizes=words.listed(farther)))
    return " ".join(sentences)


def about(arm: str, trained: Trained, batch_size: int, words: Catalogue) -> str:
    """Return what an arm does, what a plateau did, and how well the noisy quadratic model predicts its end."""
    is_capped = arm == RAMP and any(stage.scale < 1 for stage in stages(arm, batch_size))
    sentences = [
        words.say("schedules.about.ramp.capped", examples=EXAMPLES)
        if is_capped
        else words.say(f"schedules.about.{arm}")
    ]
    if arm in FEEDBACK:
        share, seeds = trained.shares[-1], len(trained.ends)
        percent = words.percent(share, 0 if share >= 0.095 else 1)
        sentences.append(
            words.say("schedules.plateau.never", seeds=seeds)
            if share == 1
            else words.say("schedules.plateau.ended", seeds=seeds, percent=percent)
        )
    if trained.end is not None:
        sentences += _predicted(trained, words)
    return " ".join(sentences)


def error_text(off: float, words: Catalogue) -> str:
    """Return a relative error as a signed percentage, "+44%" or "\u22121%", and a large one as a factor."""
    if not math.isfinite(off):
        return "\u221e"
    if off >= 1:
        return f"{words.formatted(1 + off, ',.2g' if off < 1e3 else '.0e')}\u00d7"
    percent = round(100 * off)
    return ("" if not percent else "+" if percent > 0 else MINUS) + words.percent(abs(percent) / 100)


def against_constant(against: Mapping[str, Compared], words: Catalogue) -> list[str]:
    """Return which decays end closer to the optimum than the constant rate, which farther, and which undecided."""
    found = {arm: against[arm] for arm in DECAYS}
    decided = {arm for arm, each in found.items() if each.p_adjusted < LEVEL}
    closer = [arm for arm in DECAYS if arm in decided and _ratio(found[arm]) < 1]
    farther = [arm for arm in DECAYS if arm in decided and arm not in closer]
    undecided = [arm for arm in DECAYS if arm not in decided]
    sentences = []
    if closer:
        p = p_text(max(found[arm].p_adjusted for arm in closer), words)
        gains = [1 / _ratio(found[arm]) for arm in closer]
        sentences.append(_all_or_some("closer", closer, gains, words, p=p, tests=len(against)))
    else:
        sentences.append(words.say("schedules.closer.none"))
    if farther:
        sentences.append(_all_or_some("farther", farther, [_ratio(found[arm]) for arm in farther], words))
    if undecided and closer:
        sentences.append(words.say("schedules.open", arms=_named(undecided, words)))
    return sentences


def times(value: float, words: Catalogue) -> str:
    """Return a ratio with enough digits to distinguish it from 1."""
    if not math.isfinite(value):
        return "\u221e"
    return words.formatted(value, ".2f" if value < 1.095 else ".1f" if value < 9.95 else ",.0f")


def _all_or_some(
    direction: str, arms: Sequence[str], ratios: Sequence[float], words: Catalogue, **values: str | int
) -> str:
    """Return a sentence on arms that end closer or farther; all decays need no names where they end closer."""
    least, most = times(min(ratios), words), times(max(ratios), words)
    if direction == "closer" and len(arms) == len(DECAYS):
        return words.say("schedules.closer.all", decays=len(arms), least=least, most=most, **values)
    names = _named(arms, words)
    if least != most:
        return words.say(f"schedules.{direction}.range", arms=names, least=least, most=most, **values)
    return words.count(f"schedules.{direction}", len(arms), arms=names, times=least, **values)


def _among_decays(bench: Bench, words: Catalogue) -> list[str]:
    pairs = [each for each in bench.equal if each.first != TWIN]
    sentences = [
        words.count("schedules.pairs", sum(each.equivalent for each in pairs), pairs=len(pairs), decays=len(DECAYS))
    ]
    if any(each.ratio is None for each in pairs):
        return sentences
    widest = max(pairs, key=lambda each: abs(math.log(_ratio(each))))
    arms = (widest.first, widest.second) if _ratio(widest) >= 1 else (widest.second, widest.first)
    near, far = (words.say(f"schedules.name.{arm}") for arm in arms)
    apart = times(max(_ratio(widest), 1 / _ratio(widest)), words)
    return [*sentences, words.say("schedules.widest", near=near, far=far, times=apart)]


def _ramp(bench: Bench, words: Catalogue) -> str:
    (pair,) = (each for each in bench.equal if each.first == TWIN)
    if pair.ratio is None:
        return words.say("schedules.twin.diverged", diverged=max(pair.diverged), seeds=len(bench.seeds))
    counts = {
        name: rate_plan(arm, bench.batch_size).updates for name, arm in (("updates", RAMP), ("twin_updates", CONSTANT))
    }
    if pair.equivalent:
        share = abs(pair.ratio - 1)
        return words.say("schedules.twin.equal", percent=words.percent(share, 0 if share >= 0.01 else 1), **counts)
    is_apart = pair.low is not None and pair.high is not None and max(pair.low, 1 / pair.high) > math.exp(MARGIN)
    key = "schedules.twin.apart" if is_apart else "schedules.twin.open"
    return words.say(key, times=times(pair.ratio, words), **counts)


def _predicted(trained: Trained, words: Catalogue) -> list[str]:
    """Return what the noisy quadratic model predicts for the end, and how far that is from the measurement."""
    if not trained.off < DIVERGES:
        return [words.say("schedules.model.diverges")]
    exact, left, percent = trained.exact[-1], trained.start_left, round(100 * abs(trained.off))
    if left < LITTLE * exact:
        predicted = words.say("schedules.model.noise", exact=exact)
    else:
        predicted = words.say("schedules.model.split", exact=exact, left=left, noise=exact - left)
    if trained.off >= 1:
        measured = words.say("schedules.model.far", measured=trained.mean, times=times(1 + trained.off, words))
    elif percent:
        key = "schedules.model.above" if trained.off > 0 else "schedules.model.below"
        measured = words.say(key, measured=trained.mean, percent=words.percent(percent / 100))
    else:
        measured = words.say("schedules.model.agrees", measured=trained.mean)
    return [predicted, measured]


def _ratio(compared: Compared) -> float:
    """Return second / first; infinite where more of the second diverged, 0 where more of the first did."""
    if compared.ratio is not None:
        return compared.ratio
    first, second = compared.diverged
    return math.inf if second > first else 0.0


def _named(arms: Sequence[str], words: Catalogue) -> str:
    return words.listed([words.say(f"schedules.name.{arm}") for arm in arms])
