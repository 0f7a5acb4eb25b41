"""Wait for jobs of the host that take seconds, keep their results, and describe their progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.host.process import Answer
from core.words.errors import BatchLabError, Problem
from ui.shell.problems import reasons
from ui.shell.text import percent, say

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


def progress(jobs: LongJobs[Key, Result], key: Key, feature: str) -> str:
    """Return the progress of a job or why it failed, in the words of a feature; "" if neither applies."""
    asked = jobs.running.get(key)
    if asked is None:
        trouble = jobs.trouble.get(key)
        return say(f"{feature}.failed", reason=reasons(trouble)) if trouble else ""
    if asked.share is None:
        return f":material/hourglass_empty: {say(f'{feature}.waits')}"
    return f":material/directions_run: {say(f'{feature}.runs', share=percent(asked.share))}"
