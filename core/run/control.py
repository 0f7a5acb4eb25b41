"""Control a run from another thread. The training loop checks for requests between micro-batches."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter
from typing import Literal

Command = Literal["pause", "resume", "stop", "one_update", "one_epoch"]
COMMANDS: tuple[Command, ...] = ("pause", "resume", "stop", "one_update", "one_epoch")


class Control:
    """Pause, resume and stop a run from outside.

    The loop reads the plain attribute `attention` and calls the methods only if it is set.
    """

    def __init__(self, *, paused: bool = False) -> None:
        self._changed = threading.Condition()
        self._updates = 0  # updates still allowed before the run pauses again; each request adds one
        self._epoch = False  # whether the run may continue to the end of the epoch before it pauses again
        self._used_up = False  # whether the run pauses once the current update's epoch is closed
        self.paused = paused
        self.stop_reason: str | None = None
        self.on_pause: Callable[[bool], None] = lambda paused: None  # called in the loop's thread: True, then False
        self.paused_s = 0.0
        self.attention = paused  # a running loop pays one attribute read per micro-batch

    def request(self, command: Command, *, reason: str = "asked") -> None:
        """Send a command to the run. `reason` is the code of a stop; a later stop does not replace it."""
        with self._changed:
            if command == "stop":
                self.stop_reason = self.stop_reason or reason
            else:
                self.paused, self._used_up = command == "pause", False
                self._updates = self._updates + 1 if command == "one_update" else 0
                self._epoch = command == "one_epoch" or (self._epoch and command == "one_update")
            allowed = self._updates > 0 or self._epoch
            self.attention = self.paused or self.stop_reason is not None or allowed
            self._changed.notify_all()

    def update_done(self, *, epoch_done: bool) -> None:
        """Count an update against what single-update and single-epoch commands have allowed."""
        with self._changed:
            if self._epoch and epoch_done:
                self._updates, self._epoch, self._used_up = 0, False, True
            elif self._updates and not self._epoch:
                self._updates -= 1
                self._used_up = self._updates == 0

    def rest(self) -> None:
        """Pause if the allowed updates are used up. Call it once everything that belongs to the update is done."""
        with self._changed:
            self.paused, self._used_up = self.paused or self._used_up, False

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
