"""Run a command in the process of the tests, which has imported torch."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

from core.__main__ import main


@dataclass(frozen=True)
class Result:
    status: int
    lines: list[dict[str, Any]]
    stderr: str


def here(*arguments: object) -> Result:
    with signals_restored(), redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = main([*map(str, arguments)])
    return Result(status, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue())


@contextmanager
def signals_restored() -> Iterator[None]:
    """Restore the signal handlers, which the command replaces."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), handlers, strict=True):
            signal.signal(number, handler)
