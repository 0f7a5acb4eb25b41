"""Check, with real processes, questions that take seconds, wait for a core and report progress."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from core.claims import experiments
from core.claims.results import Results
from core.host.client import HostClient
from core.host.process import Answer
from core.run.config import RunConfig
from core.store import new_run_id
from core.words.errors import HostError
from tests.core.host.patience import PATIENCE_S, until

pytestmark = pytest.mark.slow

LONG = "C1"  # a question that takes seconds
SHORT = RunConfig(budget="epochs", budget_value=1, memory_limit_mb=4)


@pytest.fixture(scope="module")
def host(one_core_host: HostClient) -> HostClient:
    """Return a host with one core that is warm, because it has answered before."""
    one_core_host.prediction(SHORT).result(PATIENCE_S)
    return one_core_host


def ask(host: HostClient, claim: str, first_seed: int = 0, *, read: Callable[[Any], Any] = Results.from_dict) -> Answer:
    return host.ask("claims", {"claim": claim, "first_seed": first_seed, "seeds": 10}, key=time.monotonic(), read=read)


def shares(answer: Answer) -> list[float | None]:
    """Return the shares of an answer that could be seen until it arrived, without repetitions."""
    seen: list[float | None] = []
    deadline = time.monotonic() + PATIENCE_S
    while True:
        done, share = answer.done(), answer.share
        if not seen or seen[-1] != share:
            seen.append(share)
        if done:
            return seen
        assert time.monotonic() < deadline
        time.sleep(0.0005)


def begun(answer: Answer) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while answer.share is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def children(host: HostClient) -> list[psutil.Process]:
    assert host.pid is not None
    family = psutil.Process(host.pid).children()
    return [process for process in family if process.status() != psutil.STATUS_ZOMBIE]


def kill(host: HostClient) -> None:
    """Kill the process that works on a question, once the processes of earlier questions have exited."""
    deadline = time.monotonic() + PATIENCE_S
    while len(family := children(host)) != 1:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(family[0].pid, signal.SIGKILL)


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def without_seconds(results: Results) -> dict[str, Any]:
    """Return a result without its dates and durations."""
    values = results.to_dict() | {"date": None}
    for claim in values["claims"].values():
        claim["seconds"] = None
        for outcome in claim["outcomes"]:
            outcome["seconds"] = None
    return values


def test_a_long_answer_reports_progress_and_equals_the_one_computed_here(host: HostClient) -> None:
    asked = ask(host, "C4", 30)
    seen = shares(asked)
    assert seen[0] is None
    assert seen[-1] == 1.0
    known = [share for share in seen if share is not None]
    assert known == sorted(known)
    assert len(known) >= 2
    here = experiments.run(["C4"], range(30, 40), lambda code, share: None)
    assert without_seconds(asked.result()) == without_seconds(here)
    assert asked.result().claims["C4"].outcomes[0].facts == {"updates_100": 100, "updates_1000": 10}


def test_long_questions_on_one_core_are_answered_one_after_another(host: HostClient) -> None:
    """A waiting question has no share until the one before it is done."""
    questions = [ask(host, claim) for claim in ("C4", "C3", "C4")]
    overlaps = 0
    deadline = time.monotonic() + PATIENCE_S
    while not all(question.done() for question in questions):
        assert time.monotonic() < deadline
        for before, after in zip(questions, questions[1:], strict=False):
            has_begun = after.share is not None
            overlaps += has_begun and not before.done()
        time.sleep(0.0005)
    assert overlaps == 0
    assert [list(question.result().claims) for question in questions] == [["C4"], ["C3"], ["C4"]]
    assert [question.share for question in questions] == [1.0] * 3


def test_a_short_question_is_answered_while_a_long_one_runs(host: HostClient) -> None:
    asked = ask(host, LONG)
    begun(asked)
    other = SHORT.replace(batch_size=1_000)
    assert host.prediction(other).result(PATIENCE_S).peak.bytes == 2_978_048
    assert not asked.done()
    kill(host)
    with pytest.raises(HostError):
        asked.result(PATIENCE_S)


def test_a_long_question_with_a_killed_process_fails_and_frees_its_core(host: HostClient) -> None:
    asked, waiting = ask(host, LONG), ask(host, "C4")
    begun(asked)
    assert waiting.share is None
    kill(host)
    with pytest.raises(HostError):
        asked.result(PATIENCE_S)
    assert waiting.result(PATIENCE_S).claims["C4"].verdict == "SUPPORTED"
    assert ask(host, "C3").result(PATIENCE_S).claims["C3"].verdict == "CONDITIONAL"


def test_an_answer_that_cannot_be_read_fails_only_that_question(host: HostClient) -> None:
    refused = host.ask("curve", {"config": SHORT.to_json().replace("100", "-1"), "sizes": [1]}, key="refused")
    assert refused.exception(PATIENCE_S) is not None
    assert refused.share is None
    assert ask(host, "C3").result(PATIENCE_S).claims["C3"].verdict == "CONDITIONAL"


def test_closing_the_client_ends_the_host_its_questions_and_its_trainings_for_good(host: HostClient) -> None:
    run_id = new_run_id()
    host.start(SHORT.replace(budget_value=1_000), run_id=run_id, session="test")
    asked, waiting = ask(host, LONG), ask(host, LONG)
    begun(asked)
    until(lambda: host.store.chunks_after(run_id), "the run to train")
    family = [psutil.Process(host.pid), *children(host)]
    assert len(family) == 3  # the host, a training and a question
    host.close()
    for question in (asked, waiting):
        with pytest.raises(HostError):
            question.result(PATIENCE_S)
    until(lambda: all(map(gone, family)), "every process to leave")
    record = host.store.run(run_id)
    assert record is not None
    assert record.state == "failed"
    host.close()
    with pytest.raises(HostError):
        host.prediction(SHORT.replace(batch_size=99))
    assert host.pid is None
