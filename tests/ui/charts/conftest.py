"""Fixtures for the tests of charts: words that show their key, and readers of real runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import count
from typing import Any

import numpy as np
import pytest

from core.run.config import RunConfig
from core.run.events import CATEGORIES, Ended, Epoch, Peak, Updates
from core.store import Store
from core.store.reader import RunReader
from core.words.catalogue import Catalogue
from ui.charts.style import Spec

MIB = 2**20


class Keys(Catalogue):
    """A catalogue that shows a key and its values instead of the sentence."""

    def say(self, key: str, **values: Any) -> str:
        return f"<{' '.join([key, *(f'{name}={value}' for name, value in values.items())])}>"


@pytest.fixture(scope="session")
def words() -> Catalogue:
    """Return a catalogue that shows keys instead of sentences."""
    return Keys()


@pytest.fixture(scope="session")
def say(words: Catalogue) -> Callable[..., str]:
    """Return the function of that catalogue that shows a key and its values."""
    return words.say


@pytest.fixture(scope="session")
def spec_of(say: Callable[..., str]) -> Callable[[Callable[..., Spec]], Spec]:
    """Return a function that gives the specification of a chart in these words, made once for all tests."""
    return cache(lambda chart: chart(say))


@pytest.fixture(scope="module")
def reader_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunReader]]:
    """Return a function that records a run in a database and returns its reader.

    Every update takes 0.01 s and one batch at a rate of 0.05 by default.
    """
    store = Store.open(tmp_path_factory.mktemp("runs") / "runs.sqlite")
    names = map(str, count())

    def reader_of(
        losses: Sequence[float],
        *,
        config: RunConfig | None = None,
        epochs: Sequence[Epoch] = (),
        rss_bytes: int = 0,
        ended: bool = False,
        **columns: Sequence[float],
    ) -> RunReader:
        config = config or RunConfig()
        name, updates = next(names), np.arange(1, len(losses) + 1)
        values: dict[str, Any] = {
            "rates": np.full(len(losses), 0.05),
            "gradient_norms": np.ones(len(losses)),
            "examples_seen": updates * config.effective_batch_size,
            "seconds": updates * 0.01,
            **columns,
        }
        types = {"rates": "f8", "gradient_norms": "f4", "examples_seen": "i8", "seconds": "f8"}
        arrays = {column: np.array(values[column], dtype) for column, dtype in types.items()}
        store.create(name, config, owner="o", session="s")
        ends = [Ended("finished", "budget", updates=len(losses))] if ended else []
        store.write(name, [Updates(0, np.array(losses, "f4"), **arrays), *epochs, *ends], rss_bytes=rss_bytes)
        reader = RunReader(store, name)
        reader.refresh()
        return reader

    yield reader_of
    store.close()


@pytest.fixture(scope="session")
def peak_of() -> Callable[..., Peak]:
    """Return a function that makes a peak of so many MiB in each of some categories."""

    def peak_of(**sizes: float) -> Peak:
        categories = dict.fromkeys(CATEGORIES, 0) | {name: round(size * MIB) for name, size in sizes.items()}
        return Peak(sum(categories.values()), categories, "backward", "")

    return peak_of
