"""Define the tables of the database and the migrations from each schema version to the next."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

METADATA = MetaData()
Number = BigInteger().with_variant(Integer, "sqlite")  # SQLite assigns row numbers only to INTEGER primary keys


def _run_id() -> Column[str]:
    return Column("run_id", String(64), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False)


schema = Table("schema", METADATA, Column("version", Integer, nullable=False))

# JSON is stored as text: a diverged run holds NaN and Infinity, which PostgreSQL's JSON and SQLite's REAL reject.
runs = Table(
    "runs",
    METADATA,
    Column("number", Number, primary_key=True),  # order of creation, independent of the clock
    Column("id", String(64), nullable=False, unique=True),
    Column("created_s", Double, nullable=False),  # Unix time
    Column("owner", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("pinned", Boolean, nullable=False, default=False),
    Column("config", Text, nullable=False),
    Column("facts", Text, nullable=False, default="{}"),
    Column("peak", Text),
    Column("ended", Text),
    Column("snapshot", Text),
    Column("parent", String(64)),  # the run that this one continues; that run may have been deleted
)

states = Table(
    "states",
    METADATA,
    Column("run_id", String(64), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("payload", LargeBinary, nullable=False),  # written by `core.train.continuation`
)

chunks = Table(
    "chunks",
    METADATA,
    Column("id", Number, primary_key=True),
    _run_id(),
    Column("first", BigInteger, nullable=False),  # updates before the chunk
    Column("updates", Integer, nullable=False),
    Column("layout", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # written by `core.store.packing`
    Column("rss_bytes", BigInteger, nullable=False),
    Column("peak_bytes", BigInteger, nullable=False),
    Index("chunks_of_run", "run_id", "id"),
)

epochs = Table(
    "epochs",
    METADATA,
    Column("id", Number, primary_key=True),
    _run_id(),
    Column("epoch", Text, nullable=False),
    Index("epochs_of_run", "run_id", "id"),
)

# A comparison is a run with several configurations. Its row in `runs` holds the first, this table the whole setup.
comparisons = Table(
    "comparisons",
    METADATA,
    Column("run_id", String(64), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("setup", Text, nullable=False),
    Column("courses", LargeBinary),  # written by `core.comparison.course`; only the latest is kept
)


def _add_snapshot(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE runs ADD COLUMN snapshot TEXT"))


def _add_parent(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE runs ADD COLUMN parent VARCHAR(64)"))
    states.create(connection)


def _add_comparisons(connection: Connection) -> None:
    comparisons.create(connection)


Migration = Callable[[Connection], None]
# The first migrates version 1 to 2. All run in one transaction.
MIGRATIONS: tuple[Migration, ...] = (_add_snapshot, _add_parent, _add_comparisons)
