"""Read the run that the page shows, and predict what it needs."""

from __future__ import annotations

from core.run.config import RunConfig
from core.run.events import Prediction
from core.store import recorded
from core.store.reader import RunReader
from core.words.errors import BatchLabError
from ui.setup.form import Form
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.session import Session
from ui.shell.text import say


def shown_run(session: Session, form: Form) -> str | None:
    """Return the id of the run to show: the session's own or, before it has one, the recorded run if the form has the
    settings of that run."""
    if session.run_id or session.unknown_run:
        return session.run_id
    return recorded.RUN_ID if engine().recording and form.config == recorded.CONFIG else None


def read(run_id: str | None) -> tuple[RunReader | None, str | None]:
    """Return the reader of a run, with all its rows read, and why it cannot be read."""
    if run_id is None:
        return None, None
    reader = engine().reader(run_id)
    trouble = None
    try:
        reader.refresh()
    except BatchLabError as error:
        trouble = say("store.lost", reason=reasons(error.problems))
    return (reader if reader.record else None), trouble


def predicted(config: RunConfig | None, *, wait_s: float = 0.0) -> tuple[Prediction | None, str | None]:
    """Return what a run will need, None while it is being predicted, and why it cannot be predicted."""
    if config is None:
        return None, None
    try:
        return engine().prediction(config, wait_s=wait_s), None
    except BatchLabError as error:
        return None, reasons(error.problems)
