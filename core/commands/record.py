"""Run `python -m core record`: train the default setup and save the run in a file that ships with Batch Lab."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from core.commands.file_arguments import check_writable, not_writable
from core.commands.train import EXIT, train
from core.store import recorded
from core.words.catalogue import catalogue


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `record`."""
    parser.add_argument(
        "--output", type=Path, default=recorded.PATH, metavar="FILE", help=catalogue().say("command.record.output")
    )


def run(options: argparse.Namespace) -> int:
    """Train, and replace the file if the run finished; return the exit status of the training."""
    output: Path = options.output
    check_writable(output)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "runs.sqlite"
        status = train(recorded.CONFIG, losses=None, database=str(database))
        try:
            return status if recorded.write(database, output) else status or EXIT["failed"]
        except OSError as error:  # the disk is full
            raise not_writable(output, error) from None
