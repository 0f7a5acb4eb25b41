"""A click takes effect once, even if another request follows it closely."""

from __future__ import annotations

from streamlit import config
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.testing.v1 import AppTest

from ui.shell import clicks

BUTTON = "$$ID-1-start"


class Newer(Exception):
    """What Streamlit raises to replace a script run by a newer request."""


def replace_run() -> None:
    raise Newer


def test_an_accepted_request_is_applied_though_a_newer_one_waits() -> None:
    clicks.keep()
    request, state = WidgetStates(), SessionState()
    request.widgets.add(id=BUTTON, trigger_value=True)
    SafeSessionState(state, replace_run).on_script_will_rerun(request)
    assert list(state._new_widget_state.states) == [BUTTON]


def clicking() -> None:
    """A script that applies a click, whose callback uses the session, while a newer request waits."""
    import streamlit as st
    from streamlit.proto.WidgetStates_pb2 import WidgetStates
    from streamlit.runtime.state import SafeSessionState, SessionState
    from streamlit.runtime.state.common import WidgetMetadata

    from tests.ui.shell.test_clicks import BUTTON, replace_run

    request, state, seen = WidgetStates(), SessionState(), []
    request.widgets.add(id=BUTTON, trigger_value=True)
    session = SafeSessionState(state, replace_run)

    def pressed() -> None:
        session["batch_size"] = 1_000
        seen.append(session["batch_size"])

    state._set_widget_metadata(
        WidgetMetadata(BUTTON, deserializer=bool, serializer=bool, value_type="trigger_value", callback=pressed)
    )
    session.on_script_will_rerun(request)
    st.write(seen)


def test_a_callback_may_use_the_session_though_a_newer_request_waits() -> None:
    clicks.keep()
    test = AppTest.from_function(clicking).run()
    assert not test.exception
    assert test.json[0].value == "[1000]"


def test_the_script_runs_of_a_session_do_not_overlap() -> None:
    assert config.get_option("runner.fastReruns") is False  # else an older request is applied after a newer one


def test_a_refresh_repeats_no_click_but_keeps_the_values() -> None:
    refresh = ClientState(is_auto_rerun=True)
    refresh.widget_states.widgets.add(id="$$ID-1-play", trigger_value=True)
    refresh.widget_states.widgets.add(id="$$ID-2-step", trigger_value=True)
    refresh.widget_states.widgets.add(id="$$ID-3-batch_size", double_value=400)
    clicks.drop_clicks(refresh)
    assert [state.id for state in refresh.widget_states.widgets] == ["$$ID-3-batch_size"]
    clicks.keep()
    assert AppSession.request_rerun is clicks._request
