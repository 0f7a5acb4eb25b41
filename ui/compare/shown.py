"""Read the comparison that the page shows: the session's own, or one that ships with Batch Lab."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from core.comparison import shipped
from core.comparison.course import Course, unpack
from core.comparison.setup import Comparison
from core.store import RunRecord
from core.words.errors import BatchLabError, StoreError
from ui.compare.state import CompareState, Notice
from ui.shell.engine import engine
from ui.shell.session import Session


@dataclass(frozen=True)
class Shown:
    """A comparison and what it has recorded. A shipped one has a date in place of a record."""

    comparison: Comparison
    courses: list[Course]
    record: RunRecord | None
    date: date | None = None

    @property
    def is_active(self) -> bool:
        return self.record is not None and self.record.is_active


def read(session: Session) -> Shown | None:
    """Return the shown comparison as the store has it now, or None if nothing is shown."""
    state = session.state(CompareState)
    state.lost = ()
    if state.id is None:
        return _shipped(state.recorded) if state.recorded else None
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
        state.notice = Notice("unreadable")
        return None
    if not record.is_active:  # a killed process could not mark its arms as stopped
        for course in known:
            course.state = "stopped" if course.state in ("waiting", "tuning", "running") else course.state
    return Shown(comparison, known, record)


@cache
def _shipped(preset: str) -> Shown | None:
    try:
        found = shipped.load(preset)
    except BatchLabError:  # the page then describes what Start would train
        return None
    return Shown(found.comparison, found.courses, None, found.date)
