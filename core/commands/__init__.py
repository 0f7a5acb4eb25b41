"""The commands of `python -m core`, one module each; `core.__main__` lists them and runs the one it is given.

A command is a module with `add_flags` and `run`. Its help texts are in words/en/commands.toml. Modules that several
commands share: run_flags (the fields of a RunConfig), file_arguments, json_lines and tables. What loads torch is
imported inside `run`, after the flags have been checked, so that help and errors appear at once.
"""

from __future__ import annotations

import argparse
from typing import Protocol


class Command(Protocol):
    """What `core.__main__` needs from a command. The modules of this package provide it."""

    def add_flags(self, parser: argparse.ArgumentParser, /) -> None:
        """Add the flags of the command."""

    def run(self, options: argparse.Namespace, /) -> int:
        """Run the command and return its exit status. Raises BatchLabError for input that it refuses."""
