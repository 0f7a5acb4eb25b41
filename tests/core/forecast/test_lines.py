"""Straight lines in the batch size, compared with rehearsals at every size and with the maximum of all lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.forecast.lines import PROBES, Lines
from core.forecast.predict import curve, new_trainer
from core.forecast.records import EVENTS, Piece
from core.forecast.rehearsal import Sizes, rehearse
from core.run.config import RunConfig
from core.run.events import CATEGORIES, Category, Peak
from core.run.timeline import Block, Change, Timeline, peak_of
from tests.campaign import campaign

Resize = Callable[..., None]


def lines_of(config: RunConfig) -> Lines:
    return Lines(partial(new_trainer, config), min(config.accumulate, 2))


def rehearsed(config: RunConfig, windows: Sequence[Sizes], chunk: int) -> Peak:
    seen = rehearse(partial(new_trainer, config), windows, [chunk])
    return peak_of(seen.timelines.values())


# Peaks.


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": "linear", "optimizer": "adam", "zero_in_place": True},
        {"model": "cnn", "checkpointing": True, "evaluate_with_grad": True},
        *campaign(
            [
                {"model": "linear", "optimizer": "adam"},
                {"model": "cnn", "norm": "group", "optimizer": "sgd"},
                {"norm": "layer", "hidden": (300, 20), "optimizer": "adamw", "zero_in_place": True},
                {"model": "cnn", "checkpointing": True},
                {"hidden": (40, 30, 20), "checkpointing": True, "evaluate_with_grad": True},
            ]
        ),
    ],
    ids=str,
)
def test_the_peak_at_every_batch_size_is_that_of_a_rehearsal_there(changes: dict[str, Any]) -> None:
    config = RunConfig(**changes)
    lines = lines_of(config)
    assert lines.straight
    for size in (1, 2, 4, 7, 128, 129, 9_999):
        assert lines.peak([(size,)] * 2, size) == rehearsed(config, [(size,)] * 2, size)
        assert lines.peak([(size,)], 1) == rehearsed(config, [(size,)], 1)  # a run of one update
        assert lines.peak([(size,), (1,)], 1_999) == rehearsed(config, [(size,), (1,)], 1_999)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"optimizer": "adam", "zero_in_place": True}, {"model": "cnn"}], ids=str)
def test_two_micro_batches_of_different_sizes_have_the_peak_of_their_rehearsal(changes: dict[str, Any]) -> None:
    config = RunConfig(accumulate=2, **changes)
    lines = lines_of(config)
    for windows in ([(40, 40)] * 2, [(40, 13)] * 2, [(40, 40), (40, 1)], [(2, 1), (300, 299)]):
        assert lines.peak(windows, 7) == rehearsed(config, windows, 7)


def test_extra_bytes_count_as_activations_at_their_event() -> None:
    lines = lines_of(RunConfig())
    windows, chunk = [(100,)] * 2, 100
    plain = lines.peak(windows, chunk)
    beside = lines.peak(windows, chunk, extra={("second_update", "backward"): 40, ("evaluation", "evaluation"): 80})
    assert (plain.phase, plain.bytes) == ("backward", 660_032)
    assert beside.bytes == plain.bytes + 40  # the second update is the highest
    assert beside.by_category == {**plain.by_category, "activations": plain.by_category["activations"] + 40}
    assert lines.peak(windows, chunk, extra={("evaluation", "evaluation"): 10**9}).phase == "evaluation"
    assert (
        lines.peak(windows[:1], chunk, extra={("second_update", "backward"): 10**9}).bytes < 10**6
    )  # a run of one update has no second


def test_batch_sizes_with_different_operations_are_each_rehearsed() -> None:
    class Other(torch.nn.Module):
        """Takes a step more on a batch of more than three."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(256, 10)

        def forward(self, values: Any) -> Any:
            return self.layer(values * 2.0 if len(values) > 3 else values)

    def make() -> Any:
        torch.manual_seed(0)
        trainer = new_trainer(RunConfig(model="linear", optimizer="sgd"))
        model = Other()
        trainer.model, trainer.parameters = model, list(model.parameters())
        trainer.optimizer.param_groups[0]["params"] = trainer.parameters
        return trainer

    lines = Lines(make, 1)
    assert not lines.straight
    seen = peak_of(rehearse(make, [(50,)] * 2, [50]).timelines.values())
    assert lines.peak([(50,)] * 2, 50) == seen
    assert lines.peak([(50,)] * 2, 50, extra={("evaluation", "evaluation"): 8}).bytes == seen.bytes + 8
    assert lines.pieces(100, lambda size: size) == ()


