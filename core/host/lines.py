"""Read complete lines from standard input while waiting for other objects too."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from multiprocessing.connection import Connection
from typing import TextIO


class LineReader:
    """Collect complete lines. Pass `waitable` to `multiprocessing.connection.wait`."""

    def __init__(self, stream: TextIO) -> None:
        self._rest = b""
        self.waitable: int | Connection = stream.fileno()
        if sys.platform == "win32":  # Windows cannot wait for plain pipes; a thread is safe there, as nothing forks
            self.waitable, pump = multiprocessing.Pipe(duplex=False)
            threading.Thread(target=_pump, args=(stream.fileno(), pump), daemon=True).start()

    def read(self) -> list[bytes] | None:
        """Block until input arrives; return the lines completed since the last call, None at end of file."""
        source = self.waitable
        received = os.read(source, 1 << 16) if isinstance(source, int) else source.recv_bytes()
        if not received:
            return None
        *lines, self._rest = (self._rest + received).split(b"\n")
        return lines


def _pump(descriptor: int, to: Connection) -> None:
    while received := os.read(descriptor, 1 << 16):
        to.send_bytes(received)
    to.send_bytes(b"")
