"""Train, predict, compare, test claims or record without a screen: `python -m core train ...` and so on."""

from __future__ import annotations

import argparse
import json
import math
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from core.commands import (
    claims as claims_command,
)
from core.commands import (
    compare as compare_command,
)
from core.commands import (
    predict as predict_command,
)
from core.commands import (
    schedules as schedules_command,
)
from core.commands.file_arguments import cause, check_writable, not_writable
from core.commands.tables import table
from core.run import machine
from core.run.choices.datasets import DATA
from core.run.config import FIELDS, RunConfig
from core.run.control import Control
from core.run.events import Ended, EndState, Epoch, Event, Peak, Started, Updates
from core.run.fields import CHOICES, FLAGS, INTEGERS, NUMBERS
from core.run.plan import plan
from core.store import Store, new_run_id, recorded
from core.words.errors import BatchLabError, ConfigError, Problem

EXIT: dict[EndState, int] = {"finished": 0, "stopped": 0, "out_of_memory": 3, "diverged": 4, "failed": 1}
BAD_INPUT = 2
NEGATIVE = re.compile(r"-(\d|\.\d|inf|nan).*")


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{_one_line(message)}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(_with_numbers_joined(sys.argv[1:] if arguments is None else arguments))
    try:
        if options.command == "record":
            return _record(options.output)
        if options.command == "predict":
            return _predict(options)
        if options.command == "compare":
            return compare_command.run(options)
        if options.command == "claims":
            claims_command.show(claims_command.run(options), as_json=options.json)
            return 0
        if options.command == "schedules":
            schedules_command.show(schedules_command.run(options), as_json=options.json)
            return 0
        return _train(_config(options), options.losses, options.database)
    except BatchLabError as error:
        print(_one_line(str(error)), file=sys.stderr)
        return BAD_INPUT


