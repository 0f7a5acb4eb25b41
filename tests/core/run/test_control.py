"""Check pausing, resuming, stopping and single updates, requested from another thread."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import torch

from core.run.control import Command, Control
from core.run.events import Epoch, Paused, Updates
from tests.campaign import campaign
from tests.core.run.running import DIGITS, WAIT_S, Begin, Running


def weights(running: Running) -> torch.Tensor:
    return torch.nn.utils.parameters_to_vector(running.trainer.parameters).detach().clone()


def test_a_pause_reports_everything_and_a_resumed_run_has_the_same_end(begin: Begin) -> None:
    config = DIGITS.replace(budget="updates", budget_value=300)
    undisturbed = begin(config)
    undisturbed.thread.join(WAIT_S)
    running = begin(config, paused=True)
    assert running.wait_for_pause()
    stops = 0
    while True:
        running.control.request("resume")
        running.wait_for_resume()
        time.sleep(0.05)
        running.control.request("pause")
        if not running.wait_for_pause():
            break
        stops += 1
        before, stood = weights(running), running.trainer.updates
        assert running.reported == stood
        time.sleep(0.05)
        assert (running.trainer.updates, running.reported) == (stood, stood)
        assert torch.equal(weights(running), before)
    assert stops > 0
    assert (running.ended.state, running.ended.updates) == ("finished", 300)
    assert running.ended.losses_sha256 == undisturbed.ended.losses_sha256


@pytest.mark.slow
def test_time_spent_paused_is_not_training_time(begin: Begin) -> None:
    began = time.perf_counter()
    running = begin(DIGITS.replace(budget="updates", budget_value=30), paused=True)
    running.wait_for_pause()
    for _ in range(2):
        time.sleep(0.3)
        running.control.request("one_update")
        running.wait_for_pause()
    time.sleep(0.3)
    running.control.request("resume")
    running.thread.join(WAIT_S)
    assert running.control.paused_s > 0.9
    took = time.perf_counter() - began
    last = max(event.seconds[-1] for event in running.events if isinstance(event, Updates) and len(event))
    assert last <= running.ended.elapsed_s < took - 0.9


@pytest.mark.parametrize("accumulate", [1, 4])
def test_one_update_makes_exactly_one_and_one_epoch_completes_the_epoch(begin: Begin, accumulate: int) -> None:
    running = begin(DIGITS.replace(accumulate=accumulate), paused=True)
    running.wait_for_pause()
    assert running.trainer.updates == running.reported == 0
    for count in (1, 2, 3):
        running.control.request("one_update")
        running.wait_for_pause()
        time.sleep(0.03)
        assert running.trainer.updates == running.reported == count
    per_epoch = 15 if accumulate == 1 else 4
    for epoch in (1, 2):
        running.control.request("one_epoch")
        running.wait_for_pause()
        time.sleep(0.03)
        assert running.trainer.updates == running.reported == epoch * per_epoch
        assert sum(isinstance(event, Epoch) for event in running.events) == epoch
    ended, _ = running.end()
    assert (ended.state, ended.updates) == ("stopped", 2 * per_epoch)


def test_every_request_for_one_update_counts_however_fast_they_arrive(begin: Begin) -> None:
    running = begin(paused=True)
    running.wait_for_pause()
    for _ in range(5):
        running.control.request("one_update")
    while running.trainer.updates < 5:
        time.sleep(0.01)
    running.wait_for_pause()
    time.sleep(0.05)
    assert running.trainer.updates == running.reported == 5
    for _ in range(3):
        running.control.request("one_update")
    running.control.request("pause")  # pending requests are withdrawn
    time.sleep(0.05)
    stood = running.trainer.updates
    assert 5 <= stood <= 8
    time.sleep(0.05)
    assert running.trainer.updates == stood


@pytest.mark.parametrize(("command", "updates"), [("one_update", 16), ("one_epoch", 30), ("resume", None)])
def test_a_request_during_a_paused_evaluation_is_carried_out_after_it(
    begin: Begin, command: Command, updates: int | None
) -> None:
    running = begin(DIGITS.replace(budget_value=4), paused=True)
    running.wait_for_pause()
    evaluate, evaluations = running.trainer.evaluate_chunk, []

    def pause_in_the_first(start: int, stop: int) -> Any:
        evaluations.append(start)
        if len(evaluations) == 1:
            running.control.request("pause")
        return evaluate(start, stop)

    running.trainer.evaluate_chunk = pause_in_the_first
    running.control.request("one_epoch")
    running.wait_for_pause()
    assert running.trainer.updates == 15
    assert not any(isinstance(event, Epoch) for event in running.events)
    running.control.request(command)
    if updates is None:
        running.thread.join(WAIT_S)
        assert running.ended.updates == 60
    else:
        running.wait_for_pause()
        time.sleep(0.03)
        assert running.trainer.updates == updates


def test_an_evaluation_interrupted_by_a_stop_is_not_training_time(begin: Begin) -> None:
    running = begin(paused=True)
    running.wait_for_pause()
    within = threading.Event()
    evaluate = running.trainer.evaluate_chunk

    def slowly(start: int, stop: int) -> Any:
        within.set()
        time.sleep(0.5)
        return evaluate(start, stop)

    running.trainer.evaluate_chunk = slowly
    running.control.request("resume")
    within.wait(WAIT_S)
    ended, took = running.end()
    assert took > 0.2
    last = max(event.seconds[-1] for event in running.events if isinstance(event, Updates) and len(event))
    assert last <= ended.elapsed_s < last + 0.2


@pytest.mark.slow
def test_a_run_paused_within_an_update_completes_only_that_update(begin: Begin) -> None:
    running = begin(DIGITS.replace(batch_size=5, accumulate=288))
    running.started.wait(WAIT_S)
    time.sleep(0.02)
    running.control.request("pause")
    running.wait_for_pause()
    assert running.trainer.updates == 0
    running.control.request("one_update")
    running.wait_for_pause()
    assert running.trainer.updates == running.reported == 1
    assert len(running.trainer.order.window()) == 288


@pytest.mark.slow
def test_a_stop_in_the_middle_of_a_window_drops_the_unfinished_update(begin: Begin) -> None:
    running = begin(DIGITS.replace(batch_size=5, accumulate=288, optimizer="adam", lr=0.001), paused=True)
    running.wait_for_pause()
    running.control.request("one_update")
    running.wait_for_pause()
    before = weights(running)
    running.control.request("resume")
    time.sleep(0.02)
    ended, _ = running.end(reason="unwatched")
    assert (ended.state, ended.reason, ended.updates) == ("stopped", "unwatched", 1)
    assert running.reported == 1
    assert torch.equal(weights(running), before)
    assert all(parameter.grad is None for parameter in running.trainer.parameters)
    assert running.trainer.order.position == 0
    assert running.trainer.examples_seen == 1_437


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"dataset": "photos10k", "model": "cnn", "batch_size": 100},
        {"batch_size": 1, "accumulate": 1_437},
        *campaign(
            [
                {"dataset": "photos10k", "batch_size": 1, "accumulate": 100, "target_loss": 1e-9},
                {"budget": "seconds", "budget_value": 100},
            ]
        ),
    ],
    ids=str,
)
def test_a_stop_takes_less_than_a_fifth_of_a_second_at_any_point(changes: dict[str, Any], begin: Begin) -> None:
    times = []
    for pause_s in (0.0, 0.05, 0.4):
        running = begin(DIGITS.replace(**changes))
        running.started.wait(0.1)
        time.sleep(pause_s)
        ended, took = running.end()
        times.append(took)
        assert (ended.state, ended.reason) == ("stopped", "asked")
        assert ended.updates == running.reported
    assert sorted(times)[1] < 0.2  # the median, because a busy machine may be slow once


def test_a_paused_run_can_be_stopped_and_the_first_reason_stays(begin: Begin) -> None:
    running = begin(paused=True)
    running.wait_for_pause()
    running.control.request("stop", reason="unwatched")
    ended, took = running.end()
    assert (ended.state, ended.reason, ended.updates) == ("stopped", "unwatched", 0)
    assert took < 0.2
    pauses = [event.paused for event in running.events if isinstance(event, Paused)]
    assert pauses == [True, False]


def test_attention_is_set_by_every_request_and_cleared_by_a_resume() -> None:
    control = Control()
    assert not control.attention
    for command in ("pause", "one_update", "one_epoch"):
        control.request(command)
        assert control.attention
    control.request("resume")
    assert not control.attention
    control.request("stop")
    assert control.attention
