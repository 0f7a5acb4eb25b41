"""Check the recording shipped with Batch Lab, its file, and that the run can still be reproduced."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.__main__ import main
from core.run.choices.schedules import factor
from core.run.config import RunConfig
from core.run.control import Control
from core.run.events import Ended, Epoch, Peak, Started, Updates
from core.store import Store, recorded
from core.store.facts import Facts
from core.store.reader import RunReader
from core.store.recorded import RUN_ID, Recording
from core.train.fingerprint import fingerprint
from core.words.errors import StoreError
from tests.core.commands.here import here, signals_restored
from ui.setup.fields import DEFAULT as OF_THE_FORM


@dataclass(frozen=True)
class Outcome:
    """The results of a run to reproduce: all of them under equal conditions, most of them under others."""

    fingerprint: dict[str, Any]
    counts: tuple[int, int | None, int]  # updates, updates per epoch, updates without effect
    peak: Peak
    rates: NDArray[np.float64]
    losses: NDArray[np.float32]
    losses_sha256: str | None


def outcome(recording: Recording) -> Outcome:
    record = recording.run(RUN_ID)
    assert record is not None
    assert record.ended is not None
    assert record.ended.peak is not None
    blocks = [chunk.updates for chunk in recording.chunks_after(RUN_ID)]
    return Outcome(
        record.facts.fingerprint,
        (record.ended.updates, record.ended.updates_per_epoch, record.ended.unchanged_updates),
        record.ended.peak,
        np.concatenate([block.rates for block in blocks]),
        np.concatenate([block.losses for block in blocks]),
        record.ended.losses_sha256,
    )


def differences(first: Outcome, second: Outcome) -> list[str]:
    """Return the values that two runs of one config should share but do not."""
    found = [name for name in ("counts", "peak") if getattr(first, name) != getattr(second, name)]
    if not np.array_equal(first.rates, second.rates):
        found.append("rates")
    if first.fingerprint == second.fingerprint:
        if first.losses_sha256 != second.losses_sha256:
            found.append("losses_sha256")
    elif not np.allclose(first.losses[:50], second.losses[:50], rtol=0.01, atol=0):
        found.append("losses")
    return found


def perturbed(of: Outcome, at: int, by: float) -> Outcome:
    """Return a run with one loss scaled by a share, and the hash to match."""
    losses = of.losses.copy()
    losses[at] = np.float32(losses[at] * (1 + by))
    return replace(of, losses=losses, losses_sha256=hashlib.sha256(losses.astype("<f4").tobytes()).hexdigest())


@pytest.fixture(scope="module")
def shipped() -> Recording:
    found = recorded.load()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record a run to a temporary file with the command."""
    output = tmp_path_factory.mktemp("recorded") / "again.json"
    done = here("record", "--output", output)
    assert (done.status, done.stderr) == (0, "")
    assert [line["event"] for line in done.lines] == ["started", *["epoch"] * 5, "finished"]
    return output


@pytest.fixture(scope="module")
def again(output: Path) -> Recording:
    found = recorded.load(output)
    assert found is not None
    return found


# The shipped file.


def test_the_recording_is_a_finished_run_of_the_forms_default_setup(shipped: Recording) -> None:
    record = shipped.run(RUN_ID)
    assert record is not None
    assert record.config == RunConfig(memory_limit_mb=4) == OF_THE_FORM
    assert (record.id, record.state) == ("recorded", "finished")
    assert record.facts.fingerprint.keys() == {"torch", "cpu_capability", "processor", "threads"}
    assert fingerprint().keys() == record.facts.fingerprint.keys()
    assert shipped.date == record.created.date()


def test_the_recording_has_5_epochs_of_100_updates(shipped: Recording) -> None:
    reader = RunReader(shipped, RUN_ID)
    assert reader.refresh()
    assert not reader.refresh()
    assert [(epoch.updates, epoch.updates_in_epoch) for epoch in reader.epochs] == [(100 * n, 100) for n in range(1, 6)]
    assert reader.examples_seen.tolist() == list(range(100, 50_001, 100))
    assert (np.diff(reader.seconds) > 0).all()
    assert reader.record is not None
    assert reader.record.ended is not None
    assert (reader.record.ended.updates, reader.record.ended.updates_per_epoch) == (500, 100)
    assert reader.losses[:10].mean() > 1.5
    assert reader.losses[-10:].mean() < 0.1
    ((_, _, losses),) = reader.curves(["loss"])
    assert len(losses) > 300


def test_the_recorded_rates_follow_the_schedule(shipped: Recording) -> None:
    expected = [0.05 * (1 + np.cos(np.pi * t / 500)) / 2 for t in range(500)]
    np.testing.assert_allclose(outcome(shipped).rates, expected, rtol=1e-12)
    assert outcome(shipped).rates.tolist() == [0.05 * factor("cosine", t, 500) for t in range(500)]


