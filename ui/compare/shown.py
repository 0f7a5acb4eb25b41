"""Read the comparison that is shown: the session's own, or the one that came with Batch Lab."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from core.comparison import shipped
from core.comparison.course import Course, unpack
from core.comparison.setup import Comparison
from core.store import ACTIVE_STATES, RunRecord
from core.words.errors import BatchLabError, StoreError
from ui.compare.state import CompareState
from ui.shell.engine import engine
from ui.shell.session import Session
from ui.shell.text import say


@dataclass(frozen=True)
class Shown:
    """A comparison and what it has recorded; without a record it came with Batch Lab, on a date."""

    comparison: Comparison
    courses: list[Course]
    record: RunRecord | None
    date: str = ""

    @property
    def is_active(self) -> bool:
        return self.record is not None and self.record.state in ACTIVE_STATES


def read(session: Session) -> Shown | None:
    """Return what is shown, as new as the store has it; None where there is nothing."""
    state = session.state(CompareState)
    state.lost = ()
    if state.id is None:
        return _shipped() if state.recorded else None
    try:
        found = engine().store.comparison(state.id)
    except StoreError as error:
        state.lost = error.problems
        return None
    if found is None:
        return None
    record, setup, courses = found
    try:
        comparison = Comparison.from_json(setup)
        known = unpack(courses) if courses else [Course() for _ in comparison.arms]
    except (BatchLabError, ValueError):
        state.notice = say("compare.unreadable")
        return None
    if record.state not in ACTIVE_STATES:  # one that was killed could not say so of its arms
        for course in known:
            course.state = "stopped" if course.state in ("waiting", "tuning", "running") else course.state
    return Shown(comparison, known, record)


@cache
def _shipped() -> Shown | None:
    try:
        found = shipped.load()
    except BatchLabError:  # the page then says what Start would train
        return None
    return Shown(found.comparison, found.courses, None, f"{found.date:%d %B %Y}".lstrip("0"))
