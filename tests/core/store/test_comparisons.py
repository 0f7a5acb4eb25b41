"""Check comparisons in the database: rows of `runs` with a setup, which the history leaves out."""

from __future__ import annotations

from sqlalchemy import text

from core.run.config import RunConfig
from core.run.events import Ended
from core.store import Store
from core.store.database import open_database

CONFIG = RunConfig(batch_size=7)


def create(store: Store, run_id: str = "both") -> None:
    store.create(run_id, CONFIG, owner="host", session="tab", comparison='{"arms": []}')


def test_a_comparison_keeps_its_setup_and_its_latest_courses(store: Store) -> None:
    create(store)
    found = store.comparison("both")
    assert found is not None
    record, setup, courses = found
    assert (record.config, record.state, setup, courses) == (CONFIG, "queued", '{"arms": []}', None)
    for payload in (b"first", b"second"):
        assert store.write_courses("both", payload)
    record, _, courses = store.comparison("both") or (None, "", None)
    assert record is not None
    assert (record.state, courses) == ("running", b"second")


def test_an_ended_comparison_accepts_no_more_courses(store: Store) -> None:
    create(store)
    store.write_courses("both", b"first")
    assert store.finish("both", Ended("stopped", "asked"))
    assert not store.write_courses("both", b"late")
    record, _, courses = store.comparison("both") or (None, "", None)
    assert record is not None
    assert (record.state, courses) == ("stopped", b"first")


def test_comparisons_are_not_listed_as_runs_and_runs_are_not_comparisons(store: Store, run_id: str) -> None:
    create(store)
    assert [record.id for record in store.runs()] == [run_id]
    assert store.comparison(run_id) is None
    assert {record.id for record in store.active()} == {run_id, "both"}


def test_a_deleted_comparison_leaves_nothing(store: Store, address: str) -> None:
    create(store)
    store.delete("both")
    assert store.comparison("both") is None
    database = open_database(address)
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM comparisons")).scalar() == 0
    database.close()


def test_a_comparison_whose_process_died_ends_as_failed(store: Store) -> None:
    create(store)
    assert store.fail_orphans(lambda owner: False) == ["both"]
    record, _, _ = store.comparison("both") or (None, "", None)
    assert record is not None
    assert record.state == "failed"
