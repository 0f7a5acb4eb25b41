"""Keep Streamlit from dropping or repeating a click that another request follows closely."""

from __future__ import annotations

from typing import Any

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.state import SafeSessionState

_request_rerun = AppSession.request_rerun


def keep() -> None:
    """Let each click take effect once.

    Streamlit 1.67 drops clicks: a script run looks for a newer request after the one that it accepted has left the
    queue, but before it calls its callbacks. It looks again right after the callbacks, which is early enough. This
    needs `runner.fastReruns` to be off: otherwise the newer request may already have been applied in another thread,
    and the older one would overwrite its values.

    And it repeats clicks: the browser sends a click a moment after it has noted it. If a timer refreshes a fragment in
    between, that request contains the click as well.
    """
    SafeSessionState.on_script_will_rerun = _apply  # type: ignore[method-assign]
    AppSession.request_rerun = _request  # type: ignore[method-assign]


def _apply(self: SafeSessionState, *args: Any, **kwargs: Any) -> None:
    with self._lock:
        self._state.on_script_will_rerun(*args, **kwargs)


def _request(self: AppSession, client_state: ClientState | None) -> None:
    if client_state is not None and client_state.is_auto_rerun:
        drop_clicks(client_state)
    _request_rerun(self, client_state)


def drop_clicks(request: ClientState) -> None:
    """Remove the clicks on buttons from a request."""
    states = request.widget_states.widgets
    for state in [state for state in states if state.WhichOneof("value") == "trigger_value"]:
        states.remove(state)
