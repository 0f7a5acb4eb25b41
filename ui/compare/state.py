"""Hold what the page of comparisons remembers between two script runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.comparison.setup import Arm
from core.host.process import Answer
from core.words.errors import Problem


@dataclass(frozen=True)
class Notice:
    """Something that the URL named and the page cannot use.

    `code` picks the sentence ("compare.notice.unknown"), `value` is what the URL said, and `problems` say why.
    """

    code: str
    value: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass
class CompareState:
    """The comparison that the page describes, the one that it shows, and the weights that are followed for it."""

    arms: tuple[Arm, ...] | None = None  # None until the page is first opened
    preset: str | None = None  # the preset that the arms come from
    removed: tuple[int, Arm] | None = None  # the arm that was removed last, and its place
    recorded: str | None = None  # the preset whose recording is shown until a comparison starts
    written: str | None = None  # the preset that the page last wrote into the URL
    wanted: bool = False  # a start was requested
    id: str | None = None  # the comparison that is shown
    unread: bool = False  # the page still has to take over its arms
    guesses: dict[str, int] = field(default_factory=dict)  # the arm that was guessed, by what was shown
    notice: Notice | None = None  # the part of the URL that could not be used
    trouble: tuple[Problem, ...] = ()  # why the last start failed
    lost: tuple[Problem, ...] = ()  # why the comparison cannot be read at the moment
    paths: Answer | None = None  # the weights of the arms
    paths_of: str = ""  # the comparison that they belong to, as JSON
    paths_waited: bool = False  # the last full run drew a timer for them

    @property
    def shown(self) -> str:
        """What is shown: the id of a comparison, or the preset of a recording."""
        return self.id or self.recorded or ""