def _with_numbers_joined(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with "--lr", "-1e-3" as "--lr=-1e-3", which argparse would take for two flags."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1].startswith("--") and "=" not in joined[-1] and NEGATIVE.fullmatch(argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _one_line(text: str) -> str:
    """Return the text with line breaks and the like as they are written in Python."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def _parser() -> Parser:
    parser = Parser(prog="python -m core", description=(__doc__ or "").splitlines()[0], allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    for name, purpose in (("train", "train and print JSON lines"), ("predict", "print one JSON object, train nothing")):
        command = commands.add_parser(name, help=purpose, description=purpose, allow_abbrev=False)
        for field in FIELDS:
            flag = "--" + field.replace("_", "-")
            if field in FLAGS:
                command.add_argument(flag, action="store_const", const="true")
            else:
                command.add_argument(flag, help=_help(field), metavar="VALUE")
        command.add_argument("--epochs", metavar="E", help="short for --budget epochs --budget-value E")
        command.add_argument("--losses", type=Path, metavar="FILE.npy", help="write the float32 loss of every update")
        command.add_argument("--database", metavar="URL", help="record the run in this database; none without it")
        if name == "predict":
            predict_command.add_flags(command)
    purpose = compare_command.PURPOSE
    compare_command.add_flags(commands.add_parser("compare", help=purpose, description=purpose, allow_abbrev=False))
    purpose = claims_command.PURPOSE
    claims_command.add_flags(commands.add_parser("claims", help=purpose, description=purpose, allow_abbrev=False))
    purpose = schedules_command.PURPOSE
    schedules_command.add_flags(commands.add_parser("schedules", help=purpose, description=purpose, allow_abbrev=False))
    purpose = "train the page's first setup and keep the run in a file, which the page shows before any other"
    command = commands.add_parser("record", help=purpose, description=purpose, allow_abbrev=False)
    command.add_argument("--output", type=Path, default=recorded.PATH, metavar="FILE", help="another file")
    return parser


def _help(field: str) -> str:
    """Return what a field may be, and what it is where nothing is said."""
    low_high = INTEGERS.get(field) or NUMBERS.get(field)
    bounds = f"{low_high[0]:g} to {low_high[1]:,.12g}" if low_high else ""
    default = getattr(RunConfig(), field)
    shown = "-".join(map(str, default)) if isinstance(default, tuple) else "none" if default is None else default
    return "; ".join(filter(None, [", ".join(CHOICES.get(field, ())) or bounds, f"default {shown}"]))


def _config(options: argparse.Namespace) -> RunConfig:
    """Build the config from the flags given. Raises ConfigError."""
    values: dict[str, Any] = predict_command.fields_given(options)
    if options.epochs is not None:
        if "budget" in values or "budget_value" in values:
            raise ConfigError(Problem("two_budgets"))
        values |= {"budget": "epochs", "budget_value": options.epochs}
    return RunConfig.from_mapping(values)


def _predict(options: argparse.Namespace) -> int:
    if predict_command.is_own(options):
        values = predict_command.answer_own(options, predict_command.fields_given(options))
    else:
        predict_command.refuse_own_flags(options)
        values = predict_command.answer(_config(options), workspace=not options.no_workspace)
    if options.table:
        print(table(values), flush=True)
    else:
        _print(**values)
    return 0


def _train(config: RunConfig, losses: Path | None, database: str | None) -> int:
    control = Control()
    for number in (signal.SIGINT, signal.SIGTERM):  # before the seconds that the imports take
        signal.signal(number, lambda *_: control.request("stop"))
    import torch

    from core.datasets.build import build
    from core.datasets.tensors import load
    from core.forecast.predict import predict
    from core.store.writer import Writer
    from core.train.loop import Loop
    from core.train.trainer import Trainer

    torch.set_num_threads(1)  # as in the dashboard, so that the same run has the same losses
    writer, refused = None, threading.Event()
    store = Store.open(database) if database else None
    if losses:
        check_writable(losses)
    if store:
        run_id = new_run_id()
        store.create(run_id, config, owner=machine.this_process(), session="", state="starting")

        def refuse() -> None:
            refused.set()
            control.request("stop")

        writer = Writer(store.address, run_id, on_refused=refuse)
    predicted = predict(config)
    blocks: list[np.ndarray[Any, np.dtype[np.float32]]] = []

    def report(event: Event) -> None:
        if writer:
            writer.put(event)
        if isinstance(event, Started):
            counts = asdict(plan(config)) | {"total_updates": event.horizon}
            peak = {f"predicted_{name}": size for name, size in _sizes(predicted.peak).items()}
            _print(event="started", **counts, **peak, fingerprint=dict(event.fingerprint))
        elif isinstance(event, Epoch):
            _print(event="epoch", **asdict(event))
        elif isinstance(event, Updates):
            blocks.append(event.losses)

    try:
        aside = predicted.peak.workspace_bytes
        trainer = Trainer(config, load(build(config.dataset, DATA)), control=control, workspace_bytes=aside)
        ended = Loop(trainer, report).run()
    except Exception as error:  # whatever it is, the last line says how the run ended
        ended = Ended("failed", "error", {"error": f"{type(error).__name__}: {error}"})
        report(ended)
    if writer:
        writer.close()
        if writer.error:  # what was computed is still told, and the exit status says that it was not kept
            ended = replace(ended, state="failed", reason="store", values={"error": str(writer.error)})
        elif refused.is_set():
            ended = replace(ended, state="failed", reason="ended_elsewhere", values={})
    if losses:
        ended = _with_losses(ended, losses, blocks)
    fits = {"largest_batch_size": predicted.largest_batch_size} if ended.state == "out_of_memory" else {}
    _print(event=ended.state, **_summary(ended), **fits)
    return EXIT[ended.state]


def _with_losses(ended: Ended, path: Path, blocks: Sequence[np.ndarray[Any, np.dtype[np.float32]]]) -> Ended:
    """Write the losses; return the end of the run, a failed one if they could not be written."""
    try:
        with path.open("wb") as file:
            np.save(file, np.concatenate([*blocks, np.zeros(0, dtype="<f4")]))
    except OSError as error:
        values = {"value": str(path), "cause": cause(error)}
        return replace(ended, state="failed", reason="not_writable", values=values)
    return ended


def _record(output: Path) -> int:
    check_writable(output)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "runs.sqlite"
        status = _train(recorded.CONFIG, losses=None, database=str(database))
        try:
            return status if recorded.write(database, output) else status or EXIT["failed"]
        except OSError as error:  # the disk is full
            raise not_writable(output, error) from None


def _summary(ended: Ended) -> dict[str, Any]:
    peak = ended.peak
    summary = {name: value for name, value in asdict(ended).items() if name not in ("state", "peak", "values")}
    return summary | {
        **_sizes(peak),
        "by_category": dict(peak.by_category) if peak else None,
        "values": {name: value for name, value in ended.values.items() if name != "timeline"},  # which is a picture
    }


def _sizes(peak: Peak | None) -> dict[str, int | None]:
    names = {"peak_bytes": "bytes", "tensor_bytes": "tensor_bytes", "workspace_bytes": "workspace_bytes"}
    return {name: getattr(peak, attribute, None) for name, attribute in names.items()}


def _print(**values: Any) -> None:
    print(json.dumps(_finite(values), allow_nan=False), flush=True)


def _finite(value: Any) -> Any:
    """Return the value with null for what JSON cannot say: infinities and not-a-numbers."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads the lines has had enough: end without a word
    sys.exit(main())
