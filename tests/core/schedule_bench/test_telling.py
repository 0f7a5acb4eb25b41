"""The sentences on the comparison of schedules follow from its figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.schedule_bench.arms import DECAYS, TWIN
from core.schedule_bench.results import Bench, Compared, load
from core.schedule_bench.telling import (
    about,
    against_constant,
    batch_dependence,
    conclusions,
    error_text,
    relative_distance,
    times,
)
from core.words.catalogue import catalogue

words = catalogue()


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


# Against the constant rate.


def test_one_sentence_covers_all_decays_where_all_end_closer() -> None:
    assert against_constant(against(step=(0.8, 0.002), linear=(0.25, 0.001)), words) == [
        "All 6 decays end 1.2 to 4.0 times closer to the optimum than a constant rate (p at most 0.01 after "
        "correction for 8 tests)."
    ]


def test_farther_and_undecided_decays_are_named() -> None:
    said = against_constant(against(step=(2.0, 0.02), linear=(3.0, 0.02), wsd=(0.9, 0.2), one_cycle=(1.1, 0.06)), words)
    assert said == [
        "Compared with a constant rate, exponential and cosine end 2.0 times closer to the optimum (p at most 0.01 "
        "after correction for 8 tests).",
        "Compared with a constant rate, step and linear end 2.0 to 3.0 times farther from the optimum.",
        "No difference from a constant rate is shown for one-cycle and warmup-stable-decay (after correction).",
    ]


def test_a_sentence_says_that_no_decay_ends_closer() -> None:
    nothing = dict.fromkeys((*DECAYS, "plateau", "ramp"), compared(0.9, 0.3))
    assert against_constant(nothing, words) == ["No decay is shown to end closer to the optimum than a constant rate."]


def test_an_arm_that_diverged_more_often_is_infinitely_farther() -> None:
    diverged = compared(None, 0.002, diverged=(0, 9))
    said = against_constant(against() | {"step": diverged}, words)
    assert said[1] == "Compared with a constant rate, step ends \u221e times farther from the optimum."
    assert relative_distance(diverged, words) == "diverged"
    assert relative_distance(compared(None, 0.002, diverged=(1, 0)), words) == "constant rate diverged"


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.5, "2.0 times closer"),
        (1.5, "1.5 times farther"),
        (1.0, "the same"),
        (0.999, "the same"),
        (0.95, "1.05 times closer"),
        (27.2, "27 times farther"),
    ],
)
def test_a_ratio_is_given_as_a_factor(ratio: float, text: str) -> None:
    assert relative_distance(compared(ratio), words) == text


# The others.


def test_the_sentences_on_the_shipped_results(bench: Bench) -> None:
    closer, undecided, pairs, widest, ramp = conclusions(bench, words)
    assert closer.startswith(
        "Compared with a constant rate, exponential, linear, cosine, one-cycle, and warmup-stable-decay end 1.2 to 1.7 "
        "times closer to the optimum (p at most "
    )
    assert undecided == "No difference from a constant rate is shown for step (after correction)."
    assert pairs == "Of the 15 pairs among the 6 decays, 4 are shown to end within 25% of each other."
    assert widest == "The widest gap is a factor of 2.0, between exponential and step."
    assert ramp.startswith(
        "Growing the batch instead of lowering the rate by the same factors (in separate runs from the same peak) ends "
        "as close to the optimum, within 25% ("
    )
    assert ramp.endswith("with 1,184 updates instead of 2,048.")


def test_a_growing_batch_may_end_within_25_percent_of_its_twin_or_not(bench: Bench) -> None:
    other = compared(1.7, first=TWIN, second="ramp")
    assert conclusions(replace(bench, equal=(*bench.equal[:-1], other)), words)[-1] == (
        "Growing the batch instead of lowering the rate by the same factors (in separate runs from the same peak) ends "
        "1.7 times as far from the optimum, with 1,184 updates instead of 2,048."
    )
    wide = compared(1.05, first=TWIN, second="ramp", low=0.8, high=1.4)
    assert (
        "ends 1.05 times as far from the optimum (whether by more than 25% is uncertain), with"
        in conclusions(replace(bench, equal=(*bench.equal[:-1], wide)), words)[-1]
    )
    gone = compared(None, first=TWIN, second="ramp", diverged=(0, 4))
    assert conclusions(replace(bench, equal=(*bench.equal[:-1], gone)), words)[-1].endswith("4 of 10 runs diverged.")


def test_the_gain_may_depend_on_the_batch_size() -> None:
    benches = list(load().values())
    assert batch_dependence(benches, "cosine", words) == (
        "With tuned rates, the gain hardly depends on the batch size (within 25%). With one rate for all, the gain is "
        "largest at batch size 16, where the noise is largest. At batch size 256, it ends farther from the optimum: "
        "that rate is low there, and lowering it costs progress."
    )
    assert batch_dependence(benches, "ramp", words).endswith(
        "At batch size 256, it ends farther from the optimum, because the larger batches leave it few updates."
    )
    unsure = [replace(each, against_alike={"cosine": compared(1.1, 0.3)}) for each in benches]
    assert "farther" not in batch_dependence(unsure, "cosine", words)
    halved = replace(benches[2], against={"cosine": compared(0.2)}, against_alike={"cosine": compared(0.01)})
    assert (
        batch_dependence([*benches[:2], halved], "cosine", words)
        == "With tuned rates, the gain depends on the batch size."
    )
    gone = replace(benches[2], against={"cosine": compared(None, diverged=(0, 1))})
    assert batch_dependence([*benches[:2], gone], "cosine", words) == ""


def test_a_plateau_reports_what_its_rule_did(bench: Bench) -> None:
    assert "none of the 10 runs lowered its rate" in about("plateau", bench.tuned["plateau"], 16, words)
    lowered = replace(bench.tuned["plateau"], shares=(1.0, 0.25))
    assert "The 10 runs end at 25% of their peak rate on average." in about("plateau", lowered, 16, words)


def test_the_prediction_is_split_into_start_and_noise_and_compared_with_the_mean(bench: Bench) -> None:
    cosine = replace(bench.tuned["cosine"], exact=(1.0, 0.003), ends=(0.001, 0.003), start_left=0.001)
    assert about("cosine", cosine, 16, words) == (
        "The rate falls along half a cosine to 0. At the end, the noisy quadratic model predicts a loss of 0.003 above "
        "the optimum: 0.001 remains from the start and 0.002 is noise. The measured arithmetic mean is 0.002, so the "
        "model is 50% too high."
    )
    calm = replace(cosine, exact=(1.0, 0.0019), start_left=1e-7)
    assert about("cosine", calm, 16, words).endswith(
        "practically all of it noise. The measured arithmetic mean is 0.002, so the model is 5% too low."
    )
    high = replace(cosine, exact=(1.0, 0.0078))
    assert about("cosine", high, 16, words).endswith("mean is 0.002; the prediction is 3.9 times as high.")
    right = replace(cosine, exact=(1.0, 0.002004))
    assert about("cosine", right, 16, words).endswith("mean is 0.002, so the model is off by less than 1%.")
    wild = replace(cosine, exact=(1.0, float("inf")))
    assert about("cosine", wild, 16, words).endswith("At this peak, the noisy quadratic model diverges.")


def test_only_a_batch_that_cannot_grow_further_is_capped(bench: Bench) -> None:
    assert "up to all 2,048 examples" in about("ramp", bench.tuned["ramp"], 256, words)
    assert "up to all" not in about("ramp", bench.tuned["ramp"], 64, words)


@pytest.mark.parametrize(
    ("off", "text"),
    [
        (0.441, "+44%"),
        (-0.012, "\u22121%"),
        (0.004, "0%"),
        (3.1, "4.1\u00d7"),
        (2e6, "2\u00d710\u2076\u00d7"),
        (float("inf"), "\u221e"),
    ],
)
def test_a_model_error_is_a_percentage_or_a_factor(off: float, text: str) -> None:
    assert error_text(off, words) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.004, "1.00"), (1.06, "1.06"), (1.44, "1.4"), (9.97, "10"), (412, "412")]
)
def test_a_factor_has_enough_digits_to_differ_from_one(value: float, text: str) -> None:
    assert times(value, words) == text