@pytest.mark.slow
def test_the_recording_is_small_and_does_not_identify_the_machine(output: Path) -> None:
    for path in (recorded.PATH, output):
        text = path.read_text()
        assert len(text) < 60_000
        values = json.loads(text)
        (run,) = values["runs"]
        assert (run["owner"], run["session"]) == ("", "")
        assert json.loads(run["facts"]).keys() == {"horizon", "fingerprint"}
        without_arrays = re.sub(r'"payload": ".*"', "", text)
        assert not re.search(r"[/\\]\w", without_arrays.replace('\\"', ""))  # no path, no host/process


def test_the_recording_has_no_other_run_and_returns_only_new_rows(shipped: Recording) -> None:
    assert shipped.run("another") is None
    assert shipped.chunks_after("another") == []
    assert shipped.epochs_after("another") == []
    chunks, epochs = shipped.chunks_after(RUN_ID), shipped.epochs_after(RUN_ID)
    assert len(chunks) > 3
    assert shipped.chunks_after(RUN_ID, chunks[0].id, limit=2) == chunks[1:3]
    assert shipped.chunks_after(RUN_ID, chunks[-1].id) == []
    assert shipped.epochs_after(RUN_ID, epochs[1][0]) == epochs[2:]


def test_the_recording_is_read_once() -> None:
    assert recorded.load() is recorded.load()


# Reproducing the run.


@pytest.mark.slow
def test_the_run_can_be_reproduced(shipped: Recording, again: Recording) -> None:
    assert differences(outcome(shipped), outcome(again)) == []
    ours, theirs = shipped.run(RUN_ID), again.run(RUN_ID)
    assert ours is not None
    assert theirs is not None
    assert (ours.config, ours.state, ours.peak) == (theirs.config, theirs.state, theirs.peak)
    assert ours.facts.horizon == theirs.facts.horizon
    assert [epoch.updates for _, epoch in again.epochs_after(RUN_ID)] == [100, 200, 300, 400, 500]


@pytest.mark.slow
def test_under_equal_conditions_one_different_bit_of_a_loss_is_a_difference(again: Recording) -> None:
    ours = outcome(again)
    assert ours.losses_sha256 == hashlib.sha256(ours.losses.astype("<f4").tobytes()).hexdigest()
    for at in (0, 499):
        assert differences(ours, perturbed(ours, at, 2e-7)) == ["losses_sha256"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("at", "by", "found"),
    [(0, 2e-7, []), (49, 0.009, []), (49, -0.02, ["losses"]), (0, 0.02, ["losses"]), (50, 0.5, [])],
)
def test_elsewhere_losses_agree_to_one_percent_over_the_first_50_updates(
    again: Recording, at: int, by: float, found: list[str]
) -> None:
    elsewhere = replace(outcome(again), fingerprint={"torch": "2.13.0", "cpu_capability": "NEON", "threads": 1})
    assert differences(outcome(again), perturbed(elsewhere, at, by)) == found


@pytest.mark.slow
def test_elsewhere_counts_bytes_and_rates_are_equal(again: Recording) -> None:
    ours = outcome(again)
    elsewhere = replace(ours, fingerprint={"torch": "2.13.0", "cpu_capability": "NEON", "threads": 1})
    rates = ours.rates.copy()
    rates[499] *= 1 + 1e-15
    assert rates[499] != ours.rates[499]
    for change in (
        {"counts": (499, 100, 0)},
        {"peak": replace(ours.peak, bytes=ours.peak.bytes + 4)},
        {"rates": rates},
        {"rates": ours.rates[:-1]},
    ):
        assert differences(ours, replace(elsewhere, **change)) == list(change)


# A run that does not finish.


class Stopped(Control):
    """A run that is stopped before it starts."""

    def __init__(self) -> None:
        super().__init__()
        self.request("stop")


