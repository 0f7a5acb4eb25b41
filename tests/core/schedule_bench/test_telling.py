"""What is said of the bench: sentences that follow from the figures, whatever these are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.schedule_bench.arms import DECAYS, TWIN
from core.schedule_bench.results import Bench, Compared, load
from core.schedule_bench.telling import about, batches, beside, beside_constant, conclusions, off_text, times
from core.words.catalogue import catalogue

say = catalogue().say


def compared(ratio: float | None, p: float = 0.01, **changes: Any) -> Compared:
    known = {
        "first": "constant",
        "second": "cosine",
        "ratio": ratio,
        "low": ratio,
        "high": ratio,
        "p": p,
        "p_adjusted": p,
        "equivalent": False,
        "diverged": (0, 0),
    }
    return Compared(**known | changes)


def against(**ratios: tuple[float | None, float]) -> dict[str, Compared]:
    found = {arm: compared(0.5) for arm in (*DECAYS, "plateau", "ramp")}
    return found | {arm.replace("_", "-"): compared(ratio, p) for arm, (ratio, p) in ratios.items()}


@pytest.fixture(scope="module")
def bench() -> Bench:
    return load()[16]


# Beside the constant rate.


def test_all_decays_that_are_nearer_are_said_in_one_breath() -> None:
    assert beside_constant(against(step=(0.8, 0.002), linear=(0.25, 0.001)), say) == [
        "All six decays end nearer to the optimum than a constant rate, 1.2 to 4.0 times (p at most 0.01 after "
        "correction for 8 tests)."
    ]


def test_those_that_are_farther_and_those_that_are_open_are_named() -> None:
    said = beside_constant(against(step=(2.0, 0.02), linear=(3.0, 0.02), wsd=(0.9, 0.2), one_cycle=(1.1, 0.06)), say)
    assert said == [
        "Exponential and cosine end nearer to the optimum than a constant rate, 2.0 times (p at most 0.01 after "
        "correction for 8 tests).",
        "Step and linear end farther from it, 2.0 to 3.0 times.",
        "One-cycle and warmup-stable-decay cannot be told apart from it (after correction).",
    ]


def test_where_none_is_nearer_that_is_what_is_said() -> None:
    nothing = dict.fromkeys((*DECAYS, "plateau", "ramp"), compared(0.9, 0.3))
    assert beside_constant(nothing, say) == ["No decay can be told to end nearer to the optimum than a constant rate."]


def test_an_arm_that_diverged_more_often_is_farther_by_no_number() -> None:
    diverged = compared(None, 0.002, diverged=(0, 9))
    said = beside_constant(against() | {"step": diverged}, say)
    assert said[1] == "Step ends farther from it, \u221e times."
    assert beside(diverged, say) == "diverged"
    assert beside(compared(None, 0.002, diverged=(1, 0)), say) == "the constant rate diverged"


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (0.5, "2.0 times nearer"),
        (1.5, "1.5 times farther"),
        (1.0, "the same"),
        (0.999, "the same"),
        (0.95, "1.05 times nearer"),
        (27.2, "27 times farther"),
    ],
)
def test_a_ratio_is_said_in_times(ratio: float, words: str) -> None:
    assert beside(compared(ratio), say) == words


# The others.


def test_the_sentences_of_the_file_that_ships(bench: Bench) -> None:
    nearer, left, pairs, ramp = conclusions(bench, say)
    assert nearer.startswith("Exponential, linear, cosine, one-cycle and warmup-stable-decay end nearer")
    assert left == "Step cannot be told apart from it (after correction)."
    assert pairs == (
        "Among the six decays 4 of 15 pairs are shown to end within 25% of each other; the widest gap is between "
        "exponential and step, 2.0 times."
    )
    assert ramp.startswith(
        "Growing the batch instead of lowering the rate by as much (from the same peak, in trainings of "
        "their own) ends within 25%"
    )
    assert ramp.endswith("with 1,184 updates instead of 2,048.")


def test_a_growing_batch_that_differs_from_its_twin_is_said_to(bench: Bench) -> None:
    other = compared(1.7, first=TWIN, second="ramp")
    assert conclusions(replace(bench, equal=(*bench.equal[:-1], other)), say)[-1] == (
        "Growing the batch instead of lowering the rate by as much (from the same peak, in trainings of their own) is "
        "not within 25%: it ends 1.7 times as far from the optimum, with 1,184 updates instead of 2,048."
    )
    wide = compared(1.05, first=TWIN, second="ramp", low=0.8, high=1.4)
    assert (
        "is not shown to end within 25%: 1.05 times"
        in conclusions(replace(bench, equal=(*bench.equal[:-1], wide)), say)[-1]
    )
    gone = compared(None, first=TWIN, second="ramp", diverged=(0, 4))
    assert conclusions(replace(bench, equal=(*bench.equal[:-1], gone)), say)[-1].endswith("4 of 10 trainings diverged.")


def test_how_much_the_batch_size_has_to_do_with_it() -> None:
    benches = list(load().values())
    assert batches(benches, "cosine", say) == (
        "With tuned rates the batch size hardly matters for that (within 25%). With one rate for all it gains most at "
        "B = 16, where the noise is largest. It ends farther off at B = 256: that rate is low there, and lowering it "
        "costs progress."
    )
    assert batches(benches, "ramp", say).endswith(
        "It ends farther off at B = 256, where the larger batches leave it few updates."
    )
    unsure = [replace(each, against_alike={"cosine": compared(1.1, 0.3)}) for each in benches]
    assert "farther off" not in batches(unsure, "cosine", say)
    halved = replace(benches[2], against={"cosine": compared(0.2)}, against_alike={"cosine": compared(0.01)})
    assert batches([*benches[:2], halved], "cosine", say) == "With tuned rates it still depends on the batch size."
    gone = replace(benches[2], against={"cosine": compared(None, diverged=(0, 1))})
    assert batches([*benches[:2], gone], "cosine", say) == ""


def test_a_plateau_says_what_its_rule_did(bench: Bench) -> None:
    assert "none of the 10 trainings had its rate lowered" in about("plateau", bench.tuned["plateau"], 16, say)
    lowered = replace(bench.tuned["plateau"], shares=(1.0, 0.25))
    assert "The 10 trainings end at 25% of their peak rate on average." in about("plateau", lowered, 16, say)


def test_what_was_expected_is_taken_apart(bench: Bench) -> None:
    cosine = replace(bench.tuned["cosine"], exact=(1.0, 0.003), ends=(0.001, 0.003), start_left=0.001)
    assert about("cosine", cosine, 16, say) == (
        "Half a cosine down to 0. The noisy quadratic model expects 0.003 at the end, 0.001 of it left of the start "
        "and 0.002 noise; the arithmetic mean that was measured is 0.002: the model is 50% above it."
    )
    calm = replace(cosine, exact=(1.0, 0.0019), start_left=1e-7)
    assert about("cosine", calm, 16, say).endswith(
        "practically all of it noise; the arithmetic mean that was measured is 0.002: the model is 5% below it."
    )
    high = replace(cosine, exact=(1.0, 0.0078))
    assert about("cosine", high, 16, say).endswith("measured is 0.002: the model is 3.9 times as much.")
    wild = replace(cosine, exact=(1.0, float("inf")))
    assert about("cosine", wild, 16, say).endswith("the noisy quadratic model says that it diverges.")


def test_only_a_batch_that_cannot_grow_further_is_said_to_be_capped(bench: Bench) -> None:
    assert "up to all 2,048 examples" in about("ramp", bench.tuned["ramp"], 256, say)
    assert "up to all" not in about("ramp", bench.tuned["ramp"], 64, say)


@pytest.mark.parametrize(
    ("off", "text"),
    [
        (0.441, "+44%"),
        (-0.012, "\u22121%"),
        (0.004, "0%"),
        (3.1, "4.1\u00d7"),
        (2e6, "2e+06\u00d7"),
        (float("inf"), "\u221e"),
    ],
)
def test_how_far_off_is_told_in_per_cent_or_in_times(off: float, text: str) -> None:
    assert off_text(off) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.004, "1.00"), (1.06, "1.06"), (1.44, "1.4"), (9.97, "10"), (412, "412")]
)
def test_times_have_the_digits_that_tell_them_from_one(value: float, text: str) -> None:
    assert times(value) == text
