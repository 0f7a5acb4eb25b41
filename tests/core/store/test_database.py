import hashlib
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from core.run.config import RunConfig
from core.run.events import Snapshot
from core.store import Store, open_or_fresh, place
from core.store.database import open_database
from core.store.schema import MIGRATIONS
from core.words.catalogue import catalogue
from core.words.errors import Problem, StoreError

ROOT = Path(__file__).parents[3]


def problem_of(where: str | Path) -> Problem:
    with pytest.raises(StoreError) as caught:
        Store.open(where)
    (problem,) = caught.value.problems
    assert f"problem.{problem.code}" in catalogue()
    assert str(problem.values["where"]) in str(caught.value)  # fails if the values do not fill the sentence
    return problem


def contents(folder: Path) -> dict[str, str]:
    """Return every file in a folder and its subfolders with the hash of its bytes."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def a_database_with_a_run(path: Path) -> None:
    store = Store.open(path)
    store.create("old", RunConfig(), owner="host", session="tab")
    store.close()


def set_version(path: Path, version: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE schema SET version = ?", (version,))
    connection.commit()
    connection.close()


# Opening.


def test_a_new_file_gets_its_folder_and_version_4(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "runs.sqlite"
    Store.open(path).close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT version FROM schema").fetchall() == [(4,)]
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_opening_again_finds_the_same_runs(path: Path) -> None:
    a_database_with_a_run(path)
    store = Store.open(path)
    assert [run.id for run in store.runs()] == ["old"]
    store.close()


def test_an_empty_file_is_treated_like_a_missing_one(path: Path) -> None:
    path.touch()
    a_database_with_a_run(path)


def test_a_sqlite_url_names_the_same_file(path: Path) -> None:
    a_database_with_a_run(path)
    store = Store.open(f"sqlite:///{path}")
    assert (store.address, store.where) == (str(path), str(path))
    assert [run.id for run in store.runs()] == ["old"]
    store.close()


def test_without_a_name_the_environment_decides_and_else_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BATCHLAB_DATABASE", raising=False)
    assert place.find() == ROOT / ".batchlab" / "runs.sqlite"
    monkeypatch.setenv("BATCHLAB_DATABASE", str(tmp_path / "mine.sqlite"))
    store = Store.open()
    assert store.where == str(tmp_path / "mine.sqlite")
    store.close()


def test_two_processes_that_find_an_empty_file_create_one_database(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN IMMEDIATE")  # both have read the version and wait to write
    opened: list[Store] = []
    threads = [threading.Thread(target=lambda: opened.append(Store.open(path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    other.rollback()
    for thread in threads:
        thread.join()
    assert other.execute("SELECT version FROM schema").fetchall() == [(4,)]
    assert [store.runs() for store in opened] == [[], []]
    for store in opened:
        store.close()
    other.close()


# Refusing without changing anything.


def test_a_newer_database_is_refused_and_untouched(path: Path) -> None:
    a_database_with_a_run(path)
    set_version(path, 9)
    before = contents(path.parent)
    problem = problem_of(path)
    assert problem.code == "store_newer"
    assert problem.values == {"where": str(path), "version": 9, "known": 4}
    assert contents(path.parent) == before
    assert list(before) == ["runs.sqlite"]


def test_a_newer_database_in_use_by_its_own_program_is_refused_and_untouched(path: Path) -> None:
    a_database_with_a_run(path)
    other = sqlite3.connect(path)
    other.execute("UPDATE schema SET version = 9")
    other.commit()  # only the -wal file holds the 9
    before = contents(path.parent)
    assert problem_of(path).code == "store_newer"
    after = contents(path.parent)
    assert after.keys() == before.keys()
    assert (after["runs.sqlite"], after["runs.sqlite-wal"]) == (before["runs.sqlite"], before["runs.sqlite-wal"])
    other.close()


@pytest.mark.parametrize("left", [("-wal", "-shm"), ("-wal",)])
def test_a_newer_database_that_its_own_program_left_when_killed_is_untouched(
    tmp_path: Path, left: tuple[str, ...]
) -> None:
    path, copy = tmp_path / "runs.sqlite", tmp_path / "copy" / "runs.sqlite"
    a_database_with_a_run(path)
    other = sqlite3.connect(path)
    other.execute("UPDATE schema SET version = 9")
    other.commit()
    copy.parent.mkdir()
    for suffix in ("", *left):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    other.close()
    before = contents(copy.parent)
    assert problem_of(copy).code == "store_newer"
    after = contents(copy.parent)
    assert after.keys() == before.keys()
    for name in ("runs.sqlite", "runs.sqlite-wal"):
        assert after[name] == before[name]


def write_text(path: Path) -> None:
    path.write_text("these are my notes, keep them\n" * 100)


def write_a_line(path: Path) -> None:
    path.write_text("x")


def write_half_a_database(path: Path) -> None:
    a_database_with_a_run(path)
    os.truncate(path, path.stat().st_size // 2)


def write_over_the_first_page(path: Path) -> None:
    a_database_with_a_run(path)
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 200)


def write_somebody_elses_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()


def write_tables_of_our_names(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE schema (name); CREATE TABLE runs (speed)")
    connection.close()


def write_no_version(path: Path) -> None:
    a_database_with_a_run(path)
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM schema")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "write",
    [
        write_text,
        write_a_line,
        write_half_a_database,
        write_over_the_first_page,
        write_somebody_elses_database,
        write_tables_of_our_names,
        write_no_version,
    ],
)
def test_a_corrupt_or_foreign_file_is_refused_and_untouched(path: Path, write: Callable[[Path], None]) -> None:
    write(path)
    before = contents(path.parent)
    problem = problem_of(path)
    assert problem.code == "store_corrupt"
    assert problem.values.keys() == {"where", "cause"}
    assert contents(path.parent) == before
    assert list(before) == ["runs.sqlite"]


def test_a_database_that_lacks_a_column_is_refused(path: Path) -> None:
    Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE epochs DROP COLUMN epoch")
    connection.close()
    store, error = open_or_fresh(path)
    assert store.where != str(path)
    assert "epochs.epoch" in str(error)
    store.close()


@pytest.mark.parametrize("name", ["~nobody-here/runs.sqlite", "sqlite:///runs%00.sqlite", "runs\0.sqlite"])
def test_a_name_that_cannot_be_a_file_is_reported(name: str) -> None:
    with pytest.raises(StoreError, match="cannot open the database"):
        Store.open(name)


def test_a_short_password_does_not_mangle_our_own_messages() -> None:
    with pytest.raises(StoreError, match="can be shared by processes"):
        Store.open("mysql://u:p@somewhere/runs")


def test_a_folder_is_refused_as_a_database(path: Path) -> None:
    path.mkdir()
    problem = problem_of(path)
    assert (problem.code, problem.values["cause"]) == ("store_unavailable", Problem("not_a_file"))
    assert f"cannot open the database {path} (not a file); set" in str(StoreError(problem))
    assert contents(path.parent) == {}


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    write_text(tmp_path / "notes")
    assert problem_of(tmp_path / "notes" / "runs.sqlite").code == "store_unavailable"


@contextmanager
def as_somebody_without_privileges() -> Iterator[None]:
    """Run as an unprivileged user, because file modes do not restrict root."""
    if os.getuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.parametrize(
    ("file_mode", "folder_mode"),
    [(0o444, 0o777), (0o000, 0o777), (0o666, 0o555), (None, 0o555)],
    ids=["read-only file", "unreadable file", "file in a read-only folder", "new file in a read-only folder"],
)
def test_a_file_that_cannot_be_written_is_refused_and_untouched(file_mode: int | None, folder_mode: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="batchlab-"))  # other users cannot enter tmp_path
    try:
        path = folder / "runs.sqlite"
        if file_mode is not None:
            a_database_with_a_run(path)
            path.chmod(file_mode)
        folder.chmod(folder_mode)
        before = contents(folder)
        with as_somebody_without_privileges():
            problem = problem_of(path)
        assert problem.code == "store_unavailable"
        assert contents(folder) == before
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me:s3cret-word@127.0.0.1:1/runs",  # nothing listens on this port
        "postgresql+psycopg://me@127.0.0.1:1/runs?password=s3cret-word",
        "postgresql+psycopg://me:s3cret-word@127.0.0.1:port/runs",  # not a URL
        "postgresql+nosuchdriver://me:s3cret-word@127.0.0.1/runs",
        "mysql://me:s3cret-word@127.0.0.1/runs",
        "sqlite://",  # processes cannot share a database in memory
    ],
)
def test_an_unusable_server_is_reported_without_its_password(url: str) -> None:
    problem = problem_of(url)
    assert problem.code == "store_unavailable"
    assert "s3cret-word" not in repr(problem)


def test_a_rejected_password_is_not_repeated(postgresql: str) -> None:
    problem = problem_of(postgresql.replace("never-shown", "s3cret-word"))
    assert problem.code == "store_unavailable"
    assert "authentication failed" in problem.values["cause"]
    assert "s3cret-word" not in repr(problem)


def test_an_open_server_shows_no_password_and_its_address_opens_it_again(postgresql: str) -> None:
    first = Store.open(postgresql)
    assert "never-shown" not in first.where
    second = Store.open(first.address)
    assert second.runs() == first.runs()
    first.close()
    second.close()


def test_a_server_whose_tables_are_newer_is_refused(postgresql: str) -> None:
    opened = open_database(postgresql)
    with opened.writing() as connection:
        connection.execute(text("UPDATE schema SET version = 9"))
    try:
        assert problem_of(postgresql).code == "store_newer"
    finally:
        with opened.writing() as connection:
            connection.execute(text("UPDATE schema SET version = 2"))
        opened.close()


def test_a_database_that_breaks_while_open_is_reported(path: Path) -> None:
    a_database_with_a_run(path)
    store = Store.open(path)
    path.write_bytes(b"no database any more" * 1_000)
    with pytest.raises(StoreError) as caught:
        store.runs()
    assert caught.value.problems[0].code == "store_corrupt"
    store.close()


# Starting with a fresh database.


def test_a_good_database_is_opened_without_an_error(path: Path) -> None:
    a_database_with_a_run(path)
    store, error = open_or_fresh(path)
    assert error is None
    assert store.where == str(path)
    store.close()


def test_a_fresh_file_next_to_a_bad_one_gets_the_next_free_name_and_returns_the_reason(path: Path) -> None:
    write_text(path)
    before = path.read_bytes()
    for name in ("runs-fresh-1.sqlite", "runs-fresh-2.sqlite"):
        store, error = open_or_fresh(path)
        assert error is not None
        assert error.problems[0].code == "store_corrupt"
        assert store.where == str(path.with_name(name))
        store.create("new", RunConfig(), owner="host", session="tab")
        store.close()
    assert path.read_bytes() == before


def test_a_fresh_file_in_the_default_folder_replaces_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "DEFAULT", tmp_path / "default" / "runs.sqlite")
    for url in ("postgresql+psycopg://me@127.0.0.1:1/runs", "what://ever"):
        store, error = open_or_fresh(url)
        assert error is not None
        assert Path(store.where).parent == tmp_path / "default"
        store.close()


def test_a_temporary_folder_is_used_if_no_other_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "notes")
    monkeypatch.setattr(place, "DEFAULT", tmp_path / "notes" / "runs.sqlite")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    store, error = open_or_fresh(tmp_path / "notes" / "runs.sqlite")
    assert error is not None
    assert Path(store.where).parent.parent == tmp_path
    assert Path(store.where).name == "runs-fresh-1.sqlite"
    store.close()


# Migrating.


def add_a_note(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE runs ADD COLUMN note VARCHAR(9) NOT NULL DEFAULT 'none'"))


def write_a_note(connection: Connection) -> None:
    connection.execute(text("UPDATE runs SET note = 'migrated'"))


def fail(connection: Connection) -> None:
    raise RuntimeError("the second step fails")


def test_an_older_database_runs_every_migration_and_keeps_its_runs(address: str) -> None:
    store = Store.open(address)
    store.create("old", RunConfig(), owner="host", session="tab")
    store.close()
    for _ in range(2):  # opening again has nothing to migrate
        newer = open_database(address, migrations=(*MIGRATIONS, add_a_note, write_a_note))
        with newer.reading() as connection:
            assert connection.execute(text("SELECT version FROM schema")).scalar() == 6
            assert connection.execute(text("SELECT id, note FROM runs")).all() == [("old", "migrated")]
        newer.close()
    problem = problem_of(address)
    assert (problem.code, problem.values["version"], problem.values["known"]) == ("store_newer", 6, 4)


def test_a_database_of_version_1_gains_snapshots_and_keeps_its_runs(address: str) -> None:
    store = Store.open(address)
    store.create("old", RunConfig(), owner="host", session="tab")
    store.close()
    as_it_was = open_database(address)
    with as_it_was.writing() as connection:
        connection.execute(text("DROP TABLE comparisons"))
        connection.execute(text("DROP TABLE states"))
        connection.execute(text("ALTER TABLE runs DROP COLUMN parent"))
        connection.execute(text("ALTER TABLE runs DROP COLUMN snapshot"))
        connection.execute(text("UPDATE schema SET version = 1"))
    as_it_was.close()
    store = Store.open(address)
    assert store.run("old").snapshot is None
    seen = Snapshot(7, (3, 1), 100, ((2, 0), (1, 3)), bytes(range(256)))
    store.write("old", [Snapshot(1, (), 0), seen])
    assert store.run("old").snapshot == seen
    store.close()


def test_only_missing_migrations_run(address: str) -> None:
    Store.open(address).close()
    open_database(address, migrations=(*MIGRATIONS, add_a_note)).close()
    newest = open_database(address, migrations=(*MIGRATIONS, fail, write_a_note))
    with newest.reading() as connection:
        assert connection.execute(text("SELECT version FROM schema")).scalar() == 6
    newest.close()


def test_a_failing_migration_rolls_back_the_earlier_ones(path: Path) -> None:
    a_database_with_a_run(path)
    before = contents(path.parent)
    with pytest.raises(RuntimeError, match="second step"):
        open_database(path, migrations=(*MIGRATIONS, add_a_note, fail))
    assert contents(path.parent) == before
