"""Draw what is known of a run's memory before it runs: the numbers, the curve against the batch size, and the law."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from core.forecast.records import Curve, Piece
from core.run.config import RunConfig
from core.run.events import Prediction
from core.run.timeline import plain_operation
from core.words.errors import BatchLabError, StoreError
from ui.charts.memory import curve as curve_chart
from ui.kit import card, plots, sparks
from ui.kit.card import Card
from ui.setup.form import SIZES
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.text import mib, number, say

RUNS_READ = 200
FAR = 10  # times the batch size: a largest batch so far off would leave nothing to see of the rest


@dataclass(frozen=True)
class Known:
    """What the engine has answered so far, and why it has not."""

    prediction: Prediction | None
    curve: Curve | None
    trouble: str | None

    @property
    def waits(self) -> bool:
        return self.trouble is None and (self.prediction is None or self.curve is None)


def ask(config: RunConfig, *, wait_s: float = 0.0) -> Known:
    """Ask for everything at once, and wait a little for the answers."""
    try:
        shared = engine()
        sizes = sizes_of(config)
        shared.curve(config, sizes)
        prediction = shared.prediction(config, wait_s=wait_s)
        return Known(prediction, shared.curve(config, sizes, wait_s=wait_s), None)
    except BatchLabError as error:
        return Known(None, None, reasons(error.problems))


def sizes_of(config: RunConfig) -> list[int]:
    """Return the batch sizes at which the curve is worked out: useful ones, up to where its story is told."""
    most = config.spec.examples
    return sorted({size for size in SIZES if size <= most} | {most, config.batch_size})


def numbers(config: RunConfig, known: Known) -> None:
    """Draw what there is to know in one number each."""
    with st.container(key="memory_cards"):
        st.html(card.html([_need(config, known), _fits(config, known), _fixed(known), _each(config, known)]))


def _need(config: RunConfig, known: Known) -> Card:
    label, help_ = say("memory.need", size=number(config.batch_size)), say("memory.need.help")
    if known.prediction is None:
        return Card(label, say("none"), say("card.peak.asking"), help_)
    peak = known.prediction.peak
    detail = say("memory.need.detail", tensors=mib(peak.tensor_bytes), workspace=mib(peak.workspace_bytes))
    return Card(label, mib(peak.bytes), detail, help_, sparks.against_limit(peak.bytes, config.memory_limit_bytes))


def _fits(config: RunConfig, known: Known) -> Card:
    label, help_ = say("memory.fits"), say("memory.fits.help")
    if known.prediction is None:
        return Card(label, say("none"), say("card.peak.asking"), help_)
    largest, limit = known.prediction.largest_batch_size, config.memory_limit_bytes
    key = "memory.fits.all" if largest == config.spec.examples else "memory.fits.value"
    value = say(key, size=number(largest)) if largest else say("memory.fits.none")
    detail = say("memory.fits.detail", limit=mib(limit)) if limit else say("memory.fits.no_limit")
    return Card(label, value, detail, help_)


def _fixed(known: Known) -> Card:
    label, help_ = say("memory.fixed"), say("memory.fixed.help")
    if known.curve is None:
        return Card(label, say("none"), say("card.peak.asking"), help_)
    return Card(label, mib(sum(known.curve.resting.values())), say("memory.fixed.detail"), help_)


def _each(config: RunConfig, known: Known) -> Card:
    label, help_ = say("memory.each"), say("memory.each.help")
    piece = _here(known.curve, config.batch_size)
    if piece is None:
        return Card(label, say("none"), say("card.peak.asking") if known.waits else "", help_)
    detail = say("memory.each.detail", event=say(f"event.{piece.event}"))
    return Card(label, mib(piece.per_example_bytes), detail, help_)


def curve(config: RunConfig, known: Known, measured: list[tuple[int, int]]) -> None:
    """Draw the peak against the batch size, with the runs that have measured it."""
    with st.container(border=True, key="curve"):
        logarithmic = st.toggle(say("memory.log"), key="log_curve", persist_state="session")
        shown = known.curve if logarithmic or known.curve is None else _around(known.curve, config.batch_size)
        table = curve_chart.curve_table(shown, config.memory_limit_bytes, measured, say, batch_size=config.batch_size)
        plots.draw(curve_chart.log_curve if logarithmic else curve_chart.curve, table)
        st.caption(_measured(len(measured)))


def _around(curve: Curve, batch_size: int) -> Curve:
    """Return the part of a curve in which its story is told on an even axis: up to twice where it leads."""
    end = 2 * max(batch_size, min(curve.largest_batch_size, FAR * batch_size))
    beyond = [point.batch_size for point in curve.points if point.batch_size >= end]
    last = min(beyond, default=curve.points[-1].batch_size if curve.points else 0)
    return replace(curve, points=tuple(point for point in curve.points if point.batch_size <= last))


def _measured(count: int) -> str:
    if count == 1:
        return say("memory.measured.one")
    return say("memory.measured", count=number(count)) if count else say("memory.measured.none")


def runs_on(config: RunConfig) -> list[tuple[int, int]]:
    """Return batch size and measured peak of the finished runs whose curve of memory is that of these settings."""
    found: dict[int, int] = {}
    try:
        records = engine().store.runs(RUNS_READ)
    except StoreError:
        return []
    wanted = config.memory_key(at_any_size=True)
    for record in records:
        if record.state == "finished" and record.peak and record.config.memory_key(at_any_size=True) == wanted:
            found.setdefault(record.config.batch_size, record.peak.bytes)
    return sorted(found.items())


def law(config: RunConfig, known: Known) -> None:
    """Say the lines that the peak consists of, and how far its workspace is known."""
    place = st.empty()
    if known.trouble:
        place.markdown(known.trouble)
        return
    if known.curve is None or known.prediction is None:
        place.caption(say("memory.asking"))
        return
    here = _here(known.curve, config.batch_size)
    pieces = [_piece(piece, is_here=piece == here) for piece in known.curve.pieces]
    state = "verified" if known.prediction.verified else "estimated"
    workspace = say("memory.workspace", state=say(f"memory.workspace.{state}", size=number(config.batch_size)))
    if known.prediction.operations:
        operation, size = known.prediction.operations[0]
        at_peak = mib(known.prediction.peak.workspace_bytes)
        words = say("memory.workspace.most", operation=plain_operation(operation), size=mib(size), peak=at_peak)
        workspace = f"{workspace} {words}"
    place.markdown(say("memory.law", pieces=" ".join(pieces)) + f"\n\n{workspace}")


def _piece(piece: Piece, *, is_here: bool) -> str:
    return say(
        "memory.law.here" if is_here else "memory.law.piece",
        first=number(piece.first),
        last=number(piece.last),
        fixed=mib(piece.fixed_bytes),
        each=mib(piece.per_example_bytes),
        event=say(f"event.{piece.event}"),
        phase=say(f"phase.{piece.phase}"),
        module=say("memory.law.module", module=piece.module) if piece.module else "",
    )


def _here(known: Curve | None, batch_size: int) -> Piece | None:
    return next((piece for piece in known.pieces if piece.first <= batch_size <= piece.last), None) if known else None
