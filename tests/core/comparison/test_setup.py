"""What a comparison makes equal and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.comparison.course import Course
from core.comparison.presets import PRESETS
from core.comparison.setup import Comparison, as_trained, bytes_held, compared, differences, held_fixed, matched
from core.run.config import RunConfig
from core.run.events import CATEGORIES, Peak
from core.words.errors import ConfigError

ARTICLE = (RunConfig(batch_size=100), RunConfig(batch_size=1_000))


def codes(arms: Any, **options: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        compared(arms, **options)
    return [problem.code for problem in caught.value.problems]


@pytest.mark.parametrize(("budget", "value"), [("epochs", 5), ("updates", 500), ("examples", 50_000), ("seconds", 2.0)])
def test_all_arms_get_the_first_arms_budget_in_the_chosen_unit(budget: Any, value: float) -> None:
    made = compared(ARTICLE, budget=budget)
    assert [(arm.budget, arm.budget_value) for arm in made.arms] == [(budget, value)] * 2


def test_a_budget_of_updates_is_rounded_up_to_whole_epochs() -> None:
    arms = [RunConfig(batch_size=100, budget="updates", budget_value=150), RunConfig(batch_size=1_000)]
    assert compared(arms, budget="epochs").arms[1].budget_value == 2
    assert compared(arms, budget="examples").arms[1].budget_value == 15_000


def test_a_budget_of_seconds_is_kept_and_becomes_five_epochs_in_other_units() -> None:
    arms = [RunConfig(budget="seconds", budget_value=7.0), RunConfig(batch_size=1_000)]
    assert compared(arms, budget="seconds").arms[1].budget_value == 7.0
    assert compared(arms, budget="epochs").arms[1].budget_value == 5


@pytest.mark.parametrize(
    ("rule", "rate"), [("fixed", 0.05), ("linear", 0.5), ("sqrt", 0.05 * 10**0.5), ("tuned", 0.05)]
)
def test_the_rule_scales_the_rate_with_the_batch_size(rule: Any, rate: float) -> None:
    made = compared(ARTICLE, rule=rule)
    assert made.arms[0].lr == 0.05
    assert made.arms[1].lr == pytest.approx(rate, rel=1e-12)


def test_the_rule_uses_the_effective_batch_size() -> None:
    arms = [RunConfig(batch_size=100), RunConfig(batch_size=100, accumulate=10)]
    assert compared(arms, rule="linear").arms[1].lr == pytest.approx(0.5)


def test_the_fixed_rule_keeps_each_arms_own_rate() -> None:
    arms = [RunConfig(lr=0.05), RunConfig(lr=0.2)]
    assert [arm.lr for arm in compared(arms).arms] == [0.05, 0.2]


def test_all_arms_get_the_first_arms_seed() -> None:
    assert [arm.seed for arm in compared([RunConfig(seed=3), RunConfig(seed=8)]).arms] == [3, 3]


def test_a_comparison_is_read_back_from_json() -> None:
    made = compared(ARTICLE, seeds=3, budget="updates", rule="sqrt")
    assert Comparison.from_json(made.to_json()) == made


def test_names_belong_to_a_comparison_but_do_not_tell_it_from_another() -> None:
    arms = [RunConfig(), RunConfig(batch_size=1_000)]
    named = compared(arms, names=["Small", ""])
    assert named == compared(arms)
    assert Comparison.from_json(named.to_json()).names == ("Small", "")
    assert "names" not in compared(arms, names=["", ""]).to_json()


def test_arms_are_matched_by_their_settings_each_once() -> None:
    few, many = RunConfig(budget_value=1), RunConfig(batch_size=1_000)
    assert matched([many, RunConfig(), few, RunConfig(lr=1.0)], [RunConfig(seed=3), many, RunConfig()]) == [
        1,
        0,
        2,
        None,
    ]


def test_differences_are_the_settings_that_vary_between_arms() -> None:
    assert differences([RunConfig(), RunConfig(lr=0.1), RunConfig(batch_size=7)]) == ["batch_size", "lr"]
    assert (
        differences([RunConfig(), RunConfig(seed=3, budget_value=9, target_loss=0.1)]) == []
    )  # the comparison makes these equal


def test_a_comparison_has_two_to_six_arms_on_one_data_set() -> None:
    assert codes([]) == ["too_few_arms"]
    assert codes([RunConfig()]) == ["too_few_arms"]
    assert codes([RunConfig()] * 7) == ["too_many_arms"]
    assert len(compared([RunConfig()] * 6).arms) == 6  # equal arms are allowed
    assert codes([RunConfig(), RunConfig(dataset="digits")]) == ["arms_not_comparable"]


def test_values_out_of_bounds_are_refused_with_the_bounds() -> None:
    assert codes(ARTICLE, seeds=0) == ["not_whole"]
    assert codes(ARTICLE, seeds=11) == ["not_whole"]
    with pytest.raises(
        ConfigError, match="arm 1 would take 1,000,000 updates, more than the maximum of 100,000 in a comparison"
    ):
        compared([RunConfig(budget_value=10_000), RunConfig()])


def test_a_refused_arm_is_named_with_the_reason() -> None:
    arms = [RunConfig(batch_size=1, lr=1.0), RunConfig(batch_size=10_000)]
    with pytest.raises(
        ConfigError, match="arm 2 cannot be trained: lr must be between 10\u207b\u2078 and 1,000, got 10,000"
    ) as caught:
        compared(arms, rule="linear", budget="examples")
    reason = caught.value.problems[0].values["reason"]
    assert reason.code == "out_of_bounds"  # a code, so that a second language can say it


def test_every_preset_is_valid_and_each_arm_differs_from_the_first_by_one_setting() -> None:
    for preset in PRESETS.values():
        made = compared(preset.arms)
        assert set(differences(made.arms)) == {name for changes in preset.others for name in changes}
        assert [len(changes) for changes in preset.others] == [1] * len(preset.others)  # one change fixes it


def test_the_first_preset_is_the_articles_pair() -> None:
    first = next(iter(PRESETS.values()))
    assert [arm.spec.examples for arm in first.arms] == [10_000] * 2
    assert [arm.batch_size for arm in first.arms] == [100, 1_000]


def test_a_text_that_is_not_a_comparison_is_refused() -> None:
    for text in ("", "[]", "{}", '{"arms": 3}', '{"arms": [], "colour": "red"}', '{"arms": [{"lr": "much"}]}'):
        with pytest.raises(ConfigError):
            Comparison.from_json(text)


def test_seeds_leave_room_for_the_tuning_seeds() -> None:
    assert codes([RunConfig(seed=2**32 - 1), RunConfig()]) == ["out_of_bounds"]


def test_held_fixed_is_what_the_arms_have_in_common() -> None:
    assert held_fixed(compared(ARTICLE)) == ("data", "start", "order", "epochs")
    assert held_fixed(compared(ARTICLE, budget="updates", rule="sqrt")) == (
        "data",
        "start",
        "order",
        "updates",
        "rate_per_root",
    )
    assert "start" not in held_fixed(compared([RunConfig(), RunConfig(model="linear")]))
    assert "order" not in held_fixed(compared([RunConfig(), RunConfig(sampling="iid")]))


def test_trained_arms_have_the_rates_and_updates_that_they_had() -> None:
    trained, short = Course(planned=70, lr=0.4, checked=np.array([0.0])), Course(state="out_of_memory")
    made = compared([*ARTICLE, RunConfig(batch_size=7)], budget="seconds", rule="tuned")
    found = as_trained(made, [trained, short, trained])
    assert found is not None
    assert [arm.batch_size for arm in found.arms] == [100, 7]
    assert {(arm.lr, arm.budget, arm.budget_value) for arm in found.arms} == {(0.4, "updates", 70)}
    assert as_trained(made, [trained, short, short]) is None
    planned = as_trained(compared(ARTICLE), [trained, trained])
    assert planned is not None
    assert planned.arms[0].budget == "epochs"  # a schedule for another batch size is planned in epochs


def peak(parameters: int, state: int, activations: int) -> Peak:
    parts = {"parameters": parameters, "optimizer state": state, "activations": activations}
    return Peak(sum(parts.values()), dict.fromkeys(CATEGORIES, 0) | parts, "backward", "")


def test_memory_counts_all_weights_and_the_update_of_one_arm() -> None:
    peaks = [peak(10, 5, 100), peak(10, 5, 1_000)]
    assert bytes_held(compared(ARTICLE, seeds=6), peaks) == 6 * (25 + 25 + 1_015)
    assert bytes_held(compared(ARTICLE, seeds=1), peaks) == 25 + 25 + 1_015


def test_memory_counts_the_27_tuning_runs_of_one_arm() -> None:
    assert bytes_held(compared(ARTICLE, rule="tuned"), [peak(10, 5, 100), peak(10, 5, 1_000)]) == 27 * 1_015


def test_an_arm_over_the_memory_limit_takes_no_memory() -> None:
    arms = [RunConfig(memory_limit_mb=1), RunConfig(batch_size=1_000, memory_limit_mb=1)]
    beyond = peak(10, 5, 2**20)
    assert bytes_held(compared(arms, seeds=6), [peak(10, 5, 100), beyond]) == 6 * (25 + 115)
    assert bytes_held(compared(arms, seeds=6), [beyond, beyond]) == 0
