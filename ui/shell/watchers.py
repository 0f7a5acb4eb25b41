"""Track which open pages show which runs, so that a start does not stop a run that another page shows."""

from __future__ import annotations

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx


class Watchers:
    """Remember which run the pages of each open browser session showed last."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, str], str] = {}  # the run, by browser session and page

    def show(self, page: str, run_id: str) -> None:
        """Note that a page of the current browser session shows a run."""
        key = (_session(), page)
        if key not in self._shown:
            for gone in [each for each in list(self._shown) if not _is_open(each[0])]:
                self._shown.pop(gone, None)
        self._shown[key] = run_id

    def elsewhere(self, run_id: str) -> bool:
        """Return whether another open browser session shows a run."""
        here = _session()
        return any(
            shown == run_id and session != here and _is_open(session)
            for (session, _), shown in list(self._shown.items())
        )


def _session() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""


def _is_open(session: str) -> bool:
    return runtime.exists() and runtime.get_instance().is_active_session(session)
