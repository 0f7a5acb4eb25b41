"""The comparison in words: the verdict, what was held fixed, and the table."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from core.comparison.course import Course
from core.comparison.setup import Comparison, compared
from core.run.config import RunConfig
from ui.compare import telling
from ui.compare.names import arm_names

SEEDS = np.array([0.98, 0.99, 1.0, 1.01, 1.02, 1.03])
ARMS = (RunConfig(batch_size=100), RunConfig(batch_size=1_000))
COMPARISON = compared(ARMS)
NAMES = arm_names(COMPARISON.arms)


def course(losses: list[float], at: list[float], *, per_epoch: int, seconds: float = 0.01) -> Course:
    checks = {
        "training_loss": np.array(losses)[:, None] * SEEDS,
        "validation_loss": np.array(losses)[:, None] * SEEDS,
        "validation_accuracy": np.full((len(at), 6), 0.9),
    }
    return Course(
        state="finished",
        planned=int(at[-1]),
        per_epoch=per_epoch,
        examples_per_epoch=10_000,
        effective_batch_size=10_000 // per_epoch,
        seconds_per_update=seconds,
        peak_bytes=2**20,
        lr=0.05,
        updates=np.array(at[1:]),
        rate=np.full(len(at) - 1, 0.05),
        checked=np.array(at),
        checks=checks,
        diverged=np.zeros(6, dtype=bool),
    )


SMALL = course([2.3, 1.0, 0.04], [0, 50, 500], per_epoch=100)
LARGE = course([2.3, 0.48], [0, 50], per_epoch=10, seconds=0.01)


def verdict(*courses: Course, comparison: Comparison = COMPARISON) -> str:
    return telling.verdict(comparison, courses, NAMES)


def test_arms_are_named_by_the_settings_that_distinguish_them() -> None:
    assert NAMES == ["Batch size 100", "Batch size 1,000"]
    assert arm_names((ARMS[0], ARMS[0].replace(lr=0.1, norm="layer"))) == [
        "Normalisation: none, Learning rate 0.05",
        "Normalisation: layer, Learning rate 0.1",
    ]
    planned = ARMS[0].replace(schedule_batch_size=1_000)
    assert arm_names((planned, ARMS[0])) == ["Schedule for batch size 1,000", "Schedule for its own batch size"]
    assert arm_names((ARMS[0], ARMS[0].replace(lr=0.1, schedule="constant"))) == [
        "Learning rate 0.05, cosine",
        "Learning rate 0.1, constant",
    ]
    assert arm_names((ARMS[0], ARMS[0])) == ["Arm (1)", "Arm (2)"]
    assert arm_names((*ARMS, ARMS[0])) == ["Batch size 100 (1)", "Batch size 1,000", "Batch size 100 (2)"]
    assert arm_names((ARMS[0], ARMS[1].replace(lr=0.158114)))[1] == "Batch size 1,000, Learning rate 0.158"
    near = (ARMS[0].replace(lr=0.12341), ARMS[0].replace(lr=0.12342))
    assert arm_names(near) == ["Learning rate 0.12341", "Learning rate 0.12342"]


def test_a_tuned_rate_is_not_part_of_a_name() -> None:
    assert arm_names((ARMS[0], ARMS[1].replace(lr=0.2)), is_tuned=True) == NAMES
    assert arm_names((ARMS[0], ARMS[0].replace(lr=0.2)), is_tuned=True) == ["Arm (1)", "Arm (2)"]


def test_the_verdict_names_the_winner_the_ratio_and_the_significance() -> None:
    assert verdict(SMALL, LARGE).startswith(
        "**Batch size 100** is ahead at equal epochs (5): training loss 0.0402 vs 0.482, 12 times lower than Batch "
        "size 1,000 (95% interval 12 to 12, p = 0.031, 6 seeds)."
    )


def test_the_verdict_names_the_budgets_that_give_another_result() -> None:
    assert verdict(SMALL, LARGE).endswith(
        "By other budgets, the same runs give another result (the longer runs have not decayed their rate yet). At "
        "equal updates (50), Batch size 1,000 is ahead (2.08 times lower). At equal seconds (0.5s), Batch size 1,000 "
        "is ahead (2.08 times lower)."
    )
    assert "By other budgets" not in verdict(SMALL, course([2.3, 2.0], [0, 50], per_epoch=10, seconds=0.1))


def test_the_room_of_a_verdict_holds_every_verdict_on_the_comparison() -> None:
    near = course([2.3, 1.0, 0.046], [0, 50, 500], per_epoch=100)
    lost = course([2.3], [0], per_epoch=10)
    lost.diverged[:] = True
    for guesses in (False, True):
        room = telling.room(COMPARISON, NAMES, guesses=guesses)
        text = re.fullmatch(r"<p class='room' data-text='([^'<>*]+)'></p>", room)
        assert text
        for courses in ([SMALL, LARGE], [SMALL, near], [SMALL, lost], [LARGE, SMALL]):
            said = telling.guess(COMPARISON, courses, NAMES, 1 if guesses else None)
            assert len(f"{said} {verdict(*courses)}".replace("*", "")) <= len(text[1])


def test_a_guess_is_right_wrong_or_neither() -> None:
    near = course([2.3, 1.0, 0.046], [0, 50, 500], per_epoch=100)

    def told(guess: int | None, *courses: Course) -> str:
        return telling.guess(COMPARISON, courses, NAMES, guess)

    assert told(None, SMALL, LARGE) == ""
    assert told(0, SMALL, LARGE) == "Your guess, **Batch size 100**, was right."
    assert told(1, SMALL, LARGE) == "Your guess, **Batch size 1,000**, was wrong: Batch size 100 ends lower."
    assert told(1, SMALL, near) == "Your guess, **Batch size 1,000**, is neither right nor wrong."
    assert told(0, SMALL, replace(LARGE, state="running")) == "You guessed **Batch size 100**."


def test_a_given_name_stands_in_place_of_the_settings_and_shows_no_markup() -> None:
    arms = [RunConfig(), RunConfig(batch_size=1_000), RunConfig(batch_size=7)]
    assert arm_names(arms, ["Low", ""]) == ["Low", "Batch size 1,000", "Batch size 7"]
    assert arm_names(arms, ["Low", "Low"]) == ["Low (1)", "Low (2)", "Batch size 7"]
    assert not set("[]*<>`") & set(arm_names(arms, ["**[a](b)** <i>`"])[0])


def test_arms_within_25_percent_are_practically_equal_and_both_losses_are_given() -> None:
    near = course([2.3, 1.0, 0.046], [0, 50, 500], per_epoch=100)
    assert verdict(SMALL, near).startswith(
        "At equal epochs (5), **Batch size 100 and Batch size 1,000 are practically equal (within 25%)**: training "
        "loss 0.0402 vs 0.0462. Batch size 100 is 13% lower (p = 0.031, 6 seeds)."
    )


def test_the_verdict_counts_diverged_seeds() -> None:
    lost = course([2.3], [0], per_epoch=10)
    lost.diverged[:] = True
    assert verdict(SMALL, lost) == (
        "**Batch size 100** is ahead at equal epochs (5) with a training loss of 0.0402: 6 of 6 seeds of Batch size "
        "1,000 diverged, compared with 0 of Batch size 100 (p = 0.031)."
    )
    assert verdict(lost, lost) == "**All arms diverged.** Lower the learning rate."


def test_one_seed_that_diverged_decides_nothing() -> None:
    half = course([2.3, 0.9, 0.01], [0, 50, 500], per_epoch=100)
    half.diverged[0] = True
    assert verdict(SMALL, half).startswith(
        "At equal epochs (5), **the difference between Batch size 100 and Batch size 1,000 is not significant**: 1 of "
        "6 seeds of Batch size 1,000 diverged, and 0 of Batch size 100 (p = "
    )
    half.state = "running"
    assert "0.0402 for Batch size 100 vs 0.0101 for Batch size 1,000" in verdict(SMALL, half)
    half.diverged[:] = True
    assert verdict(SMALL, half) == (
        "So far, at equal epochs (5): training loss 0.0402 for Batch size 100. Batch size 1,000 has diverged."
    )


def test_the_verdict_says_when_seeds_are_too_few() -> None:
    few = [course(losses, [0, 50], per_epoch=10) for losses in ([2.3, 0.04], [2.3, 0.48])]
    for each in few:
        each.checks = {name: values[:, :3] for name, values in each.checks.items()}
        each.diverged = each.diverged[:3]
    three = compared(ARMS, seeds=3)
    assert verdict(*few, comparison=three) == (
        "At equal epochs (5), **the difference between Batch size 100 and Batch size 1,000 is not significant**: "
        "training loss 0.0396 vs 0.475 (p = 0.25, 3 seeds). With 3 seeds, p cannot fall below 0.25. Use at least 6."
    )


def test_the_arms_after_the_best_two_are_described_too() -> None:
    arms = (*ARMS, ARMS[0].replace(batch_size=50), ARMS[0].replace(batch_size=20), ARMS[0].replace(batch_size=10))
    lost = course([2.3], [0], per_epoch=10)
    lost.diverged[:] = True
    without = Course(state="out_of_memory", peak_bytes=3 * 2**20)
    limited = compared([arm.replace(memory_limit_mb=1.0) for arm in arms])
    far = course([2.3, 4.8], [0, 50], per_epoch=10)
    text = telling.verdict(limited, [SMALL, LARGE, far, lost, without], arm_names(arms))
    assert "12 times lower than Batch size 1,000 (95% interval 12 to 12, p = 0.031, 6 seeds)." in text
    assert (
        "Only the best two arms are tested. Batch size 50 is at 4.82, 120 times as high as Batch size 100. 6 of 6 "
        "seeds of Batch size 20 diverged. By other budgets"
    ) in text
    half = course([2.3, 0.9, 0.01], [0, 50, 500], per_epoch=100)
    half.diverged[0] = True  # its loss is lower than the others', but arms without diverged seeds rank first
    text = telling.verdict(limited, [SMALL, half, SMALL, SMALL, far], arm_names(arms))
    assert (
        "Only the best two arms are tested. Batch size 20 is at 0.0402, within 25% of Batch size 100. Batch size 10 "
        "is at 4.82, 120 times as high as Batch size 100. 1 of 6 seeds of Batch size 1,000 diverged."
    ) in text


def test_the_verdict_says_that_a_tuned_rate_is_the_last_one_tried() -> None:
    edge = course([2.3, 0.48], [0, 50], per_epoch=10)
    edge.at_edge = True
    assert "The tuned rate of Batch size 1,000 is 0.05, the last one tried in that direction." in verdict(SMALL, edge)


def test_an_arm_over_the_memory_limit_is_named_with_the_numbers() -> None:
    limited = compared([arm.replace(memory_limit_mb=1.0) for arm in ARMS])
    short = Course(state="out_of_memory", peak_bytes=3 * 2**20)
    assert verdict(SMALL, short, comparison=limited) == (
        "Batch size 1,000 needs 3 MiB, but the limit is 1 MiB (simulated). It was not trained."
    )


def test_while_an_arm_trains_the_verdict_has_no_p() -> None:
    under_way = course([2.3, 1.0], [0, 50], per_epoch=100)
    under_way.state = "running"
    assert verdict(under_way, LARGE) == (
        "So far, at equal epochs (0.5): training loss 1 for Batch size 100 vs 1.98 for Batch size 1,000."
    )


def test_a_diverged_arm_has_no_losses_in_the_table() -> None:
    lost = course([2.3, 6e23], [0, 50], per_epoch=10)
    lost.diverged[:] = True
    row = telling.table(COMPARISON, [SMALL, lost], NAMES).split("<tr>")[-1]
    assert "e+23" not in row
    assert row.count("<td>\u2014</td>") == 3  # both losses and the accuracy


def test_the_table_has_the_loss_above_the_optimum_where_that_is_known() -> None:
    assert "Above the optimum" not in telling.table(COMPARISON, [SMALL, LARGE], NAMES)
    known = course([2.3, 1.0], [0, 50], per_epoch=100)
    known.checks["excess_loss"] = np.array([2.0, 0.01])[:, None] * SEEDS
    table = telling.table(COMPARISON, [known, SMALL], NAMES)
    assert "<th scope='col'>Above the optimum</th>" in table
    assert "<td>0.01 (0.0098 to 0.0103)</td>" in table


def test_an_empty_verdict_still_takes_a_line() -> None:
    assert verdict(Course(), Course()) == "\u00a0"


def test_held_fixed_includes_the_rule_of_the_learning_rate() -> None:
    assert telling.held(COMPARISON) == (
        "photos10k, mlp 128-64. Held fixed: data, initial weights, order of examples, and epochs. Varied: Batch size."
    )
    assert "rates tried. Varied: Batch size and Learning rate." in telling.held(compared(ARMS, rule="tuned"))
    scaled = compared(ARMS, rule="linear", budget="updates")
    assert "updates, and rate / batch size. Varied: Batch size and Learning rate." in telling.held(scaled)


def test_the_table_has_settings_and_results() -> None:
    table = telling.table(COMPARISON, [SMALL, Course()], NAMES)
    assert "aria-label='Results of all arms'" in table
    for cell in (
        "Batch size 100",
        "finished",
        "500",
        "50,000",
        "0.05",
        "0.0402 (0.0392 to 0.0412)",
        "90.0%",
        "5.0s",
        "1 MiB",
        "waiting",
    ):
        assert f"<td>{cell}</td>" in table
    assert "nan" not in table
    cut = course([2.3, 1.0], [0, 50], per_epoch=100)
    cut.state, cut.planned = "stopped", 500
    assert "<td>0.5s</td>" in telling.table(COMPARISON, [SMALL, cut], NAMES)
