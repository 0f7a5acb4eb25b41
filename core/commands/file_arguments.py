"""Read and check the files named on the command line, and refuse them with the system's reason."""

from __future__ import annotations

from pathlib import Path

from core.words.errors import ConfigError, Problem


def check_writable(path: Path) -> None:
    """Raise ConfigError for a file that cannot be written. Its content stays unchanged."""
    try:
        path.open("ab").close()
    except (OSError, ValueError) as error:
        raise not_writable(path, error) from None


def not_writable(path: Path, error: OSError | ValueError) -> ConfigError:
    """Return the error to raise for a file that could not be written."""
    return ConfigError(Problem("not_writable", {"value": str(path), "cause": cause(error)}))


def cause(error: OSError | ValueError) -> str:
    """Return the system's reason for an error, or the text of the error if it has none."""
    return getattr(error, "strerror", None) or str(error)


def read_text(path: Path) -> str:
    """Return the text of a file. Raises ConfigError."""
    try:
        return path.read_text()
    except (OSError, ValueError) as error:  # a binary file raises ValueError
        raise ConfigError(Problem("not_readable", {"value": str(path), "cause": cause(error)})) from None
