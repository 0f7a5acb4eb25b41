"""Save one finished run in a small file that can be read without a database."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Column, LargeBinary, Table, select

from core.run.config import RunConfig
from core.run.events import Epoch
from core.store import Chunk, RunRecord, packing
from core.store.database import open_database
from core.store.records import record_of
from core.store.schema import chunks, epochs, runs
from core.words.errors import BatchLabError, Problem, StoreError

CONFIG = RunConfig(memory_limit_mb=4)
RUN_ID = "recorded"
PATH = Path(__file__).with_name("recorded.json")
TABLES = (runs, chunks, epochs)
# The file does not reveal who recorded it or where.
REPLACED: dict[str, dict[str, str]] = {
    "runs": {"id": RUN_ID, "owner": "", "session": ""},
    "chunks": {"run_id": RUN_ID},
    "epochs": {"run_id": RUN_ID},
}
LEFT_OUT = {"pid"}  # names of facts


class Recording:
    """The run in a file, with the id RUN_ID and its date: a source for `core.store.reader`.

    Raises KeyError, ValueError, TypeError or ConfigError unless the values describe one finished run.
    """

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        self.where = where
        self.date = date.fromisoformat(values["date"])
        (run,) = _rows(runs, values)
        self._run = record_of(run)
        self._chunks = [_chunk_of(row) for row in _rows(chunks, values)]
        self._epochs = [(row.id, packing.epoch_from_json(row.epoch)) for row in _rows(epochs, values)]
        digest = hashlib.sha256(b"".join(chunk.updates.losses.tobytes() for chunk in self._chunks)).hexdigest()
        if self._run.ended is None or self._run.ended.losses_sha256 != digest:
            raise ValueError("the losses are not those of their hash")

    def run(self, run_id: str) -> RunRecord | None:
        return self._run if run_id == RUN_ID else None

    def chunks_after(self, run_id: str, last_id: int = 0, *, limit: int | None = None) -> list[Chunk]:
        return [chunk for chunk in self._chunks if run_id == RUN_ID and chunk.id > last_id][:limit]

    def epochs_after(self, run_id: str, last_id: int = 0) -> list[tuple[int, Epoch]]:
        return [(row_id, epoch) for row_id, epoch in self._epochs if run_id == RUN_ID and row_id > last_id]


@cache
def load(path: Path = PATH) -> Recording | None:
    """Return the recorded run, cached; None if there is no file. Raises StoreError (recording_damaged)."""
    try:
        return Recording(str(path), json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, BatchLabError) as error:
        cause = f"{type(error).__name__}: {error}"
        raise StoreError(Problem("recording_damaged", {"where": str(path), "cause": cause})) from error


def write(database: Path, path: Path) -> bool:
    """Write the only run of a database to a file, with all columns.

    Returns False without writing anything if the run has not finished. Raises StoreError and OSError.
    """
    opened = open_database(database)
    try:
        with opened.reading() as connection:
            queries = {table.name: select(table).order_by(*table.primary_key) for table in TABLES}
            rows = {name: [dict(row) for row in connection.execute(queries[name]).mappings()] for name in queries}
    finally:
        opened.close()
    (run,) = rows["runs"]
    if run["state"] != "finished":
        return False
    facts = json.loads(run["facts"])
    run["facts"] = json.dumps({name: fact for name, fact in facts.items() if name not in LEFT_OUT})
    values: dict[str, Any] = {"date": datetime.fromtimestamp(run["created_s"], UTC).date().isoformat()}
    for table in TABLES:
        values[table.name] = [
            {column.name: _to_json(column, (row | REPLACED[table.name])[column.name]) for column in table.columns}
            for row in rows[table.name]
        ]
    path.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n")
    return True


def _rows(table: Table, values: Mapping[str, Any]) -> list[Any]:
    """Return rows as a database would; columns that are newer than the file are None."""
    return [
        SimpleNamespace(**{column.name: _from_json(column, row) for column in table.columns})
        for row in values[table.name]
    ]


def _from_json(column: Column[Any], row: Mapping[str, Any]) -> Any:
    value = row.get(column.name) if column.nullable else row[column.name]
    return base64.b64decode(value, validate=True) if value is not None and _is_binary(column) else value


def _to_json(column: Column[Any], value: Any) -> Any:
    return base64.b64encode(value).decode() if value is not None and _is_binary(column) else value


def _is_binary(column: Column[Any]) -> bool:
    return isinstance(column.type, LargeBinary)


def _chunk_of(row: Any) -> Chunk:
    updates = packing.unpack(row.payload, layout=row.layout, first=row.first, count=row.updates)
    return Chunk(row.id, updates, row.rss_bytes, row.peak_bytes)
