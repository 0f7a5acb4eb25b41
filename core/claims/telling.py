"""Describe the outcomes of the claims in the words of a catalogue. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.science.judge import Outcome
from core.science.statistics import MARGIN
from core.science.telling import MINUS, p_text
from core.words.catalogue import Catalogue

TIMES = 2.0  # ratios from here on are given as a factor, smaller ones in percent


def finding(outcome: Outcome, words: Catalogue) -> str:
    """Return what was found: the effect with its interval, p and seeds, or the numbers of an exact result."""
    if outcome.metric is None:
        return _exact(outcome, words)
    sentences = [_effect(outcome, words)]
    if outcome.equivalent:
        sentences.append(words.say("claims.equivalent", margin=words.percent(math.expm1(MARGIN))))
    p, corrected = p_text(outcome.p, words), p_text(outcome.p_adjusted, words)
    sentences.append(words.say("claims.p", p=p, corrected=corrected, seeds=outcome.seeds))
    return " ".join(sentences)


def fixed(outcome: Outcome, words: Catalogue) -> str:
    """Return what both arms share; nothing where no condition is held fixed."""
    names = [words.say(f"fixed.{name}") for name in outcome.held_fixed]
    return words.say("claims.fixed", fixed=words.listed(names)) if names else ""


def arm_name(settings: Mapping[str, Any], other: Mapping[str, Any], words: Catalogue) -> str:
    """Return the settings in which an arm differs from the other: "batch size 256 and rate 16"."""
    return words.listed([_setting(name, settings[name], words) for name in settings if _differs(name, settings, other)])


def against(outcome: Outcome, words: Catalogue) -> str:
    """Return the settings of both arms, second / first: "batch size 256 / 16 and rate 16 / 1"."""
    first, second = outcome.first, outcome.second
    names = []
    for name, value in second.items():
        if not _differs(name, second, first):
            continue
        if name not in first:
            names.append(_setting(name, value, words))
        elif isinstance(value, str):
            one, other = _setting(name, value, words), _setting(name, first[name], words)
            names.append(words.say("claims.against.names", one=one, other=other))
        else:
            names.append(words.say(f"claims.against.{name}", one=value, other=first[name]))
    return words.listed(names)


def conditions(outcomes: Sequence[Outcome], words: Catalogue) -> str:
    """Return under which conditions a claim holds, under which it fails, and where that remains undecided."""
    sentences = []
    for key, verdict in (("holds", "SUPPORTED"), ("fails", "REFUTED"), ("open", "INCONCLUSIVE")):
        arms = [
            words.say("claims.quote", text=words.say(f"claims.arm.{outcome.claim}.{outcome.arm}"))
            for outcome in outcomes
            if outcome.verdict == verdict and not outcome.is_contrast
        ]
        if arms:
            sentences.append(words.say(f"claims.{key}", arms=words.listed(arms)))
    return " ".join(sentences)


def _differs(name: str, settings: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(other.get(name) != settings[name])


def _setting(name: str, value: Any, words: Catalogue) -> str:
    if isinstance(value, str):
        return words.say(f"claims.with.{name}.{value}")
    return words.say(f"claims.with.{name}", value=value)


def _effect(outcome: Outcome, words: Catalogue) -> str:
    arm, metric = arm_name(outcome.second, outcome.first, words), words.say(f"claims.metric.{outcome.metric}")
    ratio, low, high = outcome.effect_ratio, outcome.low, outcome.high
    if ratio is None or low is None or high is None:
        first, second = outcome.diverged
        return words.say("claims.effect.diverged", metric=metric, first=first, second=second, seeds=outcome.seeds)
    if low == high == 1:
        return words.say("claims.effect.same", metric=metric, arm=arm)
    direction = "higher" if ratio >= 1 else "lower"
    if 1 / TIMES < ratio < TIMES:
        ends = (low, high) if ratio >= 1 else (high, low)
        texts = [_percent(value, words) for value in (ratio, *ends)]
        if low < 1 < high:
            texts[1] = f"{MINUS}{texts[1]}"  # this end lies on the other side of equality
        key = f"claims.effect.percent.{direction}"
    else:
        texts = [words.times(value) for value in ((ratio, low, high) if ratio > 1 else (1 / ratio, 1 / high, 1 / low))]
        key = f"claims.effect.times.{direction}"
    return words.say(key, metric=metric, arm=arm, **dict(zip(("ratio", "low", "high"), texts, strict=True)))


def _percent(ratio: float, words: Catalogue) -> str:
    share = abs(ratio - 1)
    return words.percent(share, 0 if share >= 0.095 else 1)


def _exact(outcome: Outcome, words: Catalogue) -> str:
    facts: dict[str, Any] = {
        name.removesuffix("_bytes"): words.mib(value) if name.endswith("_bytes") else value
        for name, value in outcome.facts.items()
    }
    found = "found" if "fits" not in facts else "fits" if facts["fits"] else "runs_out"
    sentences = [words.say(f"claims.arm.{outcome.claim}.{outcome.arm}.{found}", **facts)]
    if "next_fits" in facts:
        key = "claims.next.fits" if facts["next_fits"] else "claims.next.runs_out"
        sentences.append(words.say(key, next=facts["largest"] + 1))
    return " ".join(sentences)
