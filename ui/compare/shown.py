"""Read the comparison that is shown: the session's own, or the one that came with Batch Lab."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from core.comparison import shipped
from core.comparison.course import Course, unpack
from core.comparison.setup import Comparison
from core.store import ACTIVE_STATES, RunRecord
from core.words.errors import BatchLabError, StoreError
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
    session.compare_lost = ()
    if session.comparison_id is None:
        return _shipped() if session.compare_recorded else None
    try:
        found = engine().store.comparison(session.comparison_id)
    except StoreError as error:
        session.compare_lost = error.problems
        return None
    if found is None:
        return None
    record, setup, courses = found
    try:
        comparison = Comparison.from_json(setup)
        known = unpack(courses) if courses else [Course() for _ in comparison.arms]
    except (BatchLabError, ValueError):
        session.compare_notice = say("compare.unreadable")
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
