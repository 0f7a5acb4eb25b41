"""Check the pace of a run: how long it waits, how promptly it obeys meanwhile, and that its losses stay the same."""

from __future__ import annotations

import time
from typing import Any

import pytest

from core.run.control import FULL_SPEED, Control
from core.run.events import Snapshot, Updates
from core.train.loop import Loop
from core.train.trainer import Trainer
from tests.core.conftest import Datasets
from tests.core.run.running import DIGITS, WAIT_S, Begin, Running

NEVER = 0.5 / WAIT_S  # a pace at which every test gives up before the second update
FEW = DIGITS.replace(budget="updates", budget_value=20)  # the second epoch begins after 15


class Clock:
    """A clock that only waits and updates move; it stands for the condition on which a control waits, too."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("pace", "update_s", "between_s"),
    [(5.0, 0.01, 0.2), (100.0, 0.004, 0.01), (100.0, 0.03, 0.03), (FULL_SPEED, 0.03, 0.03)],
)
def test_updates_begin_at_the_pace_or_as_fast_as_they_can_and_waiting_is_not_training_time(
    pace: float, update_s: float, between_s: float, datasets: Datasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, control = Clock(), Control(pace=pace)
    monkeypatch.setattr(control, "_changed", clock)
    for module in ("core.run.control", "core.train.loop", "core.train.timing"):
        monkeypatch.setattr(f"{module}.perf_counter", clock)
    trainer = Trainer(FEW, datasets("digits"), control=control)
    update, begun, events = trainer.update, [], []

    def timed(*arguments: Any) -> bool:
        begun.append(clock.now)
        clock.now += update_s
        return update(*arguments)

    monkeypatch.setattr(trainer, "update", timed)
    ended = Loop(trainer, events.append).run()
    assert begun == pytest.approx([100 + between_s * number for number in range(20)])
    seconds = [second for event in events if isinstance(event, Updates) for second in event.seconds]
    assert seconds == pytest.approx([update_s * number for number in range(1, 21)])
    assert ended.elapsed_s == pytest.approx(20 * update_s)
    assert control.paused_s == pytest.approx(19 * (between_s - update_s))


def test_after_a_pause_the_pace_holds_from_the_first_update_on(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, control = Clock(), Control(pace=2.0)
    monkeypatch.setattr("core.run.control.perf_counter", clock)
    monkeypatch.setattr(control, "_changed", clock)
    clock.wait_for = lambda _: clock.wait(60.0)  # type: ignore[attr-defined]
    begun = []
    for number in range(4):
        control.rest()
        if number == 2:
            control.paused = True
            control.wait_while_paused()
            control.paused = False
        begun.append(clock.now)
    assert begun == pytest.approx([100.0, 100.5, 161.0, 161.5])


def test_a_paced_run_has_the_same_losses_and_reports_each_update_before_it_waits(begin: Begin) -> None:
    fast, slow = begin(FEW), begin(FEW, pace=25.0)
    for running in (fast, slow):
        running.thread.join(WAIT_S)
    assert slow.ended.losses_sha256 == fast.ended.losses_sha256
    assert (slow.ended.state, slow.ended.updates) == ("finished", 20)
    sizes = [len(event) for event in slow.events if isinstance(event, Updates)]
    assert max(sizes) == 1
    assert slow.control.paused_s > 0


def test_at_full_speed_the_loop_never_calls_the_control(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rest", "update_done", "wait_while_paused"):
        monkeypatch.delattr(Control, name)
    running = begin(FEW)
    running.thread.join(WAIT_S)
    assert running.ended.updates == 20


def stands_at(updates: int, running: Running) -> bool:
    """Wait until a run has reported so many updates; return whether it then waits and has shown its latest batch."""
    until = time.perf_counter() + WAIT_S
    while running.reported < updates:
        assert time.perf_counter() < until
        time.sleep(0.005)
    time.sleep(0.05)
    shown = max(event.updates for event in running.events if isinstance(event, Snapshot))
    return running.trainer.updates == running.reported == shown == updates


def test_a_waiting_run_stops_at_once_without_another_update(begin: Begin) -> None:
    running = begin(pace=NEVER)
    assert stands_at(1, running)
    ended, took = running.end()
    assert (ended.state, ended.updates, running.reported) == ("stopped", 1, 1)
    assert took < WAIT_S


def test_a_waiting_run_pauses_and_steps_at_once(begin: Begin) -> None:
    running = begin(pace=NEVER)
    assert stands_at(1, running)
    running.control.request("pause")
    assert running.wait_for_pause()
    assert running.trainer.updates == 1
    for count in (2, 3):
        running.control.request("one_update")
        running.wait_for_pause()
        assert running.trainer.updates == running.reported == count
    running.control.request("resume")
    running.control.request("one_update")
    running.wait_for_pause()
    assert running.trainer.updates == 4


def test_the_pace_changes_during_a_run(begin: Begin) -> None:
    running = begin(FEW, pace=NEVER)
    assert stands_at(1, running)
    running.control.set_pace(1_000.0)
    while running.trainer.updates < 5:
        time.sleep(0.001)
    running.control.set_pace(NEVER)
    time.sleep(0.1)
    stood = running.trainer.updates
    time.sleep(0.1)
    assert 5 <= running.trainer.updates == stood < 20
    running.control.set_pace(FULL_SPEED)
    running.thread.join(WAIT_S)
    assert running.ended.updates == 20
    assert not running.control.attention
