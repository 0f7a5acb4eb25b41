"""Run the command line: parse `python -m core COMMAND ...`, run the command and return its exit status."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from core.commands import Command, claims, compare, predict, record, schedules, train
from core.words.catalogue import catalogue
from core.words.errors import BatchLabError

# In the order of `--help`.
COMMANDS: dict[str, Command] = {
    "train": train,
    "predict": predict,
    "compare": compare,
    "claims": claims,
    "schedules": schedules,
    "record": record,
}
BAD_INPUT = 2
NEGATIVE = re.compile(r"-(\d|\.\d|inf|nan).*")


class Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{_one_line(message)}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name and return its exit status."""
    options = _parser().parse_args(_with_numbers_joined(sys.argv[1:] if arguments is None else arguments))
    try:
        return COMMANDS[options.command].run(options)
    except BatchLabError as error:
        print(_one_line(str(error)), file=sys.stderr)
        return BAD_INPUT


def _parser() -> Parser:
    words = catalogue()
    parser = Parser(prog="python -m core", description=words.say("command.about"), allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    for name, command in COMMANDS.items():
        purpose = words.say(f"command.{name}")
        command.add_flags(commands.add_parser(name, help=purpose, description=purpose, allow_abbrev=False))
    return parser


def _with_numbers_joined(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with "--lr", "-1e-3" as "--lr=-1e-3"; argparse would take the number for a flag."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1].startswith("--") and "=" not in joined[-1] and NEGATIVE.fullmatch(argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _one_line(text: str) -> str:
    """Return the text with line breaks and other control characters escaped as in a Python string."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


if __name__ == "__main__":
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end silently when the reader closes the pipe
    sys.exit(main())
