"""The table of the timeline of an update: steps, phases, peaks, and the failed request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from core.run.events import CATEGORIES, FailedAllocation
from core.run.timeline import Block, Change, Timeline
from core.words.catalogue import Catalogue
from ui.charts.memory.timeline import timeline
from ui.charts.memory.timeline_table import timeline_table
from ui.charts.style import CATEGORY_COLOURS

MIB = 2**20


def of(table: pa.Table, series: str, *, panel: int | None = None) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row["series"] == series and panel in (None, row["panel"])]


def column(table: pa.Table, series: str, name: str, *, panel: int | None = None) -> list[Any]:
    return [row[name] for row in of(table, series, panel=panel)]


def block(
    mib: float,
    category: Any = "activations",
    module: str = "",
    operation: str = "aten.mm.default",
    shape: tuple[int, ...] = (8, 2),
) -> Block:
    return Block(round(mib * MIB), category, "", module, operation, shape)


def born(what: Block, phase: str) -> Change:
    return Change(what.bytes, what, phase, what.module)


def dead(what: Block, phase: str) -> Change:
    return Change(-what.bytes, what, phase, what.module)


def update() -> Timeline:
    """Return an update on 1 MiB of parameters: forward needs 4 MiB more, backward 2, and the optimizer's state stays.

    Between two phases and after the last, where the ledger says forward, it is released.
    """
    batch, hidden = block(1, "batch", operation="aten.index_select.default"), block(3, module="conv1")
    gradient, state = (
        block(2, "gradients", module="conv1"),
        block(0.5, "optimizer state", operation="aten.zeros.default"),
    )
    changes = (
        born(batch, "forward"),
        born(hidden, "forward"),
        born(gradient, "backward"),
        dead(hidden, "backward"),
        dead(batch, "forward"),
        born(state, "optimizer"),
        dead(gradient, "forward"),
    )
    return Timeline({"parameters": MIB}, changes)


def of_sizes(sizes: Sequence[float], phase: str = "forward") -> Timeline:
    """Return a timeline in which so many MiB are alive after each change."""
    changes = []
    for before, after in zip([0.0, *sizes], sizes, strict=False):
        what = block(abs(after - before))
        changes.append((born if after >= before else dead)(what, phase))
    return Timeline({}, tuple(changes))


# Steps.


def test_memory_before_the_first_change_and_after_each_is_stacked_by_category(words: Catalogue) -> None:
    table = timeline_table({"first_update": update()}, words)
    for name in CATEGORIES:  # a step lasts until the next; the last one is drawn to its end
        assert column(table, name, "x") == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert column(table, "parameters", "end") == [1] * 9
    assert column(table, "gradients", "start") == [1] * 9
    assert column(table, "gradients", "end") == [1, 1, 1, 3, 3, 3, 3, 1, 1]
    assert column(table, "activations", "end") == [1, 1, 4, 6, 3, 3, 3.5, 1.5, 1.5]
    assert column(table, "batch", "end") == [1, 2, 5, 7, 4, 3, 3.5, 1.5, 1.5]
    assert column(table, "temporary", "end") == column(table, "batch", "end")


def test_each_step_has_its_change_and_the_memory_after_it(words: Catalogue) -> None:
    rows = of(timeline_table({"first_update": update()}, words), "step")
    told = [(row["number"], row["row"], row["label"], row["value"] / MIB, row["live"]) for row in rows]
    assert told == [
        (0, "", "<chart.timeline.before>", 0, 1),
        (1, "<phase.forward>", "index_select (8, 2)", 1, 2),
        (2, "<phase.forward>", "conv1: mm (8, 2)", 3, 5),
        (3, "<phase.backward>", "conv1: mm (8, 2)", 2, 7),
        (4, "<phase.backward>", "conv1: mm (8, 2)", -3, 4),
        (5, "<phase.backward>", "index_select (8, 2)", -1, 3),
        (6, "<phase.optimizer>", "zeros (8, 2)", 0.5, 3.5),
        (7, "<phase.optimizer>", "conv1: mm (8, 2)", -2, 1.5),
    ]
    assert [(row["x"], row["end_x"]) for row in rows] == [(step, step + 1) for step in range(8)]


@pytest.mark.parametrize(
    ("module", "operation", "shape", "text"),
    [
        ("conv1", "aten.convolution.default", (100, 16, 16, 16), "conv1: convolution (100, 16, 16, 16)"),
        ("", "aten.sum.dim_IntList", (1,), "sum (1)"),
        ("body.0", "aten.nll_loss_forward.default", (), "body.0: nll_loss_forward"),
        ("", "prims.where.default", (2, 3), "prims.where (2, 3)"),
        ("", "where", (2,), "where (2)"),
    ],
)
def test_an_operation_is_named_without_its_library_and_overload(
    module: str, operation: str, shape: tuple[int, ...], text: str, words: Catalogue
) -> None:
    made = block(1, module=module, operation=operation, shape=shape)
    table = timeline_table({"evaluation": Timeline({}, (born(made, "evaluation"),))}, words)
    assert column(table, "step", "label")[1] == text


def test_a_block_from_before_is_named_by_its_category(words: Catalogue) -> None:
    old = Block(MIB, "gradients", "", "", "", ())
    table = timeline_table({"second_update": Timeline({"gradients": MIB}, (dead(old, "forward"),))}, words)
    assert column(table, "step", "label") == ["<chart.timeline.before>", "<series.gradients>"]
    assert column(table, "gradients", "end") == [1, 0, 0]


# Several events.


def test_events_stand_one_after_the_other_with_a_gap_and_their_names(words: Catalogue) -> None:
    table = timeline_table({"first_update": of_sizes([1] * 99), "second_update": of_sizes([2] * 99)}, words)
    assert [(row["label"], row["x"], row["end_x"]) for row in of(table, "event")] == [
        ("<event.first_update>", 0, 100),
        ("<event.second_update>", 106, 206),  # 0.03 of 200
    ]
    assert column(table, "batch", "x", panel=1) == [106 + step for step in range(101)]
    assert column(table, "step", "number", panel=1) == list(range(100))
    assert column(table, "extent", "x") == [0, 206]


def test_a_short_event_has_a_fifth_of_the_room(words: Catalogue) -> None:
    table = timeline_table({"first_update": of_sizes([1] * 89), "evaluation": of_sizes([2] * 9)}, words)
    assert [(row["x"], row["end_x"]) for row in of(table, "event")] == [(0, 90), (93, 113)]
    assert column(table, "step", "x", panel=1) == [93 + 2 * step for step in range(10)]
    assert column(table, "peak", "x", panel=1) == [96]  # in the middle of its step


def test_each_event_has_numbers_of_its_own_on_the_axis(words: Catalogue) -> None:
    table = timeline_table({"first_update": of_sizes([1] * 99), "second_update": of_sizes([2] * 49)}, words)
    ticks = [(row["panel"], row["number"], row["x"]) for row in of(table, "tick")]
    assert ticks == [
        (0, 0, 0),
        (0, 20, 20),
        (0, 40, 40),
        (0, 60, 60),
        (0, 80, 80),
        (1, 0, 105),
        (1, 20, 125),
        (1, 40, 145),
    ]


@pytest.mark.parametrize(("changes", "every"), [(1, 1), (11, 1), (12, 2), (100, 10), (5_000, 500)])
def test_the_numbers_on_the_axis_are_round(changes: int, every: int, words: Catalogue) -> None:
    numbers = column(timeline_table({"evaluation": of_sizes([1.0] * changes)}, words), "tick", "number")
    assert numbers == [every * place for place in range(len(numbers))]
    assert 1 <= len(numbers) <= 13


# Phases.


def test_a_phase_begins_with_its_first_allocation(words: Catalogue) -> None:
    table = timeline_table({"first_update": update()}, words)
    assert [(row["label"], row["x"], row["end_x"]) for row in of(table, "phase")] == [
        ("<phase.forward>", 1, 3),
        ("<phase.backward>", 3, 6),
        ("<phase.optimizer>", 6, 8),
    ]
    assert column(table, "bound", "x") == [3, 6]


def test_the_only_phase_of_an_event_is_not_named_again(words: Catalogue) -> None:
    table = timeline_table({"evaluation": of_sizes([1, 2], "evaluation")}, words)
    assert of(table, "phase") == of(table, "bound") == []


def test_stretches_too_short_to_be_seen_have_no_bounds(words: Catalogue) -> None:
    changes = of_sizes([1] * 300).changes + of_sizes([1] * 3, "backward").changes
    table = timeline_table({"first_update": Timeline({}, changes)}, words)
    assert of(table, "bound") == []
    assert column(table, "phase", "label") == ["<phase.forward>", "<phase.backward>"]


# Peaks.


def test_the_peak_of_each_event_is_marked_with_its_change(words: Catalogue) -> None:
    table = timeline_table({"first_update": update(), "second_update": of_sizes([1, 2.5, 1])}, words)
    first, second = of(table, "peak")
    assert (first["x"], first["end"], second["end"]) == (3.5, 7, 2.5)
    assert [(row["label"], row["x"], row["end_x"]) for row in of(table, "peak_name")] == [
        ("<chart.timeline.peak size=7 MiB>\nconv1: mm (8, 2)", 0, 8),
        ("<chart.timeline.peak size=2.50 MiB>\nmm (8, 2)", 10, 14),
    ]


def test_an_event_that_only_releases_peaks_before_its_first_change(words: Catalogue) -> None:
    old = Block(MIB, "gradients", "", "", "", ())
    table = timeline_table({"second_update": Timeline({"gradients": MIB}, (dead(old, "forward"),))}, words)
    assert column(table, "peak", "x") == [0.5]
    assert column(table, "peak_name", "label") == ["<chart.timeline.peak size=1 MiB>\n<chart.timeline.before>"]


def test_the_axis_has_room_above_the_peak_and_the_limit(words: Catalogue) -> None:
    events = {"first_update": update()}
    assert column(timeline_table(events, words), "extent", "end") == [0, pytest.approx(8.4)]
    table = timeline_table(events, words, limit_bytes=10 * MIB)
    assert column(table, "limit", "end") == [10]
    assert column(table, "extent", "end") == [0, pytest.approx(12)]
    table = timeline_table(events, words, limit_bytes=22 * MIB)  # the peak is 7
    assert of(table, "limit") == []
    assert column(table, "limit_name", "label") == ["<chart.limit.far limit=22 MiB>"]


# Failed requests.


def failed(
    requested: float, over: float, workspace: float = 0, *, shape: tuple[int, ...] = (), limit: int = 4
) -> FailedAllocation:
    return FailedAllocation(
        requested_bytes=round(requested * MIB),
        live_bytes=round((limit + over - requested - workspace) * MIB),
        limit_bytes=limit * MIB,
        phase="forward",
        module="conv1",
        operation="aten.convolution.default",
        shape=shape,
        workspace_bytes=round(workspace * MIB),
    )


def test_the_failed_request_stands_on_the_memory_alive_and_crosses_the_limit(words: Catalogue) -> None:
    table = timeline_table({"first_update": of_sizes([1, 4, 3])}, words, limit_bytes=4 * MIB, failed=failed(1.5, 0.5))
    (bar,) = of(table, "failed")
    assert (bar["x"], bar["end_x"], bar["start"], bar["end"]) == (4, 5, 3, 4.5)
    assert (bar["row"], bar["label"], bar["value"], bar["over"]) == ("<phase.forward>", "conv1: convolution", 1.5, 0.5)
    (name,) = of(table, "failed_name")
    assert name["x"] == 5
    assert name["label"] == "<chart.timeline.failed size=1.50 MiB over=0.50 MiB>\nconv1: convolution"
    assert column(table, "extent", "x") == [0, 5]
    assert column(table, "extent", "end") == [0, pytest.approx(4.5 * 1.3)]


def test_workspace_set_aside_stands_below_the_failed_request(words: Catalogue) -> None:
    table = timeline_table(
        {"first_update": of_sizes([3])}, words, limit_bytes=4 * MIB, failed=failed(1, 0.25, 0.25, shape=(8, 2))
    )
    assert [(row["start"], row["end"]) for row in of(table, "set_aside")] == [(3, 3.25)]
    assert [(row["start"], row["end"]) for row in of(table, "failed")] == [(3.25, 4.25)]
    assert column(table, "failed", "label") == ["conv1: convolution (8, 2)"]


def test_a_far_too_large_request_is_cut_at_twice_the_limit_and_named_in_full(words: Catalogue) -> None:
    table = timeline_table({"first_update": of_sizes([1])}, words, limit_bytes=4 * MIB, failed=failed(100, 97))
    assert [(row["end"], row["value"], row["over"]) for row in of(table, "failed")] == [(8, 100, 97)]
    assert max(column(table, "extent", "end")) == pytest.approx(8 * 1.3)


def test_events_before_the_failed_one_name_their_peak_briefly(words: Catalogue) -> None:
    events = {"first_update": of_sizes([1, 3, 2]), "second_update": of_sizes([1, 2])}
    table = timeline_table(events, words, limit_bytes=4 * MIB, failed=failed(3, 1))
    assert column(table, "peak", "panel") == [0]
    assert column(table, "peak_name", "label") == ["<chart.timeline.peak size=3 MiB>"]
    assert len(of(table, "failed")) == 1
    assert column(table, "event", "end_x") == [4, 10]  # 4, a gap of 2, 3 and the bar


# Long events.


def test_a_long_event_has_at_most_400_steps_with_its_peak_and_the_ends_of_each_phase(
    words: Catalogue,
) -> None:
    rises = [1 + step % 7 / 8 for step in range(3_000)]
    rises[1_234] = 9.0
    forward, backward = of_sizes(rises), of_sizes([2, 1] * 500, "backward")
    long = Timeline({}, forward.changes + backward.changes)
    rows = of(timeline_table({"first_update": long}, words), "step")
    numbers = [row["number"] for row in rows]
    assert 300 <= len(numbers) <= 400
    assert numbers == sorted(set(numbers))
    assert {0, 1, 1_235, 3_000, 3_001, 4_000} <= set(numbers)
    assert {row["number"]: row["live"] for row in rows}[1_235] == 9
    assert all(row["end_x"] == after["x"] for row, after in zip(rows, rows[1:], strict=False))
    between = [row["live"] for row in rows if row["number"] not in (0, 1, 1_235, 3_000) and row["number"] < 3_000]
    assert set(between) == {1.75}  # the highest of about ten steps, which is reached once in seven


def test_400_steps_are_all_drawn(words: Catalogue) -> None:
    assert len(of(timeline_table({"evaluation": of_sizes([1] * 399)}, words), "step")) == 400
    assert len(of(timeline_table({"evaluation": of_sizes([1] * 400)}, words), "step")) <= 400


def test_too_many_phases_are_thinned_too(words: Catalogue) -> None:
    changes = of_sizes([1, 2, 3]).changes + of_sizes([4, 1], "backward").changes
    numbers = column(timeline_table({"first_update": Timeline({}, changes * 300)}, words), "step", "number")
    assert len(numbers) <= 400
    assert numbers[0] == 0
    assert numbers[-1] == 1_500


# No data yet, and the marks.


def test_without_an_event_the_axes_are_held_open(words: Catalogue) -> None:
    table = timeline_table({}, words, limit_bytes=4 * MIB)
    assert column(table, "extent", "x") == [0, 1]
    assert column(table, "extent", "end") == [0, pytest.approx(4.8)]
    assert set(table["series"].to_pylist()) == {"extent", "caption", "limit", "limit_name"}


def test_the_areas_are_coloured_steps_that_do_not_cross_from_event_to_event(
    words: Catalogue,
) -> None:
    (area,) = [layer for layer in timeline(words.say)["layer"] if layer["mark"]["type"] == "area"]
    assert area["mark"]["interpolate"] == "step-after"
    colours = area["encoding"]["color"]["scale"]
    assert dict(zip(colours["domain"], colours["range"], strict=True)) == CATEGORY_COLOURS
    assert area["encoding"]["detail"]["field"] == "panel"
