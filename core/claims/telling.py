"""Say what came out of the claims in the words of a catalogue. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.science.judge import Outcome
from core.science.statistics import MARGIN
from core.science.telling import p_text
from core.words.units import MIB

Say = Callable[..., str]
NEAR_ONE = ("r_squared", "smallest", "largest")  # facts of which two digits would not tell anything
TIMES = 2.0  # from here on a ratio is told in times, below in per cent


def finding(outcome: Outcome, say: Say) -> str:
    """Return what was found in one line: the effect with its interval, p and seeds, or the numbers of an exact one."""
    if outcome.metric is None:
        return say(f"arm.{outcome.claim}.{outcome.arm}.found", **_facts(outcome.facts, say))
    p = say("told.p", p=p_text(outcome.p), corrected=p_text(outcome.p_adjusted))
    parts = [_effect(outcome, say), p, say("told.seeds", seeds=outcome.seeds)]
    return say("told.measured", metric=say(f"metric.{outcome.metric}"), found=", ".join(parts))


def fixed(outcome: Outcome, say: Say) -> str:
    """Return what both arms had in common; nothing where there is nothing to say."""
    names = [say(f"fixed.{name}") for name in outcome.held_fixed]
    return say("told.fixed", fixed=", ".join(names)) if names else ""


def arm_name(settings: Mapping[str, Any], other: Mapping[str, Any], say: Say) -> str:
    """Return what tells an arm from the other one: "B = 256, rate 16"."""
    return ", ".join(
        say(f"with.{name}.{value}") if isinstance(value, str) else say(f"with.{name}", value=f"{value:,.4g}")
        for name, value in settings.items()
        if other.get(name) != value
    )


def conditions(outcomes: Sequence[Outcome], say: Say) -> str:
    """Return under which conditions a claim holds, under which it does not, and where that is left open."""
    parts = []
    for key, verdict in (("holds", "SUPPORTED"), ("fails", "REFUTED"), ("open", "INCONCLUSIVE")):
        arms = [
            say(f"arm.{outcome.claim}.{outcome.arm}")
            for outcome in outcomes
            if outcome.verdict == verdict and not outcome.is_contrast
        ]
        if arms:
            parts.append(say(f"{key}.under", arms="; ".join(arms)))
    return " ".join(parts)


def _effect(outcome: Outcome, say: Say) -> str:
    arm = arm_name(outcome.second, outcome.first, say)
    ratio, low, high = outcome.effect_ratio, outcome.low, outcome.high
    if ratio is None or low is None or high is None:
        first, second = outcome.diverged
        return say("told.diverged", first=first, second=second, seeds=outcome.seeds)
    within = say("told.within", margin=round(100 * math.expm1(MARGIN))) if outcome.equivalent else ""
    if low == high == 1:
        return within + say("told.same", arm=arm)
    direction = say(f"direction.{'higher' if ratio >= 1 else 'lower'}")
    if 1 / TIMES < ratio < TIMES:
        shares = {"percent": ratio, "low": low, "high": high}
        words = {name: _percent(share) for name, share in shares.items()}
        if ratio < 1:
            words |= {"low": _percent(high), "high": _percent(low)}
        if low < 1 < high:
            words["low"] = f"\u2212{words['low']}"  # that end is on the other side of equality
        return within + say("told.percent", arm=arm, direction=direction, **words)
    turned = (ratio, low, high) if ratio > 1 else (1 / ratio, 1 / high, 1 / low)
    times, least, most = (f"{value:.3g}" if value < 999.5 else f"{value:,.0f}" for value in turned)
    return within + say("told.times", arm=arm, direction=direction, times=times, low=least, high=most)


def _percent(ratio: float) -> str:
    share = 100 * abs(ratio - 1)
    return f"{share:.0f}" if share >= 9.5 else f"{share:.1f}"


def _facts(facts: Mapping[str, Any], say: Say) -> dict[str, str]:
    shown = {}
    for name, value in facts.items():
        if name.endswith("_bytes"):
            shown[name.removesuffix("_bytes")] = f"{value / MIB:,.3g} MiB"
        elif isinstance(value, bool):
            shown[name] = say("told.fits" if value else "told.fits_not")
        elif isinstance(value, int):
            shown[name] = f"{value:,}"
        else:
            shown[name] = f"{value:.4g}" if name in NEAR_ONE else f"{value:.2g}"
    if "largest" in facts and isinstance(facts["largest"], int):
        shown["next"] = f"{facts['largest'] + 1:,}"
    return shown
