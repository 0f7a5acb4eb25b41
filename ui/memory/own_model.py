"""Draw the prediction for a custom model. A public page does not offer it, because it imports code."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Any

import streamlit as st

from core.run.fields import CHOICES
from ui.memory.devices import MARGIN_MB, T4
from ui.memory.state import MemoryState
from ui.setup import remedies
from ui.shell.engine import engine
from ui.shell.session import Session
from ui.shell.text import mib, number, say

DTYPES = ("float32", "int64", "float64", "int32", "bfloat16")
LOSSES = ("default", "cross_entropy", "mean")
IMPLEMENTATIONS = ("default", "fused", "foreach", "loop")


def draw(session: Session) -> bool:
    """Draw the form and the answer; return whether it is still missing. Raises HostError if there is no prediction."""
    state = session.state(MemoryState)
    st.caption(say("own.about"))
    with st.form("own_model", border=False):
        values = _fields()
        st.form_submit_button(say("own.ask"), type="primary", on_click=_ask, args=(state,))
    if state.own_model_wanted:
        state.own_model, state.own_model_asked, state.own_model_wanted = values, token_urlsafe(6), False
    if state.own_model is None:
        return False
    found = engine().own_model(state.own_model, asked=state.own_model_asked)
    if found is None:
        st.caption(say("own.asking"))
        return True
    _result(found)
    return False


def _ask(state: MemoryState) -> None:
    state.own_model_wanted = True


def _fields() -> dict[str, str]:
    first, second, third, fourth = st.columns([2, 1, 1, 1])
    values = {
        "model": first.text_input(say("own.model"), key="own_model_name", placeholder="mypackage.models:Net"),
        "input": second.text_input(say("own.input"), "3,224,224", key="own_input"),
        "batch_size": third.text_input(say("own.batch_size"), "64", key="own_batch_size"),
        "memory_limit_mb": fourth.text_input(say("own.memory_limit_mb"), str(T4.limit_mb), key="own_limit"),
        "memory_margin_mb": fourth.text_input(say("own.memory_margin_mb"), str(MARGIN_MB), key="own_margin"),
        "input_dtype": first.selectbox(say("own.input_dtype"), DTYPES, key="own_dtype"),
        "loss": second.selectbox(say("own.loss"), LOSSES, key="own_loss"),
        "optimizer": third.selectbox(say("own.optimizer"), CHOICES["optimizer"], index=4, key="own_optimizer"),
        "implementation": fourth.selectbox(say("own.implementation"), IMPLEMENTATIONS, key="own_implementation"),
    }
    return {name: text.strip() for name, text in values.items() if text.strip() and (name, text) != ("loss", "default")}


def _result(found: dict[str, Any]) -> None:
    parts = [
        say(
            "own.peak",
            peak=mib(found["predicted_peak_bytes"]),
            tensors=mib(found["tensor_bytes"]),
            workspace=mib(found["workspace_bytes"]),
        ),
        say("own.verified" if found["workspace_verified"] else "own.estimated"),
    ]
    if found["not_on_fake_tensors"]:
        key = "own.extrapolated" if found["tensors"] == "extrapolated" else "own.real"
        parts.append(say(key, reason=found["not_on_fake_tensors"]))
    if found["largest_batch_size"] is not None:
        largest = found["largest_batch_size"]
        if found["largest"] == "at least":
            parts.append(say("own.largest.at_least", largest=number(largest)))
        elif largest:
            parts.append(say("own.largest", largest=number(largest)))
        else:
            parts.append(remedies.no_size_fits(found["resting_by_category"]))
        if found["largest"] == "extrapolated":
            parts.append(say("own.largest.extrapolated"))
    if found["came_in_evaluation_mode"]:
        parts.append(say("own.evaluating"))
    st.markdown(" ".join(parts))
    rows = [(say(f"series.{name}"), mib(size)) for name, size in found["by_category"].items()]
    st.markdown(" \u00b7 ".join(f"{name} **{size}**" for name, size in rows))
