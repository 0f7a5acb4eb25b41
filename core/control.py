"""What a run is asked to do: set by another thread, read by the training loop between micro-batches."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter
from typing import Literal

Command = Literal["pause", "resume", "stop", "one_update", "one_epoch"]
COMMANDS: tuple[Command, ...] = ("pause", "resume", "stop", "one_update", "one_epoch")


class Control:
    """Pause, resume and stop a run from outside.

    The loop reads the plain attribute `attention`, and calls the rest only when it is set.
    """

    def __init__(self, *, paused: bool = False) -> None:
        self._changed = threading.Condition()
        self._allowance: Command | None = None
        self.paused = paused
        self.stop_reason: str | None = None
        self.on_pause: Callable[[bool], None] = lambda paused: None  # called by the loop's thread: True, then False
        self.paused_s = 0.0
        self.attention = paused  # one attribute read per micro-batch is all a running loop pays

    def request(self, command: Command, *, reason: str = "asked") -> None:
        """Ask for something. `reason` (a code) is kept for "stop"; a later stop does not change the first one's."""
        with self._changed:
            if command == "stop":
                self.stop_reason = self.stop_reason or reason
            elif command == "resume":
                self.paused, self._allowance = False, None
            elif command == "pause":
                self.paused = True
            else:
                self.paused, self._allowance = False, command
            self.attention = self.paused or self.stop_reason is not None or self._allowance is not None
            self._changed.notify_all()

    def update_done(self, *, epoch_done: bool) -> None:
        """Note the end of an update: what was allowed once is used up and the run pauses again."""
        with self._changed:
            if self._allowance == "one_update" or (self._allowance == "one_epoch" and epoch_done):
                self.paused, self._allowance = True, None

    def wait_while_paused(self) -> bool:
        """Block while paused; return whether the run should stop."""
        if self.paused and self.stop_reason is None:
            began = perf_counter()
            self.on_pause(True)
            with self._changed:
                self._changed.wait_for(lambda: not self.paused or self.stop_reason is not None)
            self.on_pause(False)
            self.paused_s += perf_counter() - began
        return self.stop_reason is not None
