"""Compare searches for the largest batch with literals and with those of accelerate and Lightning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from accelerate.utils import find_executable_batch_size
from hypothesis import given
from hypothesis import strategies as st

from core.run.searching import (
    SEARCHES,
    Attempt,
    Fits,
    Search,
    back_off,
    bisection,
    closed_form,
    doubling,
    largest_from,
)


def up_to(largest: int) -> Fits:
    return lambda batch_size: batch_size <= largest


def sizes(search: Search) -> list[int]:
    return [attempt.batch_size for attempt in search.attempts]


def test_doubling_stops_at_a_power_of_two() -> None:
    search = doubling(up_to(75), most=1_437)
    assert search.name == "doubling"
    assert search.attempts == (
        Attempt(2, True),
        Attempt(4, True),
        Attempt(8, True),
        Attempt(16, True),
        Attempt(32, True),
        Attempt(64, True),
        Attempt(128, False),
    )
    assert search.found == 64


def test_doubling_does_not_exceed_the_largest_size() -> None:
    search = doubling(up_to(1_437), most=1_437)
    assert (sizes(search)[-1], search.found) == (1_024, 1_024)
    search = doubling(up_to(128), most=128)
    assert (sizes(search)[-1], search.found) == (128, 128)


def test_bisection_halves_the_gap_that_doubling_leaves() -> None:
    search = bisection(up_to(75), most=1_437)
    assert sizes(search) == [2, 4, 8, 16, 32, 64, 128, 96, 80, 72, 76, 74, 75]
    assert (search.name, search.found) == ("bisection", 75)


def test_bisection_reaches_the_largest_size_even_if_doubling_skips_it() -> None:
    search = bisection(up_to(100), most=100)
    assert sizes(search) == [2, 4, 8, 16, 32, 64, 82, 91, 96, 98, 99, 100]
    assert search.found == 100


def test_backing_off_multiplies_by_nine_tenths_until_a_size_fits() -> None:
    search = back_off(up_to(75), most=128)
    assert sizes(search) == [128, 115, 103, 92, 82, 73]
    assert (search.name, search.found) == ("back_off", 73)
    assert sizes(back_off(up_to(75), most=1_437, start=90)) == [90, 81, 72]
    assert sizes(back_off(up_to(75), most=80, start=128)) == [80, 72]


def test_the_closed_form_tries_its_prediction_and_the_next_size() -> None:
    assert closed_form(up_to(75), predicted=75, most=1_437) == Search(
        "closed_form", (Attempt(75, True), Attempt(76, False)), 75
    )
    assert closed_form(up_to(1_437), predicted=1_437, most=1_437).attempts == (Attempt(1_437, True),)
    assert closed_form(up_to(0), predicted=0, most=1_437) == Search("closed_form", (Attempt(1, False),), 0)


@pytest.mark.parametrize(
    ("largest", "predicted", "sentence"),
    [
        (74, 75, "the largest batch that fits was predicted to be 75, but 75 does not fit, 76 does not fit"),
        (1_200, 1_000, "the largest batch that fits was predicted to be 1,000, but 1,000 fits, 1,001 fits"),
        (1, 0, "the largest batch that fits was predicted to be 0, but 1 fits"),
        (9, 1_438, "predicted must be between 0 and 1,437 (the largest batch there is), got 1,438"),
        (9, -1, "predicted must be between 0 and 1,437 (the largest batch there is), got -1"),
    ],
)
def test_a_wrong_prediction_is_an_error_that_names_the_attempts(largest: int, predicted: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        closed_form(up_to(largest), predicted=predicted, most=1_437)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_finds_1_or_0_if_no_more_fits(name: str) -> None:
    one, none = SEARCHES[name](up_to(1), most=100), SEARCHES[name](up_to(0), most=100)
    assert (one.name, one.found, one.attempts[-1]) == (name, 1, Attempt(1, True))
    assert (none.name, none.found, none.attempts[-1]) == (name, 0, Attempt(1, False))
    assert SEARCHES[name](up_to(1), most=1) == Search(name, (Attempt(1, True),), 1)
    assert SEARCHES[name](up_to(0), most=1) == Search(name, (Attempt(1, False),), 0)


@st.composite
def limits(draw: st.DrawFn) -> tuple[int, int]:
    """Draw the largest batch size and the largest that fits, which may be 0 or the same."""
    most = draw(st.integers(1, 10_000))
    return most, draw(st.integers(0, most))


def all_searches(most: int, largest: int) -> Iterator[Search]:
    for search in SEARCHES.values():
        yield search(up_to(largest), most=most)
    yield closed_form(up_to(largest), predicted=largest, most=most)


@given(limits())
def test_no_search_repeats_a_size_or_leaves_the_bounds_and_the_result_fits(limit: tuple[int, int]) -> None:
    most, largest = limit
    for search in all_searches(most, largest):
        tried = sizes(search)
        assert len(set(tried)) == len(tried) > 0
        assert all(1 <= size <= most for size in tried)
        assert all(attempt.fits == (attempt.batch_size <= largest) for attempt in search.attempts)
        assert search.found == max((attempt.batch_size for attempt in search.attempts if attempt.fits), default=0)


@given(limits())
def test_bisection_and_the_closed_form_are_exact(limit: tuple[int, int]) -> None:
    most, largest = limit
    assert bisection(up_to(largest), most=most).found == largest
    assert closed_form(up_to(largest), predicted=largest, most=most).found == largest


@given(limits())
def test_doubling_finds_a_power_of_two_and_backing_off_at_least_nine_tenths(limit: tuple[int, int]) -> None:
    most, largest = limit
    assert doubling(up_to(largest), most=most).found == (1 << largest.bit_length()) // 2
    assert (9 * (largest + 1)) // 10 <= back_off(up_to(largest), most=most).found <= largest


@given(limits())
def test_the_number_of_attempts_follows_a_formula(limit: tuple[int, int]) -> None:
    most, largest = limit
    count = {search.name: len(search.attempts) for search in all_searches(most, largest)}
    assert count["closed_form"] == (1 if largest in (0, most) else 2)
    power = largest.bit_length() - 1  # 2^power is what doubling finds
    if power > 0:
        failed = 2 ** (power + 1) <= most
        assert count["doubling"] == power + failed
        if failed:
            assert count["bisection"] == 2 * power + 1  # a gap of 2^power is halved `power` times
        else:
            assert count["bisection"] <= 2 * power + 1


# The implementations of other tools.


@pytest.fixture
def _no_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the other tools from collecting garbage at each attempt, which takes longer than everything else."""
    monkeypatch.setattr("accelerate.utils.memory.clear_device_cache", lambda garbage_collection=False: None)
    monkeypatch.setattr("lightning.pytorch.tuner.batch_size_scaling.garbage_collection_cuda", lambda: None)


