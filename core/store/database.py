"""Open a database of runs: check it before changing it, create or migrate it, and report why it cannot be used."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, exc, func, insert, inspect, select, update
from sqlalchemy.engine import URL

from core.store.place import Place, error_of, find, secrets, shown
from core.store.schema import METADATA, MIGRATIONS, Migration, schema
from core.words.errors import ConfigError, Problem

WAIT_S = 5
LOG_SUFFIXES = ("-wal", "-journal")  # suffixes of the files in which SQLite keeps changes not yet in the database file
MAGIC = b"SQLite format 3\0"
MIGRATION_LOCK = 0x62617463686C6162  # "batchlab": PostgreSQL's advisory lock for creating and migrating tables


class Database:
    """An open database with read and write transactions. Its failures are raised as StoreError.

    Threads may share it, but it must not cross a fork. `address` opens the database again and may hold a password;
    `where` is its display name without the password.
    """

    def __init__(self, place: Place, engine: Engine) -> None:
        self.address = str(place) if isinstance(place, Path) else place.render_as_string(hide_password=False)
        self.where = shown(place)
        self._place = place
        self.engine = engine
        self._writer = engine.execution_options(writes=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with _translated(self._place), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield an exclusive write transaction; commit it at the end, or roll it back after an exception."""
        with _translated(self._place), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def understanding(self) -> Iterator[None]:
        """Raise StoreError (store_corrupt) for any error in decoding the values of a row."""
        try:
            yield
        except (ConfigError, ValueError, TypeError, KeyError, AttributeError) as error:
            cause = f"{type(error).__name__}: {error}"
            raise error_of("store_corrupt", self._place, cause=cause) from error

    def check(self) -> None:
        """Read a row of each table, which fails if a column is missing or a page cannot be read."""
        with self.reading() as connection:
            for table in METADATA.sorted_tables:
                connection.execute(select(table).limit(1)).all()

    def close(self) -> None:
        self.engine.dispose()


def open_database(where: str | Path | None = None, *, migrations: tuple[Migration, ...] = MIGRATIONS) -> Database:
    """Open the database at a path or URL and create or migrate it.

    None means BATCHLAB_DATABASE, or else the default file. Raises StoreError (store_newer, store_corrupt,
    store_unavailable) without having changed anything.
    """
    place = find(where)
    with _translated(place):
        return _retrying(lambda: _open(place, migrations))


def _open(place: Place, migrations: tuple[Migration, ...]) -> Database:
    if isinstance(place, Path):
        _refuse_unusable_file(place, known=1 + len(migrations))
    database = _connect(place)
    try:
        _prepare(database.engine, place, migrations)
    except BaseException:
        database.close()
        raise
    return database


def _connect(place: Place) -> Database:
    return Database(place, _file_engine(place) if isinstance(place, Path) else _server_engine(place))


def _retrying(work: Callable[[], Database]) -> Database:
    """Retry `work` for up to WAIT_S while another process is creating the same database.

    SQLite waits for locks, except while switching to WAL mode. A journal may also vanish while it is being copied.
    """
    until = time.monotonic() + WAIT_S
    while True:
        try:
            return work()
        except FileNotFoundError as error:
            if not str(error.filename).endswith(LOG_SUFFIXES) or time.monotonic() > until:
                raise
        except (sqlite3.OperationalError, exc.OperationalError) as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(0.01)


def attach_database(address: str) -> Database:
    """Open a database that another process has already checked, without reading it.

    Raises StoreError if `address` is not valid.
    """
    return _connect(find(address))


