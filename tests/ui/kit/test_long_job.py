"""Jobs of the host that take seconds: what a session keeps of each."""

from __future__ import annotations

from core.host.process import Answer
from core.words.errors import HostError, Problem
from ui.kit.long_job import LongJobs


def refused() -> Answer:
    raise HostError(Problem("host_gone"))


def test_results_and_failures_are_kept_by_job_and_the_last_one_is_announced_once() -> None:
    jobs, first, second = LongJobs[str, int](), Answer(), Answer()
    jobs.start("first", lambda: first)
    jobs.start("second", lambda: second)
    assert not jobs.collect()
    first.set_result(3)
    assert not jobs.collect()
    assert (jobs.results, list(jobs.running)) == ({"first": 3}, ["second"])
    second.set_exception(HostError(Problem("host_gone")))
    assert jobs.collect()
    assert (jobs.results, jobs.running, list(jobs.trouble)) == ({"first": 3}, {}, ["second"])
    assert not jobs.collect()


def test_the_reason_for_a_refused_job_is_kept_until_it_is_started_again() -> None:
    jobs = LongJobs[str, int]()
    jobs.start("first", refused)
    assert jobs.trouble == {"first": (Problem("host_gone"),)}
    assert not jobs.running
    jobs.start("first", Answer)
    assert (jobs.trouble, list(jobs.running)) == ({}, ["first"])
