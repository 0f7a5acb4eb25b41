"""Check timelines of allocations: bytes alive, JSON round trips, and the highest of several peaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.run.events import CATEGORIES, Category, Peak
from core.run.timeline import Block, Change, Timeline, operations_of, peak_of, plain_operation

NOTHING = dict.fromkeys(CATEGORIES, 0)


class Story:
    """Build a timeline from allocations and releases."""

    def __init__(self, **before: int) -> None:
        self.before = {name.replace("_", " "): size for name, size in before.items()}
        self.changes: list[Change] = []

    def born(self, size: int, category: Category = "activations", phase: str = "forward", module: str = "") -> Block:
        block = Block(size, category, phase, module, f"aten.of{size}", (size // 4,))
        self.changes.append(Change(size, block, phase, module))
        return block

    def gone(self, block: Block, phase: str = "backward", module: str = "") -> None:
        self.changes.append(Change(-block.bytes, block, phase, module))

    def timeline(self, recorded_bytes: int = 0) -> Timeline:
        return Timeline(self.before, tuple(self.changes), recorded_bytes)


def small() -> Timeline:
    """Return a timeline with weights of 100 bytes, an activation of 40, and gradients of 100."""
    story = Story(parameters=100, optimizer_state=20)
    kept = story.born(40, module="linear")
    gradient = story.born(100, "gradients", "backward", "linear")
    story.gone(kept, module="linear")
    old = Block(20, "optimizer state", "", "", "", ())  # allocated before the timeline
    story.gone(old, "optimizer")
    story.gone(gradient, "forward")
    return story.timeline()


def through_json(timeline: Timeline) -> Timeline:
    return Timeline.from_dict(json.loads(json.dumps(timeline.to_dict())))


# Bytes alive.


def test_live_bytes_are_listed_before_the_first_change_and_after_each() -> None:
    assert small().live_bytes() == [120, 160, 260, 220, 200, 100]
    assert small().highest() == 2
    assert small().by_category(2) == NOTHING | {
        "parameters": 100,
        "optimizer state": 20,
        "activations": 40,
        "gradients": 100,
    }
    assert small().by_category(5) == NOTHING | {"parameters": 100}


def test_the_peak_is_the_first_point_with_the_most_bytes_alive() -> None:
    assert small().peak() == Peak(260, small().by_category(2), "backward", "linear")
    story = Story(parameters=8)
    story.gone(story.born(50, module="first"))
    story.born(50, module="second")
    assert story.timeline().peak().module == "first"
    assert Story(parameters=8).timeline().peak() == Peak(8, NOTHING | {"parameters": 8}, "forward", "")


def test_more_initial_bytes_raise_every_point_and_the_record() -> None:
    story = Story(parameters=100)
    story.gone(story.born(40))
    plain = story.timeline(recorded_bytes=150)
    more = plain.with_more("activations", 12)
    assert more.live_bytes() == [112, 152, 112]
    assert more.peak().by_category["activations"] == 52
    assert more.recorded_bytes == 162
    assert peak_of([more]).workspace_bytes == peak_of([plain]).workspace_bytes == 10
    assert more.with_more("activations", -12) == Timeline({**plain.before, "activations": 0}, plain.changes, 150)
    assert plain.with_more("batch", 0) is plain
    assert story.timeline().with_more("batch", 5).recorded_bytes == 0  # without a record there is still none


def test_the_newest_changes_start_from_the_bytes_alive_before_them() -> None:
    newest = small().newest(3)
    assert newest.live_bytes() == [260, 220, 200, 100]
    assert newest.before == small().by_category(2)
    assert newest.changes == small().changes[2:]
    assert small().newest(5) == small()
    assert small().newest(600) == small()
    assert small().newest(1).live_bytes() == [200, 100]


# JSON.


def test_a_timeline_is_the_same_after_json() -> None:
    assert through_json(small()) == small()


def test_a_category_set_after_the_allocation_is_written_too() -> None:
    story = Story()
    block = story.born(40, "temporary", "backward", "linear")
    block.category = "gradients"
    assert through_json(story.timeline()).by_category(1) == NOTHING | {"gradients": 40}


def test_a_release_refers_to_the_block_of_its_allocation() -> None:
    read = through_json(small())
    assert read.changes[0].block is read.changes[2].block
    assert read.changes[1].block is read.changes[4].block
    assert read.changes[3].block == Block(20, "optimizer state", "", "", "", ())


def test_two_storages_that_look_the_same_stay_separate() -> None:
    story = Story()
    first, second = story.born(40), story.born(40)
    story.gone(second)
    story.gone(first)
    read = through_json(story.timeline())
    assert read.changes[2].block is read.changes[1].block
    assert read.changes[3].block is read.changes[0].block


def test_the_newest_changes_survive_json_without_their_allocations() -> None:
    newest = small().newest(3)
    read = through_json(newest)
    assert read.live_bytes() == newest.live_bytes()
    assert [read.by_category(count) for count in range(4)] == [newest.by_category(count) for count in range(4)]
    assert [(change.phase, change.module) for change in read.changes] == [
        (change.phase, change.module) for change in newest.changes
    ]


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    story = Story(parameters=draw(st.integers(0, 50)))
    alive: list[Block] = []
    for _ in range(draw(st.integers(0, 12))):
        if alive and draw(st.booleans()):
            story.gone(alive.pop(draw(st.integers(0, len(alive) - 1))), draw(st.sampled_from(["backward", "forward"])))
        else:
            alive.append(story.born(draw(st.integers(1, 90)), draw(st.sampled_from(CATEGORIES))))
    return story.timeline()


@given(timelines(), st.integers(0, 14))
def test_any_timeline_or_its_end_survives_json(timeline: Timeline, count: int) -> None:
    assert through_json(timeline) == timeline
    newest = timeline.newest(count) if count else timeline
    read = through_json(newest)
    assert read.live_bytes() == newest.live_bytes() == timeline.live_bytes()[-len(newest.changes) - 1 :]
    for number in range(len(newest.changes) + 1):
        earlier = len(timeline.changes) - len(newest.changes)
        assert read.by_category(number) == timeline.by_category(earlier + number)


# Several timelines.


def test_workspace_is_the_highest_record_minus_the_highest_peak() -> None:
    high, recorded = Story(parameters=100).timeline(), Story(parameters=60).timeline(recorded_bytes=130)
    assert peak_of([high, recorded]) == Peak(130, NOTHING | {"parameters": 100}, "forward", "", workspace_bytes=30)
    assert peak_of([recorded]).workspace_bytes == 70
    assert peak_of([high]).workspace_bytes == 0
    assert peak_of(iter([high, Story(parameters=60).timeline(recorded_bytes=99)])).workspace_bytes == 0


@pytest.mark.parametrize("order", [1, -1])
def test_operations_are_listed_with_their_largest_workspace(order: int) -> None:
    first: Any = Timeline({}, (), operations=(("conv", 50), ("mm", 10)))
    second: Any = Timeline({}, (), operations=(("norm", 30), ("conv", 20)))
    assert operations_of([first, second][::order]) == (("conv", 50), ("norm", 30), ("mm", 10))


@pytest.mark.parametrize(
    ("operation", "plain"),
    [
        ("aten.add_.Tensor", "add"),
        ("aten._log_softmax.default", "log_softmax"),
        ("aten.native_group_norm_backward.default", "native_group_norm_backward"),
        ("model", "model"),  # the operation in the error of a model that does not fit
    ],
)
def test_an_operation_has_a_plain_name(operation: str, plain: str) -> None:
    assert plain_operation(operation) == plain
