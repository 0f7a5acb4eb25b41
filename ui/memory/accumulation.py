"""Draw the accumulation lab: one batch against its micro-batches, and what breaks their equality."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.shell.engine import engine
from ui.shell.text import number, say

SWITCHES = ("norm", "dropout", "mean_of_means", "divide_by_full", "schedule_per_micro_batch")
WAIT_S = 0.3
BATCH_SIZE, MICRO_BATCHES = 60, 4


def draw() -> bool:
    """Draw it; return whether the comparison is still being worked out. Raises HostError."""
    st.caption(say("accumulation.about"))
    left, right = st.columns([2, 3], gap="medium")
    values: dict[str, Any] = {}
    with left:
        sizes = st.columns(2)
        with sizes[0]:
            values["batch_size"] = _whole("batch_size", BATCH_SIZE)
        with sizes[1]:
            values["micro_batches"] = _whole("micro_batches", MICRO_BATCHES)
        for name in SWITCHES:
            values[name] = st.toggle(
                say(f"accumulation.{name}"), key=f"lab_{name}", help=say(f"accumulation.{name}.about")
            )
    found = engine().accumulation(values, wait_s=WAIT_S)
    with right:
        _result(values, found)
    return found is None


def _whole(name: str, default: int) -> int:
    return int(st.number_input(say(f"accumulation.size.{name}"), value=default, step=1, key=f"lab_{name}"))


def _result(values: dict[str, Any], found: dict[str, Any] | None) -> None:
    if found is None:
        st.caption(say("memory.asking"))
        return
    sizes = found["micro_batch_sizes"]
    st.markdown(say("accumulation.sizes", sizes=_listed(sizes)))
    st.markdown(
        say(
            "accumulation.equal" if found["equal"] else "accumulation.unequal",
            difference=f"{found['max_abs_difference']:.1e}",
            largest=f"{found['largest_gradient']:.2g}",
            relative=_percent(found["relative"]),
        )
    )
    if values["mean_of_means"] and len(set(sizes)) == 1:
        st.caption(say("accumulation.even"))
    if values["divide_by_full"]:
        window = found["last_window"]
        ratio = _percent(window["ratio"])
        count = len(window["micro_batch_sizes"])
        st.markdown(say("accumulation.window", micro_batches=number(count), ratio=ratio))
    if values["schedule_per_micro_batch"]:
        actual, planned = (_percent(found[name][-1]) for name in ("rates", "planned_rates"))
        st.markdown(say("accumulation.rates", updates=number(len(found["rates"])), actual=actual, planned=planned))


def _listed(sizes: list[int]) -> str:
    if len(sizes) <= 6:
        return ", ".join(map(number, sizes))
    return f"{number(sizes[0])}, \u2026, {number(sizes[-1])}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
