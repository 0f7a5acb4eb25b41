"""Draw gradient accumulation: the gradient of one batch against its micro-batches, and what makes them differ."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import streamlit as st

from ui.shell.engine import engine
from ui.shell.text import count, number, percent, say, words

SWITCHES = ("norm", "dropout", "mean_of_means", "divide_by_full", "schedule_per_micro_batch")
WAIT_S = 0.3
BATCH_SIZE, MICRO_BATCHES = 60, 4
LISTED = 6  # micro-batch sizes: of more, only the first and the last are shown


def draw() -> bool:
    """Draw the comparison; return whether the comparison is still running. Raises HostError."""
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
                say(f"accumulation.{name}"), key=f"accumulation_{name}", help=say(f"accumulation.{name}.about")
            )
    found = engine().accumulation(values, wait_s=WAIT_S)
    with right:
        _result(values, found)
    return found is None


def _whole(name: str, default: int) -> int:
    return int(st.number_input(say(f"accumulation.size.{name}"), value=default, step=1, key=f"accumulation_{name}"))


def _result(values: dict[str, Any], found: dict[str, Any] | None) -> None:
    if found is None:
        st.caption(say("memory.asking"))
        return
    sizes = found["micro_batch_sizes"]
    st.markdown(_sizes(sizes))
    st.markdown(
        say(
            "accumulation.equal" if found["equal"] else "accumulation.unequal",
            difference=words().formatted(found["max_abs_difference"], ".1e"),
            largest=words().formatted(found["largest_gradient"], ".2g"),
            relative=_percent(found["relative"]),
        )
    )
    if values["mean_of_means"] and len(set(sizes)) == 1:
        st.caption(say("accumulation.even"))
    if values["divide_by_full"]:
        window = found["last_window"]
        micro_batches = len(window["micro_batch_sizes"])
        st.markdown(count("accumulation.window", micro_batches, ratio=_percent(window["ratio"])))
    if values["schedule_per_micro_batch"]:
        actual, planned = (_percent(found[name][-1]) for name in ("rates", "planned_rates"))
        st.markdown(count("accumulation.rates", len(found["rates"]), actual=actual, planned=planned))


def _sizes(sizes: list[int]) -> str:
    if len(sizes) > LISTED:
        return say("accumulation.sizes.long", first=number(sizes[0]), last=number(sizes[-1]))
    return say("accumulation.sizes", sizes=words().listed([number(size) for size in sizes]))


def _percent(share: float) -> str:
    """Return a share in percent with three significant digits."""
    exponent = Decimal(f"{100 * share:.3g}").as_tuple().exponent
    return percent(share, max(0, -exponent) if isinstance(exponent, int) else 0)
