"""Name the place of a database: a file or a server, and what may be said of it on a screen."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import exc
from sqlalchemy.engine import URL, make_url

from core.words.errors import Problem, StoreError

ENVIRONMENT = "BATCHLAB_DATABASE"
DEFAULT = Path(__file__).resolve().parents[2] / ".batchlab" / "runs.sqlite"

Place = Path | URL


def find(where: str | Path | None = None) -> Place:
    """Return the file or server that `where` names. Raises StoreError if it names neither."""
    text = str(where or os.environ.get(ENVIRONMENT) or DEFAULT)
    if "://" not in text:
        return _file(text)
    try:
        url = make_url(text)
    except (exc.ArgumentError, ValueError):  # whatever stands there may hold a password
        scheme = text.partition("://")[0]
        values = {"where": f"{scheme}://...", "cause": "not a database URL"}
        raise StoreError(Problem("store_unavailable", values)) from None
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return _file(str(url.database))
    if backend != "postgresql":
        raise error_of("store_unavailable", url, cause="only SQLite files and PostgreSQL can be shared by processes")
    return url


def _file(name: str) -> Path:
    path = Path(name)
    if "\0" in name:
        raise error_of("store_unavailable", path, cause="the name has a zero byte")
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:  # ~somebody who is not known here
        raise error_of("store_unavailable", path, cause=str(error)) from None


def claim_fresh_file(where: str | Path | None) -> Path:
    """Create and return an empty file for a database beside the one that `where` names, or as near as can be written.

    Raises OSError if there is no place left.
    """
    try:
        place = find(where)
    except StoreError:
        place = DEFAULT
    beside = place if isinstance(place, Path) else DEFAULT
    for folder in (beside.parent, DEFAULT.parent):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return _claim(folder, beside)
        except OSError:
            continue
    return _claim(Path(tempfile.mkdtemp(prefix="batchlab-")), beside)


def _claim(folder: Path, beside: Path) -> Path:
    number = 1
    while True:
        path = folder / f"{beside.stem}-fresh-{number}{beside.suffix}"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return path


def error_of(code: str, place: Place, **values: Any) -> StoreError:
    """Return an error about the database at a place, to be raised."""
    return StoreError(Problem(code, {"where": shown(place), **values}))


def shown(place: Place) -> str:
    """Name a place without its password, which may also stand in the query of a URL."""
    return str(place) if isinstance(place, Path) else place.set(query={}).render_as_string(hide_password=True)


def secrets(place: Place) -> list[str]:
    """Return what must not be shown of a place."""
    if isinstance(place, Path):
        return []
    query = [value for key, value in place.query.items() if "password" in key]
    return [value for value in (place.password, *query) if isinstance(value, str) and value]