@pytest.fixture
def _signals() -> Iterator[None]:
    with signals_restored():
        yield


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize(("kind", "status"), [("stopped", 1), ("out_of_memory", 3)])
def test_only_a_finished_run_replaces_the_file(
    kind: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if kind == "stopped":
        monkeypatch.setattr("core.commands.train.Control", Stopped)
    else:
        monkeypatch.setattr(recorded, "CONFIG", recorded.CONFIG.replace(batch_size=10_000))
    output = tmp_path / "run.json"
    output.write_text("precious")
    assert main(["record", "--output", str(output)]) == status
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["event"] == kind
    assert output.read_text() == "precious"


@pytest.mark.usefixtures("_signals")
def test_a_full_disk_is_reported_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", "--output", "/dev/full"]) == 2
    assert capsys.readouterr().err.startswith("cannot write /dev/full (No space left on device)")


# Writing and reading.


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Make a database with a short run that holds details of the machine."""
    path = tmp_path / "runs.sqlite"
    store = Store.open(path)
    store.create("a-secret", RunConfig(), owner="my-host/1/2.0", session="my-tab")
    store.note("a-secret", pid=4_711, predicted_peak_bytes=128)
    peak = Peak(100, {"batch": 100}, "forward", "linear1")
    losses = np.array([2.5, 1.25, 0.1], np.float32)
    blocks = [
        Updates(
            first,
            losses[first:end],
            np.array([0.1, 1 / 3, 1e-300][first:end]),
            np.array([1, np.nan, np.inf], np.float32)[first:end],
            np.arange(first + 1, end + 1) * 100,
            np.arange(first + 1, end + 1) / 7,
        )
        for first, end in ((0, 2), (2, 3))
    ]
    epoch = Epoch(1, 3, 3, True, np.nan, 0.5, None, 0.3)
    store.write("a-secret", [Started(3, {"torch": "x", "threads": 1}), peak, *blocks, epoch], rss_bytes=77)
    digest = hashlib.sha256(losses.tobytes()).hexdigest()
    store.write("a-secret", [Ended("finished", "budget", updates=3, peak=peak, losses_sha256=digest, elapsed_s=1 / 3)])
    store.close()
    return path


def test_the_file_holds_what_the_store_returns_apart_from_names(database: Path, tmp_path: Path) -> None:
    assert recorded.write(database, tmp_path / "run.json")
    found, store = recorded.load(tmp_path / "run.json"), Store.open(database)
    assert found is not None
    expected = store.run("a-secret")
    assert expected is not None
    (run,) = json.loads((tmp_path / "run.json").read_text())["runs"]
    kept = {"predicted_peak_bytes": 128, "horizon": 3, "fingerprint": {"torch": "x", "threads": 1}}
    assert json.loads(run["facts"]) == kept
    assert expected.facts == Facts(pid=4_711, **kept)
    facts = Facts(**kept)
    assert found.run(RUN_ID) == replace(expected, id="recorded", owner="", session="", facts=facts)
    pairs = list(zip(found.chunks_after(RUN_ID), store.chunks_after("a-secret"), strict=True))
    assert len(pairs) == 2
    for ours, theirs in pairs:
        assert (ours.id, ours.rss_bytes, ours.peak_bytes) == (theirs.id, theirs.rss_bytes, theirs.peak_bytes)
        assert ours.updates.first == theirs.updates.first
        for name in ("losses", "rates", "gradient_norms", "examples_seen", "seconds"):
            np.testing.assert_array_equal(getattr(ours.updates, name), getattr(theirs.updates, name))
    assert str(found.epochs_after(RUN_ID)) == str(store.epochs_after("a-secret"))  # NaN is not equal to itself
    store.close()


def test_a_run_that_has_not_finished_is_not_kept(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "runs.sqlite")
    store.create("a", RunConfig(), owner="host", session="tab")
    for end in (None, Ended("stopped", "asked")):
        if end:
            store.write("a", [end])
        assert not recorded.write(tmp_path / "runs.sqlite", tmp_path / "run.json")
    store.close()
    assert not (tmp_path / "run.json").exists()


def test_a_column_newer_than_the_file_reads_as_none(database: Path, tmp_path: Path) -> None:
    recorded.write(database, tmp_path / "run.json")
    values = json.loads((tmp_path / "run.json").read_text())
    del values["runs"][0]["peak"]
    values["runs"][0]["colour"] = "of a younger version"
    record = Recording("here", values).run(RUN_ID)
    assert record is not None
    assert record.peak is None
    assert record.ended is not None


def test_a_missing_file_gives_no_recording(tmp_path: Path) -> None:
    assert recorded.load(tmp_path / "nothing.json") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("}", ""),
        ('"rss_bytes"', '"rss"'),
        ('"payload": "', '"payload": "AAAA'),
        ('"payload": "', '"payload": "?'),
        ('"layout": 1', '"layout": 9'),
        ('"updates": 2', '"updates": null'),
        ('\\"batch_size\\": 100', '\\"batch_size\\": 0'),
        ('\\"losses_sha256\\": \\"', '\\"losses_sha256\\": \\"f'),
        ('"ended": "{', '"ended": "'),
        ('"runs": [', '"runs": [{}, '),
        ('"date": "2', '"date": "x'),
        ('"epochs": [', '"epochs": [7, '),
    ],
)
def test_a_damaged_file_is_reported_with_a_remedy(database: Path, tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "run.json"
    recorded.write(database, path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(StoreError, match=re.escape(str(path))) as caught:
        recorded.load(path)
    assert caught.value.problems[0].code == "recording_damaged"
    assert "python -m core record" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"{}", b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_is_no_recording_counts_as_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(StoreError):
        recorded.load(path)
