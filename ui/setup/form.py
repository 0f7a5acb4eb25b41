"""Draw the setup form and turn it into a RunConfig. The form describes the next run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.run.config import FIELDS, RunConfig, parse
from core.run.fields import CHOICES, HABITS, REALS, bounds_of, written
from core.run.plan import plan
from core.store import recorded
from core.words.errors import ConfigError, Problem
from ui.charts.rate import rate_table, small_rate
from ui.kit import plots
from ui.shell import pages
from ui.shell.session import Session, current
from ui.shell.text import number, say

DEFAULT = recorded.CONFIG
SIZES = (
    1,
    2,
    4,
    8,
    10,
    16,
    20,
    32,
    50,
    64,
    100,
    128,
    200,
    256,
    500,
    512,
    1_000,
    1_024,
    1_437,
    2_000,
    2_048,
    5_000,
    10_000,
)
ARTICLE_SIZES = (100, 1_000)
LIMITS_MB = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 24_576, 40_960, 81_920)


@dataclass(frozen=True)
class Form:
    """What the form says: a config, or the problems that it has. `needs` is where its predicted peak is told."""

    config: RunConfig | None
    problems: tuple[Problem, ...]
    needs: Any


def read_url(session: Session) -> None:
    """Check the settings in the URL before any widget sees them; take out the bad ones and remember why.

    A bound widget drops a bad value without a word, and takes 1.5 for 1.
    """
    comes_back, session.on_form = session.url_read and not session.on_form, True
    if comes_back:
        session.restore_fields()
        if not any(name in FIELDS for name in st.query_params):
            st.rerun()  # by the browser's way back the address has lost them, and Streamlit takes defaults in this run
    if session.url_read:
        return
    session.url_read = True
    given = {name: value for name, value in st.query_params.items() if not pages.is_known(name)}
    parsed, problems = parse(given)
    if "memory_limit_mb" in parsed and parsed["memory_limit_mb"] is None:
        largest = bounds_of("memory_limit_mb")[1]
        session.set_field("memory_limit_mb", largest)
        del st.query_params["memory_limit_mb"]
    for problem in problems:
        name = problem.values.get("field", "hidden")
        session.url_problems.append((problem, getattr(DEFAULT, name, None)))
        del st.query_params[name]
    # What can be read is put the way that the widgets read it: they drop " cnn" and "1" for true without a word.
    as_read = {name: written(value) for name, value in parsed.items() if value is not None}
    changed = {name: text for name, text in as_read.items() if text != given[name]}
    st.query_params.update(changed)
    if problems or changed:
        st.rerun()


def remember_url(session: Session) -> None:
    """Keep the settings in the URL of a page without the form: the link to the form drops them."""
    read_url(session)
    session.on_form, session.wanted = False, None
    parsed, _ = parse({name: value for name, value in st.query_params.items() if name in FIELDS})
    session.fields.update({name: _for_widget(name, value) for name, value in parsed.items()})


def draw(session: Session) -> Form:
    """Draw the form into the present container and return what it says."""
    st.subheader(say("form.title"))
    values: dict[str, Any] = {}
    values["dataset"] = _select("dataset")
    st.caption(origin(values["dataset"]), help=origin(values["dataset"], more=True))
    values["model"] = _segments("model")
    values["batch_size"] = _integer("batch_size")
    _slider("batch_size", SIZES, session)
    for place, size in zip(st.columns(2), ARTICLE_SIZES, strict=True):
        place.button(
            say("form.article", size=number(size)),
            key=f"article_{size}",
            help=say("form.article.help"),
            on_click=apply,
            args=({"batch_size": size},),
            width="stretch",
        )
    with st.container(key="needs"):
        needs = st.empty()
    values["schedule"] = _select("schedule")
    preview = st.container(key="preview")
    left, right = st.columns(2)
    budget = str(session.field("budget", DEFAULT.budget))
    with left:
        values["lr"] = _float("lr", step=0.01)
    with right:
        values["budget_value"] = _float("budget_value", step=1.0, label=f"form.budget_value.{budget}")
    values["memory_limit_mb"] = _float("memory_limit_mb", step=1.0)
    _slider("memory_limit_mb", LIMITS_MB, session)
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
    return form


def _draw_more(session: Session) -> dict[str, Any]:
    values: dict[str, Any] = {"optimizer": _select("optimizer")}
    left, right = st.columns(2)
    with left:
        values["budget"] = _select("budget")
        values["accumulate"] = _integer("accumulate")
        values["norm"] = _select("norm")
        values["warmup"] = _float("warmup", step=0.05)
        values["schedule_batch_size"] = _integer("schedule_batch_size")
        values["weight_decay"] = _float("weight_decay", step=0.0001)
    with right:
        values["sampling"] = _select("sampling")
        values["momentum"] = _float("momentum", step=0.05)
        values["seed"] = _integer("seed")
        hidden = "-".join(map(str, DEFAULT.hidden))
        values["hidden"] = st.text_input(
            say("form.hidden"),
            hidden,
            key="hidden",
            bind="query-params",
            help=say("form.hidden.help"),
            persist_state="session",
        )
        values["target_loss"] = _float("target_loss", step=0.01)
    values["drop_last"] = _checkbox("drop_last")
    st.caption(say("form.memory"))
    values["precision"] = _select("precision")
    values["checkpointing"] = _checkbox("checkpointing")
    st.caption(say("form.habits"), help=say("form.habits.help"))
    for name in HABITS:
        values[name] = _checkbox(name)
    return values


def _checked(values: dict[str, Any], needs: Any) -> Form:
    parsed, problems = parse(values)
    if problems:
        return Form(None, tuple(problems), needs)
    try:
        return Form(RunConfig(**parsed), (), needs)
    except ConfigError as error:
        return Form(None, error.problems, needs)


def apply(changes: dict[str, Any]) -> None:
    """Set fields of the form; a callback."""
    session = current()
    for name, value in changes.items():
        session.set_field(name, _for_widget(name, value))


def _for_widget(name: str, value: Any) -> Any:
    """Return a setting in the type of its widget."""
    if name == "hidden":
        return "-".join(map(str, value))
    return float(value) if name in REALS and value is not None else value


def apply_from_panel(changes: dict[str, Any]) -> None:
    """Set fields of the form from a fragment, whose buttons would redraw the fragment alone; a callback."""
    apply(changes)
    st.rerun()


def settings(config: RunConfig) -> dict[str, Any]:
    """Return a config as `apply` takes it."""
    return {name: getattr(config, name) for name in FIELDS}


# Widgets. The key is the name of the setting, also in the URL; there a list shows its options as they are drawn,
# so they are drawn as the codes they are.


def _help(name: str) -> str | None:
    try:
        return say(f"form.{name}.help")
    except KeyError:
        return None


def _select(name: str) -> str:
    options = CHOICES[name]
    chosen: str = st.selectbox(
        say(f"form.{name}"),
        options,
        options.index(getattr(DEFAULT, name)),
        key=name,
        bind="query-params",
        help=_help(name),
        persist_state="session",
    )
    return chosen


def _checkbox(name: str) -> bool:
    return st.checkbox(
        say(f"form.{name}"),
        getattr(DEFAULT, name),
        key=name,
        bind="query-params",
        help=_help(name),
        persist_state="session",
    )


def _segments(name: str) -> str:
    chosen: str | None = st.segmented_control(
        say(f"form.{name}"),
        CHOICES[name],
        default=getattr(DEFAULT, name),
        key=name,
        bind="query-params",
        required=True,
        width="stretch",
        persist_state="session",
    )
    return chosen or str(getattr(DEFAULT, name))


# Number fields have no bounds of their own: a value outside would stay in the browser, and the run would start with
# the one before it. The check of the config says what is wrong.


def _integer(name: str) -> int | None:
    default: int | None = getattr(DEFAULT, name)
    chosen = st.number_input(
        say(f"form.{name}"), value=default, key=name, bind="query-params", help=_help(name), persist_state="session"
    )
    return None if chosen is None else int(chosen)


def _float(name: str, *, step: float, label: str | None = None) -> float | None:
    default = getattr(DEFAULT, name)
    return st.number_input(
        say(label or f"form.{name}"),
        value=None if default is None else float(default),
        step=step,
        format="%g",
        key=name,
        bind="query-params",
        help=_help(name),
        persist_state="session",
    )


def _slider(name: str, stops: tuple[float, ...], session: Session) -> None:
    """Draw a slider over useful values, which writes into the number field; the field's own value is a stop too."""
    key, value = f"{name}_slider", session.field(name, getattr(DEFAULT, name))
    if value is None or not stops[0] <= value <= stops[-1]:
        value = stops[-1] if value is None or value > stops[-1] else stops[0]
    session.set_field(key, value)
    stops = tuple(sorted({*stops, value}))
    st.select_slider(
        say(f"form.{name}.slider"),
        stops,
        key=key,
        format_func=number,
        label_visibility="collapsed",
        on_change=_take_from_slider,
        args=(name,),
    )


def _take_from_slider(name: str) -> None:
    session = current()
    apply({name: session.field(f"{name}_slider", getattr(DEFAULT, name))})


def origin(dataset: str, *, more: bool = False) -> str:
    """Return where a data set comes from, with its sizes, or what `more` there is to say of it."""
    spec = RunConfig(dataset=dataset, batch_size=1).spec
    sizes = {"examples": number(spec.examples), "validation": number(spec.validation_examples)}
    return say(f"dataset.{dataset}.more" if more else f"dataset.{dataset}", **sizes)