def _refuse_unusable_file(path: Path, *, known: int) -> None:
    """Raise StoreError if a file cannot be used, reading it without leaving a trace."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        if not path.is_file():
            raise error_of("store_unavailable", path, cause=Problem("not_a_file"))
        with path.open("rb") as file:
            if file.read(len(MAGIC)) not in (b"", MAGIC):  # SQLite would treat a file of a few bytes as empty
                raise error_of("store_corrupt", path, cause=Problem("not_a_database"))
        with _read_only_uri(path) as uri:
            reader = create_engine("sqlite://", creator=lambda: sqlite3.connect(uri, uri=True), poolclass=NullPool)
            with reader.connect() as connection:
                version = _stored_version(connection, path)
        if version is not None and version > known:
            raise error_of("store_newer", path, version=version, known=known)
        if not os.access(path, os.W_OK):
            raise error_of("store_unavailable", path, cause=Problem("file_read_only"))


@contextmanager
def _read_only_uri(path: Path) -> Iterator[str]:
    """Yield a URI that reads a file without leaving a trace.

    Even a reader creates -wal and -shm files for a database in WAL mode unless it opens the file as immutable. It must
    not do that if a -wal file exists, because that file holds the newest pages.
    """
    logs = [Path(f"{path}{suffix}") for suffix in LOG_SUFFIXES if Path(f"{path}{suffix}").exists()]
    if not logs:
        yield path.as_uri() + "?immutable=1"
    elif Path(f"{path}-shm").exists():
        yield path.as_uri() + "?mode=ro"
    else:  # the last process crashed, and opening the file would make SQLite recover it
        with tempfile.TemporaryDirectory() as folder:
            for file in (path, *logs):
                shutil.copy(file, folder)
            yield Path(folder, path.name).as_uri()


def _file_engine(path: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": WAIT_S})

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # `begin` below starts transactions, not the driver
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads and then writes would fail immediately, without waiting, if another process wrote
        # in between: https://www.sqlite.org/lang_transaction.html
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _server_engine(url: URL) -> Engine:
    return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": WAIT_S})


def _prepare(engine: Engine, place: Place, migrations: tuple[Migration, ...]) -> None:
    """Create the tables or migrate them to the current version, in one transaction."""
    known = 1 + len(migrations)
    with engine.connect() as connection:
        version = _stored_version(connection, place)
    if version == known:
        return
    with engine.execution_options(writes=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        version = _stored_version(connection, place)  # another process may have migrated it in the meantime
        if version is None:
            METADATA.create_all(connection)
            connection.execute(insert(schema).values(version=known))
        elif version > known:
            raise error_of("store_newer", place, version=version, known=known)
        else:
            for migrate in migrations[version - 1 :]:
                migrate(connection)
            connection.execute(update(schema).values(version=known))


def _stored_version(connection: Connection, place: Place) -> int | None:
    """Return the version of a database; None if it is empty. Raises StoreError if another program made it."""
    tables = set(inspect(connection).get_table_names())
    if {"schema", "runs"} <= tables:
        columns = {column["name"] for column in inspect(connection).get_columns("schema")}
        versions = connection.execute(select(schema.c.version)).scalars().all() if "version" in columns else []
        if len(versions) == 1 and isinstance(versions[0], int) and versions[0] >= 1:
            return versions[0]
    # A server's database may hold tables of other programs, a file may not.
    elif not (tables if isinstance(place, Path) else tables & METADATA.tables.keys()):
        return None
    raise error_of("store_corrupt", place, cause=Problem("foreign_database"))


@contextmanager
def _translated(place: Place) -> Iterator[None]:
    try:
        yield
    except (OSError, ImportError, exc.ArgumentError, exc.TimeoutError, exc.InterfaceError) as error:
        raise error_of("store_unavailable", place, cause=_cause(error, place)) from None
    except (sqlite3.OperationalError, exc.OperationalError) as error:
        raise error_of("store_unavailable", place, cause=_cause(error, place)) from None
    except (sqlite3.DatabaseError, exc.DatabaseError) as error:
        plain = error.orig if isinstance(error, exc.DatabaseError) else error
        if type(plain) is not sqlite3.DatabaseError:  # subclasses mean wrong SQL, which is a defect here
            raise
        raise error_of("store_corrupt", place, cause=_cause(error, place)) from None


def _cause(error: Exception, place: Place) -> str:
    """Return a driver's message without the password that it may repeat."""
    text = str(error.orig if isinstance(error, exc.DBAPIError) and error.orig else error).strip()
    for secret in secrets(place):
        text = text.replace(secret, "***")
    return text
