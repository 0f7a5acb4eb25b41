"""Draw the choice of a claim, the result of its experiment, and the progress of a new run."""

from __future__ import annotations

import html
from functools import cache, partial

import streamlit as st

from core.claims.claims import CLAIMS, TESTED
from core.claims.results import SEEDS, Result, Results, load
from core.claims.telling import conditions, finding, fixed
from core.science.judge import Outcome
from core.words.errors import BatchLabError
from ui.charts.claims import (
    compared,
    effects,
    effects_table,
    evidence,
    evidence_table,
    log_evidence,
    readable_effects,
    readable_evidence,
)
from ui.claims.state import FIRST_CLAIM, ClaimsState
from ui.kit import plots, quotes, seed_field
from ui.kit.button import button
from ui.kit.long_job import progress
from ui.kit.ticking import ticking
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.session import Session
from ui.shell.text import count, day, duration, explain, number, say, words

REFRESH_S = 0.25
BADGES = {
    "SUPPORTED": ("check", "green"),
    "REFUTED": ("close", "orange"),
    "CONDITIONAL": ("call_split", "blue"),
    "INCONCLUSIVE": ("question_mark", "gray"),
    "WORDS": ("translate", "gray"),
}
LOGARITHMIC = ("C4", "C7", "C11")  # claims whose evidence is a straight line on logarithmic axes


@cache
def shipped() -> Results:
    return load()


def are_there() -> bool:
    """Return whether the shipped results can be read; draw an error if they cannot."""
    try:
        shipped()
        return True
    except BatchLabError as error:
        st.error(say("claims.none", reason=reasons(error.problems)), icon=":material/error:")
        return False


def controls(session: Session) -> None:
    """Draw the seed field and the button that runs all experiments."""
    state = session.state(ClaimsState)
    help_ = say("claims.first_seed.help", seeds=SEEDS)
    seed_field.field(session, "claims_first_seed", label=say("claims.first_seed"), help_=help_, step=SEEDS)
    seconds = duration(sum(result.seconds for result in shipped().claims.values()))
    busy = say("claims.busy") if state.running else ""
    if busy:
        st.caption(busy, width="content")
    button(
        say("claims.run_all"),
        why_not=busy or seed_field.refused(session, "claims_first_seed"),
        help_=say("claims.run_all.help", seconds=seconds),
        key="run_all_claims",
        icon=":material/play_arrow:",
        on_click=_run,
        args=(session, TESTED),
    )


def panel(session: Session) -> None:
    """Draw the choice and the chosen claim, refreshed by a timer while an experiment runs."""
    state = session.state(ClaimsState)
    given = st.query_params.get("claim", FIRST_CLAIM)
    if given not in CLAIMS:
        st.caption(f":material/warning: {explain('unknown_claim', {'value': given, 'choices': ', '.join(CLAIMS)})}")
    session.set_field("claim", session.field("claim", given if given in CLAIMS else FIRST_CLAIM))

    ticking(_draw, REFRESH_S if state.running else None, session)


def _draw(session: Session) -> None:
    if session.state(ClaimsState).collect():  # only a full run redraws the timer and the buttons
        st.rerun()
    chosen: str | None = st.pills(
        say("claims.choice"),
        list(CLAIMS),
        key="claim",
        required=True,
        label_visibility="collapsed",
        width="stretch",
        format_func=lambda code: _pill(session, code),
    )
    code = chosen or FIRST_CLAIM
    if st.query_params.get("claim") != code:  # not bound: the URL would then contain the badge
        st.query_params["claim"] = code
    with st.container(border=True, key="claims_shown"):
        _claim(session, code)
    with st.expander(say("claims.all"), expanded=True):
        st.html(_overview(session))


def _run(session: Session, codes: tuple[str, ...]) -> None:
    """Request experiments, which run one after the other as cores become free."""
    state = session.state(ClaimsState)
    first_seed = seed_field.chosen(session, "claims_first_seed")
    state.trouble.clear()
    for code in codes:
        state.start(code, partial(engine().claim, code, first_seed=first_seed, seeds=SEEDS))


def _results(session: Session, code: str) -> Results:
    state = session.state(ClaimsState)
    return state.results.get(code) or shipped()


def _verdict(session: Session, code: str) -> str:
    return _results(session, code).claims[code].verdict if code in TESTED else "WORDS"


def _pill(session: Session, code: str) -> str:
    icon, _ = BADGES[_verdict(session, code)]
    return f":material/{icon}: {say(f'claim.{code}.name')}"


