"""Show the remedies of a run that does not fit its memory limit: the cost of each, with a button to apply it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.forecast.records import Remedy
from core.run.choices.norms import NORMS
from core.run.config import RunConfig
from core.words.errors import BatchLabError
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.text import count, duration, mib, number, say, words

Take = Callable[[RunConfig], None]


def asked(config: RunConfig) -> tuple[list[Remedy] | None, str | None]:
    """Return the remedies of a run, or None while they are being tested, and why there are none to show."""
    try:
        return engine().remedies(config), None
    except BatchLabError as error:
        return [], reasons(error.problems)


def draw(config: RunConfig, *, button: str, take: Take) -> None:
    """Draw one line for each remedy. Its button calls `take` with the changed settings."""
    found, trouble = asked(config)
    if trouble:
        st.caption(trouble)
    elif found is None:
        st.caption(say("remedy.asking"))
    elif not found:
        st.markdown(say("remedy.not_found"))
    else:
        st.caption(f"{say('remedy.about')} {fastest(config, found)}".strip())
        for place, remedy in enumerate(found):
            _line(place, config, remedy, button=button, take=take)


def _line(place: int, config: RunConfig, remedy: Remedy, *, button: str, take: Take) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"remedy_line_{place}"):
        seconds, per_epoch = interval(remedy), remedy.updates_per_epoch
        numbers = count("remedy.numbers", per_epoch, peak=mib(remedy.peak.bytes), duration=seconds)
        st.markdown(f"**{name(config, remedy)}** \u00b7 {numbers}  \n{effect(config, remedy)}")
        st.button(button, key=f"take_remedy_{place}", on_click=take, args=(config.replace(**remedy.changes),))


def fastest(config: RunConfig, found: Sequence[Remedy]) -> str:
    """Return the sentence on which remedy is significantly the fastest, empty if there is nothing to compare."""
    if len(found) < 2:
        return ""
    first = next((remedy for remedy in found if remedy.is_fastest), None)
    return say("remedy.fastest", name=f"**{name(config, first)}**") if first else say("remedy.no_fastest")


def interval(remedy: Remedy) -> str:
    """Return the time of an epoch from the lower to the upper end of its interval."""
    low, high = duration(remedy.seconds_low), duration(remedy.seconds_high)
    return low if low == high else say("remedy.interval", low=low, high=high)


def no_size_fits(resting: Mapping[str, int]) -> str:
    """Return the sentence that no batch size fits. `resting` has the bytes held between updates, by category."""
    parts = [
        say("remedy.part", size=mib(size), category=say(f"series.{category}"))
        for category, size in resting.items()
        if size
    ]
    return say("remedy.no_size", resting=mib(sum(resting.values())), parts=words().listed(parts))


def name(config: RunConfig, remedy: Remedy) -> str:
    """Return the name of a remedy: what it changes."""
    kind, *others = remedy.kinds  # a second kind is always "smaller_batch"
    key = f"remedy.{kind}.smaller_batch" if others else f"remedy.{kind}"
    return say(key, **_values(config, remedy))


def effect(config: RunConfig, remedy: Remedy) -> str:
    """Return how a remedy changes the result of training."""
    sentences = []
    for kind in remedy.kinds:
        key = f"remedy.effect.{kind}"
        if kind == "accumulation" and NORMS[config.norm].mixes_examples:
            key = f"{key}.batch"
        sentences.append(say(key, **_values(config, remedy)))
    return " ".join(sentences)


def _values(config: RunConfig, remedy: Remedy) -> dict[str, Any]:
    return {
        "batch_size": number(remedy.changes.get("batch_size", config.batch_size)),
        "accumulate": number(remedy.changes.get("accumulate", config.accumulate)),
        "optimizer": remedy.changes.get("optimizer", config.optimizer),
        "before": config.optimizer,
    }
