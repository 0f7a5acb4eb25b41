"""Keep Streamlit from dropping a click when another request follows it within a few hundredths of a second."""

from __future__ import annotations

from typing import Any

from streamlit.runtime.state import SafeSessionState


def keep() -> None:
    """Let a script run apply the request it has accepted, with its callbacks, before a newer one replaces the run.

    Streamlit 1.67 looks for a newer request first, after the accepted one has left its queue; the click that came with
    it is then lost. It looks again right after the callbacks. This needs `runner.fastReruns` to be off: otherwise the
    newer request may already have been applied in another thread, and the older one would overwrite its values.
    """
    SafeSessionState.on_script_will_rerun = _apply  # type: ignore[method-assign]


def _apply(self: SafeSessionState, *args: Any, **kwargs: Any) -> None:
    with self._lock:
        self._state.on_script_will_rerun(*args, **kwargs)