def _claim(session: Session, code: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="claims_head"):
        st.markdown(f"#### {say('claims.quote', text=CLAIMS[code].quote)}", width="stretch")
        _badge(_verdict(session, code))
        if code in TESTED:
            _run_button(session, code)
    st.markdown(say("claims.statement", code=code, claim=say(f"claim.{code}")))
    if code not in TESTED:
        st.markdown(say(f"claim.{code}.lesson"))
        st.caption(say("claims.words"))
        return
    results = _results(session, code)
    result = results.claims[code]
    st.markdown(say("claims.test", test=say(f"claim.{code}.test")))
    st.caption(progress(session.state(ClaimsState), code, "claims") or _origin(session, results, result))
    left, right = st.columns([6, 5], gap="medium")
    with left:
        _charts(results, result)
    with right:
        for outcome in result.outcomes:
            st.markdown(_line(outcome))
    st.markdown(f"{say('claims.lesson', lesson=say(f'claim.{code}.lesson'))} {conditions(result.outcomes, words())}")
    if elsewhere := quotes.claim(code):
        st.markdown(elsewhere)


def _run_button(session: Session, code: str) -> None:
    state = session.state(ClaimsState)
    seconds = duration(shipped().claims[code].seconds)
    button(
        say("claims.run"),
        why_not=progress(state, code, "claims")
        if code in state.running
        else seed_field.refused(session, "claims_first_seed"),
        help_=say("claims.run.help", seconds=seconds, seeds=SEEDS),
        key="run_claim",
        icon=":material/replay:",
        on_click=_run_and_draw,
        args=(session, code),
    )


def _run_and_draw(session: Session, code: str) -> None:
    _run(session, (code,))
    st.rerun()  # the button is in the fragment, and the timer is outside it


def _origin(session: Session, results: Results, result: Result) -> str:
    """Return when, where and with which seeds a result was computed, and how many tests it was corrected for."""
    if result.code in session.state(ClaimsState).results:
        sentences = [say("claims.origin.fresh")]
    else:
        facts = {"torch": results.fingerprint["torch"], "capability": results.fingerprint["cpu_capability"]}
        sentences = [say("claims.origin.shipped", date=day(results.date), **facts)]
    if any(outcome.seeds for outcome in result.outcomes):
        sentences.append(say("claims.origin.seeds", first=number(results.seeds[0]), last=number(results.seeds[-1])))
    sentences.append(say("claims.origin.seconds", seconds=duration(result.seconds)))
    if any(outcome.p is not None for outcome in result.outcomes):
        sentences.append(count("claims.origin.tests", results.tests))
        if result.code in session.state(ClaimsState).results:
            sentences.append(say("claims.origin.others"))
    else:
        sentences.append(say("claims.origin.exact"))
    return " ".join(sentences)


def _charts(results: Results, result: Result) -> None:
    code, name = result.code, say(f"claim.{result.code}.name")
    facts = {"code": code, "torch": results.fingerprint["torch"]}
    caption = say("chart.claims.caption", **facts)
    if any(outcome.seeds for outcome in result.outcomes):
        first, last = number(results.seeds[0]), number(results.seeds[-1])
        caption = say("chart.claims.caption.seeds", first=first, last=last, **facts)
    outcomes = compared(result.outcomes)
    if outcomes:
        names = say("chart.effects", claim=name), *(outcome.arm for outcome in outcomes)
        table = effects_table(outcomes, words(), caption=caption)
        plots.draw(effects, table, names=names, readable=readable_effects(table, say))
    if result.lines:
        chart = log_evidence if code in LOGARITHMIC else evidence
        table = evidence_table(code, result.lines, say, caption=caption)
        names = (say("chart.evidence", claim=name),)
        plots.draw(chart, table, names=names, readable=readable_evidence(table, code, say))


def _line(outcome: Outcome) -> str:
    """Return a trial and its result as Markdown, with a badge for its verdict."""
    icon, colour = BADGES[outcome.verdict]
    if outcome.is_contrast:
        badge = f":gray-badge[{say('claims.badge.contrast')}]"
    else:
        badge = f":{colour}-badge[:material/{icon}: {say(f'claims.badge.{outcome.verdict}')}]"
    name = say(f"claims.arm.{outcome.claim}.{outcome.arm}")
    return f"{badge} **{name}:** {finding(outcome, words())} :small[:gray[{fixed(outcome, words())}]]"


def _badge(verdict: str) -> None:
    icon, colour = BADGES[verdict]
    st.badge(say(f"claims.verdict.{verdict}"), icon=f":material/{icon}:", color=colour)  # type: ignore[arg-type]


def _overview(session: Session) -> str:
    """Return a table of all claims with their verdicts as HTML."""
    rows = []
    for code in CLAIMS:
        verdict = _verdict(session, code)
        said = conditions(_results(session, code).claims[code].outcomes, words()) if code in TESTED else ""
        cells = (code, say(f"claim.{code}"), say(f"claims.verdict.{verdict}"), said)
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    return f"<table class='claims'>{''.join(rows)}</table>"