class Probe:
    """A training that runs out of memory above batch size `largest`."""

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.attempts: list[Attempt] = []

    def __call__(self, batch_size: int) -> int:
        self.attempts.append(Attempt(batch_size, batch_size <= self.largest))
        if batch_size > self.largest:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 48.00 MiB.")
        return batch_size


@pytest.mark.usefixtures("_no_collections")
@pytest.mark.parametrize("start", [1, 10, 100, 128, 1_437])
@pytest.mark.parametrize("largest", [1, 9, 75, 127, 1_437])
def test_backing_off_tries_what_accelerate_tries(start: int, largest: int) -> None:
    probe = Probe(largest)

    def train(batch_size: int) -> int:
        return probe(batch_size)

    found = find_executable_batch_size(train, starting_batch_size=start)()
    assert back_off(up_to(largest), most=1_437, start=start) == Search("back_off", tuple(probe.attempts), found)


@pytest.mark.usefixtures("_no_collections")
def test_backing_off_finds_0_where_accelerate_gives_up() -> None:
    probe = Probe(0)

    def train(batch_size: int) -> int:
        return probe(batch_size)

    with pytest.raises(RuntimeError, match="No executable batch size found, reached zero"):
        find_executable_batch_size(train)()
    assert back_off(up_to(0), most=128) == Search("back_off", tuple(probe.attempts), 0)


LightningSearch = Callable[..., int | None]


@pytest.fixture
def lightning_search() -> LightningSearch:
    """The search of Lightning, which takes two seconds to import."""
    from tests.core.run import lightning_tuner

    return lightning_tuner.search


@pytest.mark.filterwarnings("ignore:.*treespec, LeafSpec:FutureWarning")
@pytest.mark.usefixtures("_no_collections")
def test_doubling_tries_what_lightning_tries(lightning_search: LightningSearch, tmp_path: Path) -> None:
    probe = Probe(11)
    found = lightning_search(probe, tmp_path, mode="power")
    assert doubling(up_to(11), most=1_000) == Search("doubling", tuple(probe.attempts), found or 0)


@pytest.mark.filterwarnings("ignore:.*treespec, LeafSpec:FutureWarning")
@pytest.mark.usefixtures("_no_collections")
def test_lightning_tries_2_once_more_if_only_1_fits(lightning_search: LightningSearch, tmp_path: Path) -> None:
    probe = Probe(1)
    assert lightning_search(probe, tmp_path, mode="power") == 1
    assert probe.attempts == [*doubling(up_to(1), most=1_000).attempts, Attempt(2, False)]


@pytest.mark.filterwarnings("ignore:.*treespec, LeafSpec:FutureWarning")
@pytest.mark.usefixtures("_no_collections")
def test_bisection_tries_what_lightning_tries_before_subtracting_its_margin(
    lightning_search: LightningSearch, tmp_path: Path
) -> None:
    probe = Probe(43)
    found = lightning_search(probe, tmp_path, mode="binsearch")
    search = bisection(up_to(43), most=1_000)
    assert list(search.attempts) == probe.attempts
    assert (search.found, found) == (43, 40)  # 43 x 0.95 = 40.85


@given(st.integers(0, 2_000), st.integers(0, 2_000))
def test_the_largest_from_a_start_is_exact_in_few_attempts(largest: int, start: int) -> None:
    tried = []

    def fits(size: int) -> bool:
        tried.append(size)
        return size <= largest

    assert largest_from(fits, start) == min(largest, start)
    assert len(tried) == len(set(tried))
    assert all(1 <= size <= start for size in tried)
    apart = max(start - largest, 0)
    assert len(tried) <= 1 + 2 * apart.bit_length()
