"""Wait for jobs of the host that take seconds, and keep their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.host.process import Answer
from core.words.errors import BatchLabError, Problem

Key = TypeVar("Key")
Result = TypeVar("Result")


@dataclass
class LongJobs(Generic[Key, Result]):
    """The jobs that a session has started, each under the key of its request."""

    results: dict[Key, Result] = field(default_factory=dict)
    running: dict[Key, Answer] = field(default_factory=dict)
    trouble: dict[Key, tuple[Problem, ...]] = field(default_factory=dict)  # why a job gave no result

    def start(self, key: Key, ask: Callable[[], Answer]) -> None:
        """Ask the host for a job, or keep the reason why it refuses."""
        self.trouble.pop(key, None)
        try:
            self.running[key] = ask()
        except BatchLabError as error:
            self.trouble[key] = error.problems

    def collect(self) -> bool:
        """Keep the results of the jobs that have ended; return whether this ended the last running one."""
        if not self.running:
            return False
        for key, answer in list(self.running.items()):
            if not answer.done():
                continue
            del self.running[key]
            try:
                self.results[key] = answer.result()
            except BatchLabError as error:
                self.trouble[key] = error.problems
        return not self.running
