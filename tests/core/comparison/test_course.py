"""The recorded course of an arm: its axes, and packing it into bytes."""

from __future__ import annotations

import io

import numpy as np
import pytest

from core.comparison.course import Course, pack, seconds_left, unpack


def course() -> Course:
    return Course(
        state="running",
        planned=30,
        per_epoch=15,
        examples_per_epoch=1_437,
        effective_batch_size=100,
        seconds_per_update=0.5,
        peak_bytes=123,
        lr=0.25,
        updates=np.array([10.0, 20.0]),
        rate=np.array([0.2, 0.1]),
        series={"loss": np.array([[1.0, 2.0], [0.5, np.nan]])},
        checked=np.array([0.0, 15.0]),
        checks={"training_loss": np.array([[3.0, 3.0], [1.0, 2.0]])},
        diverged=np.array([False, True]),
    )


def test_updates_convert_to_each_axis() -> None:
    made, at = course(), np.array([0.0, 10.0, 15.0, 16.0])
    assert made.along(at, "updates").tolist() == [0, 10, 15, 16]
    assert made.along(at, "epochs").tolist() == pytest.approx([0, 10 / 15, 1, 16 / 15])
    assert made.along(at, "examples").tolist() == [0, 1_000, 1_437, 1_537]  # the last batch of an epoch has 37
    assert made.along(at, "seconds").tolist() == [0, 5, 7.5, 8]


def test_the_time_left_follows_from_the_time_that_each_arm_took_so_far() -> None:
    slow = Course("running", planned=100, spent_s=3.0, updates=np.array([10.0, 25.0]))  # 75 updates of 0.12 s are left
    quick = Course("running", planned=10, spent_s=1.0, updates=np.array([5.0]))
    assert seconds_left([slow, quick]) == pytest.approx(9 + 1)
    assert seconds_left([slow, Course("diverged", planned=10, spent_s=4.0, updates=np.array([2.0]))]) == pytest.approx(
        9
    )
    assert seconds_left([slow, Course("out_of_memory")]) == pytest.approx(9)
    for state in ("waiting", "tuning", "running"):  # this one has made no update yet
        assert seconds_left([slow, Course(state, planned=10)]) is None  # type: ignore[arg-type]


def test_packed_courses_are_read_back() -> None:
    back = unpack(pack([course(), Course()]))
    assert len(back) == 2
    for name in ("state", "planned", "per_epoch", "examples_per_epoch", "effective_batch_size", "lr", "peak_bytes"):
        assert getattr(back[0], name) == getattr(course(), name)
    np.testing.assert_array_equal(back[0].series["loss"], course().series["loss"])
    np.testing.assert_array_equal(back[0].checks["training_loss"], course().checks["training_loss"])
    assert back[0].diverged.tolist() == [False, True]
    assert back[1].series == {}
    assert back[1].state == "waiting"


def test_an_arm_is_judged_by_the_excess_loss_where_it_is_known() -> None:
    made = course()
    assert made.measure == "training_loss"
    made.checks["excess_loss"] = np.ones((2, 2))
    assert made.measure == "excess_loss"


def test_an_arm_is_lost_when_every_seed_diverged() -> None:
    made = course()
    assert not made.is_lost
    made.diverged[:] = True
    assert made.is_lost
    assert not Course().is_lost


@pytest.mark.parametrize("payload", [b"", b"no courses", pack([])[:-30]])
def test_a_damaged_payload_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        unpack(payload)


def test_the_newest_figures_leave_out_diverged_seeds() -> None:
    course = Course(diverged=np.array([False, True, False]))
    assert not len(course.newest("training_loss"))
    course.checks["training_loss"] = np.array([[2.0, 2.0, 2.0], [0.1, 7.0, 0.3]])
    assert course.newest("training_loss").tolist() == [0.1, 0.3]
    assert not len(course.newest("excess_loss"))


def test_unknown_arrays_of_an_older_version_are_ignored() -> None:
    file = io.BytesIO(pack([Course(planned=7)]))
    with np.load(file) as kept:
        arrays = dict(kept)
    older = io.BytesIO()
    np.savez_compressed(older, **arrays, **{"0.final_loss": np.ones(3)})
    assert unpack(older.getvalue())[0].planned == 7