# Pieces.


def test_the_law_of_the_default_mlp() -> None:
    pieces = lines_of(RunConfig()).pieces(10_000, lambda size: min(size, 2_000))
    assert [(piece.first, piece.last, piece.fixed_bytes, piece.per_example_bytes) for piece in pieces] == [
        (1, 128, 501_632, 1_584),
        (129, 10_000, 370_048, 2_608),
    ]
    # Weights, gradients and momentum are 3 x 167,208 bytes, and 8 are the loss and the 1 that backward begins with;
    # an example is 256 floats and a class, an output of 10 floats, and 128 floats of a hidden layer's gradient.
    assert pieces[0].fixed_bytes == 3 * 167_208 + 8
    assert pieces[0].per_example_bytes == 4 * 256 + 8 + 4 * 10 + 4 * 128
    assert [(piece.event, piece.phase) for piece in pieces] == [("second_update", "backward")] * 2
    assert [piece.module for piece in pieces] == ["linear1", "relu1"]
    assert (pieces[0].at(100), pieces[1].at(1_000)) == (660_032, 2_978_048)


def test_the_curve_has_the_law_of_its_run(resize: Resize) -> None:
    resize("photos10k", 300, 50)
    pieces = curve(RunConfig(), [100]).pieces
    assert [(piece.first, piece.last) for piece in pieces] == [(1, 128), (129, 300)]


def test_an_evaluation_grows_with_the_batch_up_to_the_size_of_the_validation_set() -> None:
    # A wide layer and no optimizer state: an evaluation of many with gradients is higher than an update on one.
    config = RunConfig(hidden=(2_000,), optimizer="sgd", evaluate_with_grad=True, validate_whole=True)
    lines = lines_of(config)
    pieces = lines.pieces(10_000, lambda size: 2_000)
    assert pieces[0].event == "evaluation"
    assert pieces[0].per_example_bytes == 0  # all 2,000 at any batch size
    assert pieces[0].at(1) == rehearsed(config, [(1,)] * 2, 2_000).bytes
    capped = lines.pieces(10_000, lambda size: min(size, 40))
    for size in (1, 30, 40, 41, 80, 10_000):
        (piece,) = [piece for piece in capped if piece.first <= size <= piece.last]
        assert piece.at(size) == lines.peak([(size,)] * 2, min(size, 40)).bytes


# Arbitrary lines.

Line = tuple[int, int, Category]  # bytes at B = 0, bytes per example, and the category of a storage


@dataclass
class Storages:
    """An update or evaluation that allocates storages one after another and releases some of them."""

    lines: list[Line]
    dying: list[int] = field(default_factory=list)  # allocations after which the oldest storage is released

    def timeline(self, batch_size: int, *, backwards: bool = False) -> Timeline:
        changes: list[Change] = []
        alive: list[Block] = []
        for number, (fixed, slope, category) in enumerate(self.lines):
            block = Block(fixed + slope * batch_size, category, f"phase {number}", f"module {number}", "made", ())
            alive.append(block)
            changes.append(Change(block.bytes, block, block.phase, block.module))
            if number in self.dying:
                for gone in sorted(alive, key=lambda block: block.bytes, reverse=backwards):
                    changes.append(Change(-gone.bytes, gone, block.phase, block.module))
                alive = []
        return Timeline({"parameters": 8}, tuple(changes))

    def highest(self, batch_size: int) -> int:
        return self.timeline(batch_size).peak().bytes


@dataclass
class Rehearsed:
    """The attributes of a rehearsed updater that `Lines` reads."""

    timelines: dict[int, Timeline]
    parameters: tuple[Any, ...] = ()


