"""Draw the setup form and turn it into a RunConfig. The form describes the next run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.run.config import RunConfig, parse
from core.run.fields import HABITS
from core.run.plan import plan
from core.words.errors import ConfigError, Problem
from ui.charts.rate import rate_table, small_rate
from ui.kit import plots
from ui.setup import scaled_rate, widgets
from ui.setup.fields import DEFAULT, apply
from ui.shell.session import Session
from ui.shell.text import number, say

ARTICLE_SIZES = (100, 1_000)


@dataclass(frozen=True)
class Form:
    """What the form says: a config, or its problems. `needs` is the place for its predicted peak."""

    config: RunConfig | None
    problems: tuple[Problem, ...]
    needs: Any


def draw(session: Session) -> Form:
    """Draw the form into the current container and return what it says."""
    st.subheader(say("form.title"))
    values: dict[str, Any] = {}
    values["dataset"] = widgets.select("dataset")
    st.caption(origin(values["dataset"]), help=origin(values["dataset"], more=True))
    values["model"] = widgets.segments("model")
    values["batch_size"] = widgets.integer("batch_size")
    widgets.slider("batch_size", session)
    for place, size in zip(st.columns(2), ARTICLE_SIZES, strict=True):
        place.button(
            say("form.article", size=size),
            key=f"article_{size}",
            help=say("form.article.help"),
            on_click=apply,
            args=({"batch_size": size},),
            width="stretch",
        )
    needs = st.container(key="needs")
    values["schedule"] = widgets.select("schedule")
    preview = st.container(key="preview")
    left, right = st.columns(2)
    budget = str(session.field("budget", DEFAULT.budget))
    with left:
        values["lr"] = widgets.number("lr", step=0.01)
    with right:
        values["budget_value"] = widgets.number("budget_value", step=1.0, label=f"form.budget_value.{budget}")
    scaled = st.container(key="scaled")
    values["memory_limit_mb"] = widgets.number("memory_limit_mb", step=1.0)
    widgets.slider("memory_limit_mb", session)
    with st.expander(say("form.more")):
        values |= _draw_more(session)
    session.fields.update(values)
    form = _checked(values, needs)
    shown = form.config or DEFAULT
    horizon = plan(shown).total_updates if form.config else None
    with preview:
        plots.draw(small_rate, rate_table(shown, horizon, None, say))
        if form.config and (why := plots.why_no_plan(shown, horizon)):
            st.caption(why)
    if form.config:
        with scaled:
            scaled_rate.draw(session, form.config)
    return form


def _draw_more(session: Session) -> dict[str, Any]:
    values: dict[str, Any] = {"optimizer": widgets.select("optimizer")}
    left, right = st.columns(2)
    with left:
        values["budget"] = widgets.select("budget")
        values["accumulate"] = widgets.integer("accumulate")
        values["norm"] = widgets.select("norm")
        values["warmup"] = widgets.number("warmup", step=0.05)
        values["schedule_batch_size"] = widgets.integer("schedule_batch_size")
        values["weight_decay"] = widgets.number("weight_decay", step=0.0001)
    with right:
        values["sampling"] = widgets.select("sampling")
        values["momentum"] = widgets.number("momentum", step=0.05)
        values["seed"] = widgets.integer("seed")
        hidden = "-".join(map(str, DEFAULT.hidden))
        values["hidden"] = st.text_input(
            say("form.hidden"),
            hidden,
            key="hidden",
            bind="query-params",
            help=say("form.hidden.help"),
            persist_state="session",
        )
        values["target_loss"] = widgets.number("target_loss", step=0.01)
        values["memory_margin_mb"] = widgets.number("memory_margin_mb", step=64.0)
    values["drop_last"] = widgets.checkbox("drop_last")
    st.caption(say("form.memory"))
    values["precision"] = widgets.select("precision")
    values["checkpointing"] = widgets.checkbox("checkpointing")
    st.caption(say("form.habits"), help=say("form.habits.help"))
    for name in HABITS:
        values[name] = widgets.checkbox(name)
    return values


def _checked(values: dict[str, Any], needs: Any) -> Form:
    parsed, problems = parse(values)
    if problems:
        return Form(None, tuple(problems), needs)
    try:
        return Form(RunConfig(**parsed), (), needs)
    except ConfigError as error:
        return Form(None, error.problems, needs)


def origin(dataset: str, *, more: bool = False) -> str:
    """Return where a data set comes from, with its sizes; with `more`, further facts about it."""
    spec = RunConfig(dataset=dataset, batch_size=1).spec
    sizes = {"examples": number(spec.examples), "validation": number(spec.validation_examples)}
    return say(f"dataset.{dataset}.more" if more else f"dataset.{dataset}", **sizes)
