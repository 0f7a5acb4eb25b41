"""Define the errors: each carries codes and values, from which a catalogue makes the sentences.

BatchLabError
├── ConfigError      a value that cannot be used; nothing was started
├── StoreError       the database cannot be opened or understood; its file is untouched
└── HostError        the host process is gone or refused

`core.memory.SimulatedOutOfMemoryError` is not part of this tree. It subclasses `torch.OutOfMemoryError`, so code that
catches PyTorch's error also catches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.words.catalogue import Catalogue, catalogue


@dataclass(frozen=True)
class Problem:
    """One problem: its code, the values for its sentence, and the settings that would fix it.

    `remedy` maps config fields to valid values ({"batch_size": 1437}), or is empty.
    """

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)
    remedy: Mapping[str, Any] = field(default_factory=dict)


def explained(problem: Problem, words: Catalogue) -> str:
    """Return the sentence for a problem. A value that is itself a problem becomes its sentence."""
    values = {
        name: explained(value, words) if isinstance(value, Problem) else value for name, value in problem.values.items()
    }
    return words.explain(problem.code, **values)


class BatchLabError(Exception):
    """Base class of all errors. It carries one or more problems and no text."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "; ".join(explained(problem, catalogue()) for problem in self.problems)


class ConfigError(BatchLabError):
    """A value that cannot be used."""


class StoreError(BatchLabError):
    """A database that cannot be opened or understood."""


class HostError(BatchLabError):
    """A host process that is gone or that refused."""
