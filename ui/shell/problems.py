"""Say in sentences what is wrong."""

from __future__ import annotations

from collections.abc import Iterable

from core.words.errors import Problem
from ui.shell.text import explain, say


def reasons(problems: Iterable[Problem]) -> str:
    """Join the sentences of problems, without the last full stop."""
    return say("reasons.separator").join(explain(problem.code, problem.values) for problem in problems)
