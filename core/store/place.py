"""Locate a database, in a file or on a server, and describe it without its password."""

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
    except (exc.ArgumentError, ValueError):  # the text may hold a password, so the message leaves it out
        scheme = text.partition("://")[0]
        values = {"where": f"{scheme}://...", "cause": Problem("not_a_database_url")}
        raise StoreError(Problem("store_unavailable", values)) from None
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return _file(str(url.database))
    if backend != "postgresql":
        raise error_of("store_unavailable", url, cause=Problem("database_unsupported"))
    return url


def _file(name: str) -> Path:
    path = Path(name)
    if "\0" in name:
        raise error_of("store_unavailable", path, cause=Problem("zero_byte"))
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:  # "~name" for a user that this machine does not have
        raise error_of("store_unavailable", path, cause=str(error)) from None


def claim_fresh_file(where: str | Path | None) -> Path:
    """Create an empty database file next to the one that `where` names and return its path.

    If that folder cannot be written, the default folder and then a temporary one are tried. Raises OSError if all fail.
    """
    try:
        place = find(where)
    except StoreError:
        place = DEFAULT
    original = place if isinstance(place, Path) else DEFAULT
    for folder in (original.parent, DEFAULT.parent):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return _claim(folder, original)
        except OSError:
            continue
    return _claim(Path(tempfile.mkdtemp(prefix="batchlab-")), original)


def _claim(folder: Path, original: Path) -> Path:
    number = 1
    while True:
        path = folder / f"{original.stem}-fresh-{number}{original.suffix}"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return path


def error_of(code: str, place: Place, **values: Any) -> StoreError:
    """Return, without raising it, an error about the database at a place."""
    return StoreError(Problem(code, {"where": shown(place), **values}))


def shown(place: Place) -> str:
    """Return the name of a place without its password, which a URL may also hold in its query."""
    return str(place) if isinstance(place, Path) else place.set(query={}).render_as_string(hide_password=True)


def secrets(place: Place) -> list[str]:
    """Return the passwords in a place, which must not be shown."""
    if isinstance(place, Path):
        return []
    query = [value for key, value in place.query.items() if "password" in key]
    return [value for value in (place.password, *query) if isinstance(value, str) and value]
