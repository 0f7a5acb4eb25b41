"""Say in sentences what is wrong."""

from __future__ import annotations

from collections.abc import Iterable

from core.words.errors import Problem
from ui.shell.text import explain


def reasons(problems: Iterable[Problem]) -> str:
    """Return the sentences of problems, separated by semicolons."""
    return "; ".join(explain(problem.code, problem.values) for problem in problems)


def within_a_sentence(problem: Problem) -> str:
    """Return the sentence of a problem as it continues after a colon."""
    text = reasons((problem,))
    return text[0].lower() + text[1:]
