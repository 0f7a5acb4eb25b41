"""A script run applies the request it has accepted, even if a newer one has come."""

from __future__ import annotations

from streamlit import config
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.state import SafeSessionState, SessionState

from ui.shell import frame, requests


class Newer(Exception):
    """What Streamlit raises to replace a script run by a newer request."""


def replace_run() -> None:
    raise Newer


def test_an_accepted_request_is_applied_though_a_newer_one_waits() -> None:
    assert frame.requests is requests  # the frame has called keep()
    request, state = WidgetStates(), SessionState()
    request.widgets.add(id="$$ID-1-start", trigger_value=True)
    SafeSessionState(state, replace_run).on_script_will_rerun(request)
    assert list(state._new_widget_state.states) == ["$$ID-1-start"]


def test_the_script_runs_of_a_session_never_overlap() -> None:
    assert config.get_option("runner.fastReruns") is False  # else an older request is applied after a newer one