def lines_through(events: Sequence[Storages], monkeypatch: pytest.MonkeyPatch, *, disorder: bool = False) -> Lines:
    """Return the lines of a training that is rehearsed as these events say.

    With `disorder` what dies at once goes in another order in the second rehearsal than in the first.
    """

    def rehearse(make: Any, windows: Sequence[Sizes], chunks: Iterable[int], *, fake: bool) -> Rehearsed:
        ((size, *_), _), (chunk,) = windows, chunks
        sizes = (size, size, chunk)
        backwards = disorder and size == PROBES[1]
        seen = [event.timeline(at, backwards=backwards) for event, at in zip(events, sizes, strict=True)]
        return Rehearsed(dict(enumerate(seen)))

    monkeypatch.setattr("core.forecast.lines.rehearse", rehearse)
    return Lines(lambda: pytest.fail("not rehearsed"), 1)  # type: ignore[arg-type, return-value]


def brute_force(events: Sequence[Storages], batch_size: int, chunk: int) -> int:
    sizes = (batch_size, batch_size, chunk)
    return max(event.highest(size) for event, size in zip(events, sizes, strict=True))


line = st.tuples(st.integers(1, 60), st.integers(0, 9), st.sampled_from(CATEGORIES))
storages = st.builds(Storages, st.lists(line, min_size=1, max_size=6), st.lists(st.integers(0, 5), max_size=2))


@settings(max_examples=150)
@given(st.tuples(storages, storages, storages), st.integers(1, 60), st.integers(1, 60))
@example((Storages([(5, 1, "batch")]), Storages([(1, 2, "batch")]), Storages([(1, 1, "batch")])), 9, 60)
@example((Storages([(10, 1, "batch")]), Storages([(9, 2, "batch")]), Storages([(1, 0, "batch")])), 9, 60)
def test_the_pieces_are_the_highest_lines_without_a_gap(
    events: tuple[Storages, ...], most: int, validation: int
) -> None:
    def chunk(size: int) -> int:
        return min(size, validation)

    with pytest.MonkeyPatch.context() as monkeypatch:
        lines = lines_through(events, monkeypatch)
    pieces = lines.pieces(most, chunk)
    heights: list[int] = []
    for piece in pieces:
        assert piece.first == len(heights) + 1
        assert piece.last >= piece.first
        heights += [piece.at(size) for size in range(piece.first, piece.last + 1)]
    expected = [brute_force(events, size, chunk(size)) for size in range(1, most + 1)]
    assert heights == expected
    assert [lines.peak([(size,)] * 2, chunk(size)).bytes for size in range(1, most + 1)] == expected
    # Two neighbouring pieces lie on different lines.
    laws = [(piece.fixed_bytes, piece.per_example_bytes, piece.event, piece.module) for piece in pieces]
    assert all(one != other for one, other in zip(laws, laws[1:], strict=False))
    # A piece ends where the next one exceeds it.
    for one, other in zip(pieces, pieces[1:], strict=False):
        assert other.at(other.first - 1) <= one.at(one.last)
        assert other.at(one.first) < one.at(one.first) or other.event == "evaluation"
    assert all(piece.event in EVENTS for piece in pieces)


@settings(max_examples=60)
@given(st.tuples(storages, storages, storages), st.integers(1, 40))
def test_the_categories_of_a_peak_sum_to_it_and_belong_to_its_moment(events: tuple[Storages, ...], size: int) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        lines = lines_through(events, monkeypatch)
    peak = lines.peak([(size,)] * 2, size)
    assert peak == peak_of(event.timeline(size) for event in events)


def test_the_order_of_simultaneous_releases_changes_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    event = Storages([(1_000, 0, "temporary"), (10, 1, "activations"), (400, 0, "temporary")], [2])
    for disorder in (False, True):
        lines = lines_through([event] * 3, monkeypatch, disorder=disorder)
        assert lines.straight
        assert lines.peak([(500,)] * 2, 500).bytes == 8 + 1_000 + 510 + 400
        assert lines.pieces(500, lambda size: size) == (Piece(1, 500, 1_418, 1, "first_update", "phase 2", "module 2"),)


def test_a_prediction_in_bfloat16_is_the_same_each_time() -> None:
    config = RunConfig(precision="bfloat16")
    peaks = {lines_of(config).peak([(2_000,)] * 2, 2_000).bytes for _ in range(8)}
    assert peaks == {rehearsed(config, [(2_000,)] * 2, 2_000).bytes}
