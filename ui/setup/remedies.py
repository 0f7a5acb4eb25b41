"""Show what would make a run fit its memory limit: what each change costs, with a button that takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core.forecast.records import Remedy
from core.run.choices.norms import NORMS
from core.run.config import RunConfig
from core.words.errors import BatchLabError
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.text import duration, mib, number, say

Take = Callable[[RunConfig], None]


def asked(config: RunConfig) -> tuple[list[Remedy] | None, str | None]:
    """Return what makes a run fit, None while it is tried out, and why it cannot be told."""
    try:
        return engine().remedies(config), None
    except BatchLabError as error:
        return [], reasons(error.problems)


def draw(config: RunConfig, *, button: str, take: Take) -> None:
    """Draw one line for each remedy; `take` is a callback that is given the settings with it."""
    found, trouble = asked(config)
    if trouble:
        st.caption(trouble)
    elif found is None:
        st.caption(say("fix.asking"))
    elif not found:
        st.markdown(say("fix.none.short"))
    else:
        st.caption(say("fix.about"))
        for place, remedy in enumerate(found):
            _line(place, config, remedy, button=button, take=take)


def _line(place: int, config: RunConfig, remedy: Remedy, *, button: str, take: Take) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"remedy_line_{place}"):
        numbers = say(
            "fix.numbers",
            peak=mib(remedy.peak.bytes),
            updates=number(remedy.updates_per_epoch),
            seconds=duration(remedy.seconds_per_epoch),
        )
        st.markdown(f"**{name(config, remedy)}** \u00b7 {numbers}  \n{effect(config, remedy)}")
        st.button(button, key=f"take_remedy_{place}", on_click=take, args=(config.replace(**remedy.changes),))


def none_fits(resting: Mapping[str, int]) -> str:
    """Say that no batch size fits, and what is there whatever the batch: bytes by category."""
    parts = ", ".join(f"{say(f'series.{name}')} {mib(size)}" for name, size in resting.items() if size)
    return say("fix.none", resting=mib(sum(resting.values())), parts=parts)


def name(config: RunConfig, remedy: Remedy) -> str:
    """Return what is changed, in a few words."""
    words = [_name(config, remedy, kind) for kind in remedy.kinds]
    return words[0] if len(words) == 1 else say("fix.and", first=words[0], second=words[1])


def effect(config: RunConfig, remedy: Remedy) -> str:
    """Return what becomes of the result."""
    sentences = []
    for kind in remedy.kinds:
        key = f"fix.effect.{kind}"
        if kind == "accumulation" and NORMS[config.norm].mixes_examples:
            key = f"{key}.batch"
        sentences.append(say(key, **_values(config, remedy)))
    return " ".join(sentences)


def _name(config: RunConfig, remedy: Remedy, kind: str) -> str:
    return say(f"fix.{kind}", **_values(config, remedy))


def _values(config: RunConfig, remedy: Remedy) -> dict[str, Any]:
    return {
        "batch_size": number(remedy.changes.get("batch_size", config.batch_size)),
        "accumulate": number(remedy.changes.get("accumulate", config.accumulate)),
        "optimizer": remedy.changes.get("optimizer", config.optimizer),
        "before": config.optimizer,
    }
