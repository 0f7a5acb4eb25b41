"""Read whole lines from standard input as they come, together with other things to wait for."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from multiprocessing.connection import Connection
from typing import TextIO


class Lines:
    """Hand out the complete lines received; `waitable` is what `multiprocessing.connection.wait` watches."""

    def __init__(self, stream: TextIO) -> None:
        self._rest = b""
        self.waitable: int | Connection = stream.fileno()
        if sys.platform == "win32":  # where plain pipes cannot be waited for; nothing is ever forked there
            self.waitable, pump = multiprocessing.Pipe(duplex=False)
            threading.Thread(target=_pump, args=(stream.fileno(), pump), daemon=True).start()

    def read(self) -> list[bytes] | None:
        """Return the lines completed since the last call, or None at end of file. Blocks until something came."""
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
