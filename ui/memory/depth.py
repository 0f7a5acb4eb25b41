"""Draw the choice of a deeper topic about memory, and the chosen topic."""

from __future__ import annotations

import streamlit as st

from core.forecast.sizes import largest_size, next_size
from core.run import searching
from core.run.config import RunConfig
from core.words.errors import BatchLabError
from ui.charts.memory.attempts import attempts, attempts_table, readable_attempts
from ui.charts.memory.timeline import timeline
from ui.charts.memory.timeline_table import readable_timeline, timeline_table
from ui.kit import plots
from ui.kit.choice import choice
from ui.memory.accumulation import draw as draw_accumulation
from ui.memory.own_model import draw as draw_own_model
from ui.memory.peak import Known, setup_caption
from ui.memory.state import MemoryState
from ui.setup import remedies
from ui.setup.fields import apply_from_panel, settings
from ui.shell.engine import engine, is_public
from ui.shell.problems import reasons
from ui.shell.session import Session
from ui.shell.text import mib, number, say, words

CHOICES = ("update", "fit", "search", "accumulation", "own")


def draw(session: Session, config: RunConfig, known: Known) -> bool:
    """Draw the choice and the chosen topic; return whether an answer is still missing."""
    chosen = choice(say("memory.choice"), CHOICES, lambda name: say(f"memory.choice.{name}"), key="memory_choice")
    try:
        if chosen == "fit":
            return _fit(config, known)
        if chosen == "search":
            return _search(session, config, known)
        if chosen == "accumulation":
            return draw_accumulation()
        if chosen == "own":
            return draw_own_model(session) if not is_public() else _off()
        return _update(config)
    except BatchLabError as error:
        st.caption(reasons(error.problems))
        return False


def _off() -> bool:
    st.caption(say("own.off"))
    return False


def _update(config: RunConfig) -> bool:
    found = engine().timelines(config)
    st.caption(say("memory.update.about"))
    caption = setup_caption(config, size=config.batch_size)
    table = timeline_table(found or {}, words(), limit_bytes=config.memory_limit_bytes, caption=caption)
    plots.draw(timeline, table, readable=readable_timeline(table, say))
    return found is None


def _fit(config: RunConfig, known: Known) -> bool:
    limit = config.memory_limit_bytes
    if limit is None:
        st.markdown(say("remedy.no_limit"))
        return False
    if known.prediction is None:
        st.caption(say("memory.asking"))
        return known.waits
    if known.prediction.peak.bytes <= limit:
        st.markdown(say("remedy.fits", peak=mib(known.prediction.peak.bytes), limit=mib(limit)))
        return False
    if not known.prediction.largest_batch_size and known.curve:
        st.markdown(remedies.no_size_fits(known.curve.resting))
    remedies.draw(config, button=say("remedy.use"), take=_take)
    return remedies.asked(config) == (None, None)


def _take(config: RunConfig) -> None:
    apply_from_panel(settings(config))


def _search(session: Session, config: RunConfig, known: Known) -> bool:
    """Draw how many attempts each search takes; a tick of the animation shows one more of each."""
    state = session.state(MemoryState)
    st.caption(say("memory.search.about"))
    if config.memory_limit_bytes is None:
        st.markdown(say("memory.search.no_limit"))
        return False
    if known.prediction is None:
        st.caption(say("memory.asking"))
        return known.waits
    largest, most = known.prediction.largest_batch_size, largest_size(config)
    searches = _searches(largest, most)
    longest = max(len(search.attempts) for search in searches)
    shown = min(state.attempts_shown, longest) if state.attempts_shown is not None else longest
    label = say("memory.search.play") if state.attempts_shown is None else say("memory.search.replay")
    st.button(label, key="play", icon=":material/play_arrow:", on_click=_replay, args=(session,))
    caption = setup_caption(config)
    table = attempts_table(searches, shown, words(), largest=largest, most=most, caption=caption)
    plots.draw(attempts, table, readable=readable_attempts(table, say))
    moves = state.attempts_shown is not None and state.attempts_shown < longest
    if moves and state.attempts_shown is not None:
        state.attempts_shown += 1
    return _checked(config, largest) or moves


def _searches(largest: int, most: int) -> list[searching.Search]:
    def fits(size: int) -> bool:
        return size <= largest

    ways = [way(fits, most=most) for way in searching.SEARCHES.values()]
    return [searching.closed_form(fits, predicted=largest, most=most), *ways]


def _replay(session: Session) -> None:
    state = session.state(MemoryState)
    state.attempts_shown = 0


def _checked(config: RunConfig, largest: int) -> bool:
    """Draw the result of the two runs that check the prediction; return whether they are still running."""
    above = next_size(config, largest)
    found: dict[int, bool] | None = engine().verification(config, [size for size in (largest, above) if size])
    if found is None:
        st.caption(say("memory.search.checking"))
        return True
    if any(passes != (size <= largest) for size, passes in found.items()):
        st.markdown(say("memory.search.wrong", fits=number(largest)))
    elif not above:
        st.markdown(say("memory.search.checked.all", fits=number(largest)))
    elif not largest:
        st.markdown(say("memory.search.checked.none", over=number(above)))
    else:
        st.markdown(say("memory.search.checked", fits=number(largest), over=number(above)))
    return False
