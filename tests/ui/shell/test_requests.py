"""A click takes effect once, even if another request follows it closely."""

from __future__ import annotations

from streamlit import config
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.app_session import AppSession
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


def test_a_refresh_repeats_no_click_but_keeps_the_values() -> None:
    refresh = ClientState(is_auto_rerun=True)
    refresh.widget_states.widgets.add(id="$$ID-1-play", trigger_value=True)
    refresh.widget_states.widgets.add(id="$$ID-2-step", trigger_value=True)
    refresh.widget_states.widgets.add(id="$$ID-3-batch_size", double_value=400)
    requests.drop_clicks(refresh)
    assert [state.id for state in refresh.widget_states.widgets] == ["$$ID-3-batch_size"]
    assert AppSession.request_rerun is requests._request
