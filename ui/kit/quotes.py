"""Quote the shipped result of one page on another, with what differs between the two experiments."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

import streamlit as st

from core.claims import results as claims
from core.comparison import shipped
from core.comparison.fall import fall as recorded_fall
from core.comparison.presets import LARGE_TO_SMALL, PRESETS
from core.comparison.result import standing
from core.schedule_bench import results as bench
from core.schedule_bench.arms import EPOCHS, ONE_RATE
from core.schedule_bench.plans import rate_plan
from core.schedule_bench.telling import relative_distance
from core.science.judge import Outcome
from core.words.errors import BatchLabError
from ui.shell.text import number, say, times, words

Place = Literal["compare", "trajectories", "schedules"]
# The pages that show the gain of a falling rate, each with what its URL must say.
PLACES: dict[Place, Mapping[str, str]] = {
    "compare": {"preset": LARGE_TO_SMALL},
    "trajectories": {"path_view": "rates"},
    "schedules": {},
}


def fall(here: Place) -> None:
    """Draw the gain of a falling rate, which is one number on every page, and links to the other pages."""
    try:
        found = recorded_fall()
    except BatchLabError:
        return  # the page of the recording says why
    high, low, _ = found.recorded.comparison.arms
    text = say(
        "fall.number",
        number=times(found.high),
        other=times(found.low),
        high=number(high.lr),
        low=number(low.lr),
        size=number(high.batch_size),
        epochs=number(high.budget_value),
        seeds=number(found.recorded.comparison.seeds),
    )
    st.markdown(f"{text} {say(f'fall.on.{here}')}")
    with st.container(horizontal=True, key=f"fall_{here}"):
        for place, query in PLACES.items():
            if place != here:
                st.page_link(f"pages/{place}.py", label=say(f"page.{place}"), query_params=dict(query))


def claim(code: str) -> str:
    """Return what other pages found about the question of a claim; "" if they have nothing."""
    try:
        if code == "C9":
            return _curvature("quote.claim.curvature")
        return _decay("quote.claim.decay") if code == "C10" else ""
    except BatchLabError:
        return ""


def preset(name: str) -> str:
    """Return what a claim found about the question of a preset; "" if none did."""
    try:
        if name == "beyond_curvature":
            return _curvature("quote.preset.curvature")
        return _decay("quote.preset.decay") if name == LARGE_TO_SMALL else ""
    except BatchLabError:
        return ""


def schedules() -> str:
    """Return what claim C10 found about a falling rate, for the page of schedules."""
    try:
        return _decay("quote.schedules.decay")
    except BatchLabError:
        return ""


@cache
def _outcomes() -> dict[str, Outcome]:
    return {f"{each.claim}.{each.arm}": each for found in claims.load().claims.values() for each in found.outcomes}


def _factor(outcome: str) -> str:
    """Return the ratio of a claim's trial as a factor above 1."""
    ratio = _outcomes()[outcome].effect_ratio or 1.0
    return times(max(ratio, 1 / ratio))


def _curvature(key: str) -> str:
    """Return both factors for a rate beyond the curvature limit."""
    recorded = shipped.load("beyond_curvature")
    found = standing(recorded.courses, "epochs")
    assert found is not None  # the recording has ended
    ratio = found.losses[found.second] / found.losses[found.best]
    own = _outcomes()["C9.beyond_curvature"]
    values = {"claim": _factor("C9.beyond_curvature"), "claim_seeds": number(own.seeds or 0), "preset": times(ratio)}
    epochs = number(PRESETS["beyond_curvature"].first.budget_value)
    return say(key, preset_epochs=epochs, **values)


@cache
def _benches() -> dict[int, bench.Bench]:
    return bench.load()


def _decay(key: str) -> str:
    """Return the factors of a cosine against a constant rate by a claim, a preset and the schedules."""
    small, large = (_outcomes()[f"C10.{name}"] for name in ("small_batch", "large_batch"))
    sizes = [int(each.first["batch_size"]) for each in (small, large)]
    one, other = (_benches()[size] for size in sizes)
    return say(
        key,
        small=number(sizes[0]),
        large=number(sizes[1]),
        rate=number(ONE_RATE),
        claim_small=_factor("C10.small_batch"),
        claim_large=_factor("C10.large_batch"),
        preset=times(recorded_fall().high),
        tuned=relative_distance(one.against["cosine"], words()),
        alike_small=relative_distance(one.against_alike["cosine"], words()),
        alike_large=relative_distance(other.against_alike["cosine"], words()),
        epochs=number(EPOCHS),
        updates=number(rate_plan("cosine", sizes[1]).updates),
    )
