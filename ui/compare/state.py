"""Keep what the page of comparisons remembers between two script runs."""

from __future__ import annotations

from dataclasses import dataclass

from core.host.process import Answer
from core.run.config import RunConfig
from core.words.errors import Problem


@dataclass
class CompareState:
    """What the page describes, which comparison it shows, and the weights that are followed for it."""

    arms: tuple[RunConfig, ...] | None = None  # None until the page is first opened
    preset: str | None = None  # the preset that the arms come from
    changed: bool = False  # the arms were changed and nothing has been started with them since
    recorded: bool = False  # the shipped comparison is shown until another one starts
    wanted: bool = False  # a start was requested
    id: str | None = None  # of the comparison that is shown
    unread: bool = False  # the page still has to take over its arms
    notice: str = ""  # the part of the URL that could not be used
    trouble: tuple[Problem, ...] = ()  # why the last start failed
    lost: tuple[Problem, ...] = ()  # why the comparison cannot be read at the moment
    paths: Answer | None = None  # the weights of the arms
    paths_of: str = ""  # the comparison that they belong to, as JSON
    paths_waited: bool = False  # the last full run drew a timer for them
