"""Control a run from another thread. The training loop checks for requests between micro-batches."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from time import perf_counter
from typing import Literal

Command = Literal["pause", "resume", "stop", "one_update", "one_epoch"]
COMMANDS: tuple[Command, ...] = ("pause", "resume", "stop", "one_update", "one_epoch")
FULL_SPEED = math.inf  # the pace of a run that never waits


class Control:
    """Pause, resume, slow down and stop a run from outside.

    `pace` is the most updates that the run makes per second. The loop reads the plain attribute `attention` and calls
    the methods only if it is set.
    """

    def __init__(self, *, paused: bool = False, pace: float = FULL_SPEED) -> None:
        self._changed = threading.Condition()
        self._updates = 0  # updates still allowed before the run pauses again; each request adds one
        self._epoch = False  # whether the run may continue to the end of the epoch before it pauses again
        self._used_up = False  # whether the run pauses once the current update's epoch is closed
        self.paused, self.pace = paused, pace
        self._allowed_s = -math.inf  # when the newest update was allowed to begin
        self.stop_reason: str | None = None
        self.on_pause: Callable[[bool], None] = lambda paused: None  # called in the loop's thread: True, then False
        self.paused_s = 0.0  # time spent paused or waiting for the pace
        self.attention = paused or pace < FULL_SPEED  # a running loop pays one attribute read per micro-batch

    def request(self, command: Command, *, reason: str = "asked") -> None:
        """Send a command to the run. `reason` is the code of a stop; a later stop does not replace it."""
        with self._changed:
            if command == "stop":
                self.stop_reason = self.stop_reason or reason
            else:
                self.paused, self._used_up = command == "pause", False
                self._updates = self._updates + 1 if command == "one_update" else 0
                self._epoch = command == "one_epoch" or (self._epoch and command == "one_update")
            self._pay_attention()

    def set_pace(self, pace: float) -> None:
        """Change the pace of the run, which also ends or shortens a wait for the next update."""
        with self._changed:
            self.pace = pace
            self._pay_attention()

    def _pay_attention(self) -> None:
        allowed = self._updates > 0 or self._epoch
        self.attention = self.paused or self.stop_reason is not None or allowed or self.pace < FULL_SPEED
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
        """Pause if the allowed updates are used up; otherwise wait until the pace allows the next update.

        Call it before an update. A pause, a stop and a request for one update end the wait.
        """
        began = perf_counter()
        with self._changed:
            self.paused, self._used_up = self.paused or self._used_up, False
            while not (self.paused or self.stop_reason or self._updates):
                early_s = self._allowed_s + 1 / self.pace - perf_counter()
                if early_s <= 0:
                    break
                self._changed.wait(early_s)
            self._allowed_s = perf_counter()
        self.paused_s += self._allowed_s - began

    def wait_while_paused(self) -> bool:
        """Block while paused; return whether the run should stop."""
        if self.paused and self.stop_reason is None:
            began = perf_counter()
            self.on_pause(True)
            with self._changed:
                self._changed.wait_for(lambda: not self.paused or self.stop_reason is not None)
            self.on_pause(False)
            self._allowed_s = perf_counter()  # the next update begins now
            self.paused_s += self._allowed_s - began
        return self.stop_reason is not None
