"""Read what the commands have in common: files that can be read and written, and the first of a row of seeds."""

from __future__ import annotations

from pathlib import Path

from core.words.errors import ConfigError, Problem

MOST_SEED = 1_000_000


def check_writable(path: Path) -> None:
    """Raise ConfigError for a file that cannot be written; what is in it stays until there is something new."""
    try:
        path.open("ab").close()
    except (OSError, ValueError) as error:
        raise not_writable(path, error) from None


def not_writable(path: Path, error: OSError | ValueError) -> ConfigError:
    return ConfigError(Problem("not_writable", {"value": str(path), "cause": cause(error)}))


def cause(error: OSError | ValueError) -> str:
    """Return why, in the system's words where it has some."""
    return getattr(error, "strerror", None) or str(error)


def read_text(path: Path) -> str:
    """Return the text of a file. Raises ConfigError."""
    try:
        return path.read_text()
    except (OSError, ValueError) as error:  # no text is a ValueError
        raise ConfigError(Problem("not_readable", {"value": str(path), "cause": cause(error)})) from None


def first_seed(given: str) -> int:
    """Return the first of a row of seeds. Raises ConfigError unless it is a whole number up to MOST_SEED."""
    try:
        seed: int | str = int(given)
    except ValueError:
        seed = given
    if isinstance(seed, str) or not 0 <= seed <= MOST_SEED:
        raise ConfigError(Problem("not_whole", {"field": "seed", "value": seed, "low": 0, "high": MOST_SEED}))
    return seed
