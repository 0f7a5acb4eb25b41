"""The commands `python -m core train` and `predict`: output and exit statuses.

Processes test signals, pipes and exit statuses; everything else calls the command in this process.
"""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.run.events import END_STATES
from core.store import Store
from core.words.catalogue import catalogue
from tests.campaign import campaign
from tests.core.commands.here import Result, here, signals_restored

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
DIGITS = ("--dataset", "digits", "--batch-size", "100")
COUNTS = {"examples": 1_437, "batches_per_epoch": 15, "updates_per_epoch": 4, "total_updates": 8}


def command(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "core", *map(str, arguments)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def result(process: subprocess.Popen[str], *, before: str = "") -> Result:
    stdout, stderr = process.communicate(timeout=120)
    return Result(process.returncode, [json.loads(line) for line in (before + stdout).splitlines()], stderr)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("headless")


@pytest.fixture(scope="module")
def finished(place: Path) -> Result:
    """Train two epochs of four updates each, with all files written."""
    files = ("--losses", place / "losses.npy", "--database", place / "runs.sqlite")
    return here("train", *DIGITS, "--accumulate", 4, "--optimizer", "adam", "--epochs", 2, *files)


def test_a_run_prints_its_start_its_epochs_and_its_end_as_json_lines(finished: Result) -> None:
    assert (finished.status, finished.stderr) == (0, "")
    assert [line["event"] for line in finished.lines] == ["started", "epoch", "epoch", "finished"]
    started, first, second, end = finished.lines
    assert {name: started[name] for name in COUNTS} == COUNTS
    assert [(line["epoch"], line["updates"]) for line in (first, second)] == [(1, 4), (2, 8)]
    assert 0 < second["train_loss"] < first["train_loss"]
    assert first["validation_loss"] > 0
    assert 0 < second["validation_accuracy"] <= 1
    assert (end["updates"], end["updates_per_epoch"]) == (8, 4)
    assert end["peak_bytes"] == started["predicted_peak_bytes"] == sum(end["by_category"].values())
    assert 0 < end["elapsed_s"] < 60


def test_a_schedule_for_another_batch_size_leaves_updates_that_change_nothing() -> None:
    options = ("--schedule-batch-size", 480, "--schedule", "linear", "--epochs", 2)
    out = here("train", *DIGITS, *options)
    assert (out.status, out.stderr) == (0, "")
    assert (out.lines[-1]["updates"], out.lines[-1]["unchanged_updates"]) == (30, 24)  # planned for 2 x 3 updates


def test_the_losses_in_the_file_have_the_printed_hash(finished: Result, place: Path) -> None:
    losses = np.load(place / "losses.npy")
    assert (losses.dtype, losses.shape) == (np.dtype("<f4"), (8,))
    assert hashlib.sha256(losses.tobytes()).hexdigest() == finished.lines[-1]["losses_sha256"]
    sizes = np.array([400, 400, 400, 237])
    assert finished.lines[1]["train_loss"] == pytest.approx(float(losses[:4] @ sizes / 1_437), rel=1e-6)


def test_the_database_holds_the_same_run(finished: Result, place: Path) -> None:
    store = Store.open(place / "runs.sqlite")
    (record,) = store.runs()
    chunks = store.chunks_after(record.id)
    losses = np.concatenate([chunk.updates.losses for chunk in chunks])
    assert losses.tobytes() == np.load(place / "losses.npy").tobytes()
    assert record.state == "finished"
    assert (record.config.accumulate, record.config.optimizer) == (4, "adam")
    end = finished.lines[-1]
    assert record.ended is not None
    assert record.ended.losses_sha256 == end["losses_sha256"]
    assert (record.ended.updates, record.ended.updates_per_epoch) == (8, 4)
    assert [epoch.validation_loss for epoch in store.epochs(record.id)] == [
        line["validation_loss"] for line in finished.lines[1:3]
    ]
    store.close()


def test_a_prediction_is_one_object_with_the_bytes_that_training_measures(finished: Result) -> None:
    predicted = here("predict", *DIGITS, "--accumulate", 4, "--optimizer", "adam", "--epochs", 2)
    assert (predicted.status, predicted.stderr) == (0, "")
    (line,) = predicted.lines
    assert {name: line[name] for name in COUNTS} == COUNTS
    assert line["predicted_peak_bytes"] == finished.lines[-1]["peak_bytes"]
    assert line["by_category"] == finished.lines[-1]["by_category"]
    assert line["parameters"] == 64 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10
    assert line["largest_batch_size"] == 1_437  # no limit is set
    assert "losses_sha256" not in line


def test_a_full_device_is_exit_status_3() -> None:
    # The linear model's first gradient does not fit next to a batch of all images.
    out = here("train", "--model", "linear", "--batch-size", 10_000, "--epochs", 1, "--memory-limit-mb", 4)
    assert (out.status, out.stderr) == (3, "")
    assert [line["event"] for line in out.lines] == ["started", "out_of_memory"]
    end = out.lines[-1]
    assert (end["updates"], end["values"]["limit_bytes"]) == (0, 4 * 2**20)
    assert end["peak_bytes"] <= 4 * 2**20 < out.lines[0]["predicted_peak_bytes"]


def test_divergence_is_exit_status_4() -> None:
    slope = ("--dataset", "linear", "--model", "mlp", "--hidden", "512-512-512-512", "--optimizer", "sgd")
    out = here("train", *slope, "--lr", 100, "--batch-size", 50, "--epochs", 1)
    assert (out.status, out.stderr) == (4, "")
    assert [line["event"] for line in out.lines] == ["started", "diverged"]
    assert out.lines[-1]["updates"] == 16
    assert out.lines[-1]["values"]["update"] <= 16


def test_a_run_that_ends_during_the_timing_of_its_budget_still_prints_its_start() -> None:
    out = here("train", "--model", "cnn", "--budget", "seconds", "--budget-value", 1, "--memory-limit-mb", 4)
    assert (out.status, out.stderr) == (3, "")
    assert [line["event"] for line in out.lines] == ["started", "out_of_memory"]


def test_losses_that_cannot_be_written_make_a_failed_run_with_its_counts() -> None:
    out = here("train", *DIGITS, "--epochs", 1, "--losses", "/dev/full")
    assert (out.status, out.stderr) == (1, "")
    assert [line["event"] for line in out.lines] == ["started", "epoch", "failed"]
    assert (out.lines[-1]["reason"], out.lines[-1]["updates"]) == ("not_writable", 15)


def test_a_refused_run_leaves_earlier_losses_unchanged(tmp_path: Path) -> None:
    losses = tmp_path / "losses.npy"
    losses.write_text("precious")
    out = here("train", *DIGITS, "--losses", losses, "--database", "/proc/nowhere/runs.sqlite")
    assert (out.status, out.lines) == (2, [])
    assert losses.read_text() == "precious"


@pytest.mark.campaign
def test_a_killed_run_leaves_earlier_losses_unchanged(tmp_path: Path) -> None:
    losses = tmp_path / "losses.npy"
    losses.write_text("precious")
    process = command("train", *DIGITS, "--epochs", 10_000, "--losses", losses)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate()
    assert losses.read_text() == "precious"


def test_a_run_ended_in_the_database_by_somebody_else_has_failed_and_leaves_earlier_losses_until_then(
    tmp_path: Path,
) -> None:
    database, losses = tmp_path / "runs.sqlite", tmp_path / "losses.npy"
    losses.write_text("precious")
    seen = []

    def end_first_run() -> None:
        store = Store.open(database)
        while not (runs := store.runs()) or not store.chunks_after(runs[0].id):
            time.sleep(0.01)
        seen.append(losses.read_text())
        store.end(runs[0].id, "failed", "owner_gone")
        store.close()

    somebody = threading.Thread(target=end_first_run, daemon=True)
    somebody.start()
    out = here("train", *DIGITS, "--epochs", 10_000, "--losses", losses, "--database", database)
    somebody.join(timeout=60)
    assert seen == ["precious"]
    assert (out.status, out.stderr) == (1, "")
    assert (out.lines[-1]["event"], out.lines[-1]["reason"]) == ("failed", "ended_elsewhere")


def test_a_reader_that_closes_the_pipe_ends_the_run_silently() -> None:
    process = command("train", *DIGITS, "--epochs", 10_000)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr as complaints:
        assert complaints.read() == ""
    assert process.wait(timeout=60) != 0


@pytest.mark.parametrize(
    ("number", "early"),
    [(signal.SIGTERM, True), *campaign([(signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGTERM, False)])],
)
def test_an_interrupted_run_is_stopped_with_exit_status_0(number: signal.Signals, early: bool, tmp_path: Path) -> None:
    losses, database = tmp_path / "losses.npy", tmp_path / "runs.sqlite"
    process = command("train", *DIGITS, "--epochs", 10_000, "--losses", losses, "--database", database)
    before = ""
    if early:
        while not database.exists():  # it is created before the prediction
            time.sleep(0.01)
            assert process.poll() is None
    else:
        assert process.stdout is not None
        before = process.stdout.readline()
    process.send_signal(number)
    out = result(process, before=before)
    assert (out.status, out.stderr) == (0, "")
    end = out.lines[-1]
    assert [out.lines[0]["event"], end["event"], end["reason"]] == ["started", "stopped", "asked"]
    written = np.load(losses)
    assert len(written) == end["updates"] < 150_000
    assert hashlib.sha256(written.tobytes()).hexdigest() == end["losses_sha256"]


def test_a_damaged_data_set_is_a_failed_run_with_exit_status_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.commands.train.DATA", tmp_path)
    (tmp_path / "digits-v1").mkdir()  # as if its files had been deleted
    out = here("train", *DIGITS, "--epochs", 1, "--database", tmp_path / "runs.sqlite")
    assert out.status == 1
    assert out.lines[-1]["event"] == "failed"
    assert "FileNotFoundError" in out.lines[-1]["values"]["error"]
    assert set(END_STATES).isdisjoint(line["event"] for line in out.lines[:-1])
    assert (out.lines[-1]["updates"], out.lines[-1]["peak_bytes"]) == (0, None)
    store = Store.open(tmp_path / "runs.sqlite")
    assert [record.state for record in store.runs()] == ["failed"]
    store.close()


def test_a_refused_run_is_one_line_on_standard_error_and_exit_status_2() -> None:
    out = result(command("train", "--dataset", "digits", "--batch-size", 5_000))
    assert (out.status, out.lines) == (2, [])
    assert out.stderr == "batch_size must be between 1 and 1437 (the size of 'digits'), got 5000\n"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["train", "--epochs", "2", "--budget", "updates"], "--epochs"),
        (["train", "--epochs", "2", "--budget-value", "5"], "--epochs"),
        (["train", "--epochs", "many"], "budget_value"),
        (["train", "--lr", "fast"], "lr"),
        (["train", "--losses", "/nowhere/at/all/losses.npy", "--epochs", "1"], "/nowhere/at/all"),
        (["predict", "--drop-last", "--accumulate", "500"], "drop_last"),
        (["predict", "--budget", "seconds", "--schedule-batch-size", "1000"], "schedule_batch_size cannot be 1000"),
        (["predict", "--model", "mlp", "--norm", "batch", "--batch-size", "1"], "batch normalisation"),
        (["train", "--colour", "red"], "--colour"),
        (["train", "--lr", "-1e-3"], "lr must be between 10\u207b\u2078 and 1,000, got -0.001"),
        (["train", "--epochs", "9" * 400], "999"),
        (["train", "--bogus\nline"], "--bogus\\nline"),
        (["train", "--losses", "/no\nwhere/l.npy"], "/no\\nwhere"),
        (["train", "--database", "~nobody-here/runs.sqlite"], "~nobody-here"),
        (["train", "--database", "sqlite:///runs%00.sqlite"], "zero byte"),
        (["record", "--output", "/nowhere/at/all/run.json"], "/nowhere/at/all"),
        (["record", "--batch-size", "50"], "--batch-size"),
        (["train", "--epoch", "3"], "--epoch"),  # abbreviations are not accepted
        (["walk"], "walk"),
        ([], "command"),
    ],
    ids=" ".join,
)
def test_invalid_input_is_one_line_on_standard_error(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with signals_restored():
        try:
            status = main(arguments)
        except SystemExit as error:  # argparse
            status = error.code  # type: ignore[assignment]
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert word in err


# Help.


def printed_help(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        main([*arguments, "--help"])
    return " ".join(capsys.readouterr().out.split())


def test_help_lists_the_commands_with_their_purpose(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed_help(capsys=capsys)
    for name in ("train", "predict", "compare", "claims", "schedules", "record"):
        assert f"{name} {catalogue().say(f'command.{name}')}" in text


def test_help_of_a_field_has_its_valid_values_and_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed_help("train", capsys=capsys)
    assert "--batch-size VALUE 1 to 10,000 (default: 100)" in text
    assert "--norm VALUE none, batch, layer, group (default: none)" in text
    assert "--hidden VALUE default: 128-64" in text
