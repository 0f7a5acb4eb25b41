"""Keep Streamlit from dropping or repeating a click when another request follows closely."""

from __future__ import annotations

from typing import Any

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.state import SafeSessionState

_request_rerun = AppSession.request_rerun


def keep() -> None:
    """Let each click take effect once.

    Streamlit 1.67 can drop a click. A script run takes a request from the queue and then checks for a newer one, first
    before it runs the callbacks and again whenever a callback uses the session. This skips these checks; Streamlit
    checks again after the callbacks. It requires `runner.fastReruns` to be off. Otherwise another thread may already
    have applied the newer request, and the older one would overwrite its values.

    Streamlit can also repeat a click. The browser records a click and sends it slightly later; a fragment refresh sent
    in between contains the click too.
    """
    SafeSessionState.on_script_will_rerun = _apply  # type: ignore[method-assign]
    AppSession.request_rerun = _request  # type: ignore[method-assign]


def _apply(self: SafeSessionState, *args: Any, **kwargs: Any) -> None:
    check = self._yield_callback
    object.__setattr__(self, "_yield_callback", lambda: None)  # its own __setattr__ would set a widget's value
    try:
        with self._lock:
            self._state.on_script_will_rerun(*args, **kwargs)
    finally:
        object.__setattr__(self, "_yield_callback", check)


def _request(self: AppSession, client_state: ClientState | None) -> None:
    if client_state is not None and client_state.is_auto_rerun:
        drop_clicks(client_state)
    _request_rerun(self, client_state)


def drop_clicks(request: ClientState) -> None:
    """Remove the clicks on buttons from a request."""
    states = request.widget_states.widgets
    for state in [state for state in states if state.WhichOneof("value") == "trigger_value"]:
        states.remove(state)
