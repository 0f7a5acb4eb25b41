"""Custom models: refusals in one line, predictions, and the largest batch that fits."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from core.__main__ import main
from core.forecast import own_forecast
from core.forecast.own_forecast import OwnForecast
from core.forecast.own_model import OwnModel, in_a_line, parse_own, updater
from core.memory import SimulatedOutOfMemoryError
from core.run import machine
from core.run.events import Peak
from core.run.timeline import peak_of
from core.train.updater import Limit, Updater
from core.words.errors import ConfigError
from tests.campaign import campaign
from tests.core.forecast.own_models import MODELS
from tests.core.memory.records import profiled_peak, resting_bytes, unwatched

pytestmark = pytest.mark.slow

ODD, OWN = "tests.core.odd_models", "tests.core.forecast.own_models"
ROWS = ("--input", "40")


def complaint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that refuses the arguments."""
    try:
        status = main(["predict", *arguments])
    except SystemExit as error:  # argparse
        status = error.code  # type: ignore[assignment]
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    return err[:-1]


# Refusals.


def test_an_error_is_shortened_to_a_line_without_the_trace_of_pytorch() -> None:
    error = RuntimeError("negative\nsize\nException raised from empty at Empty.cpp:12 (most recent call first):\nframe")
    assert in_a_line(error) == "RuntimeError: negative size"


@pytest.mark.parametrize(
    ("name", "flags", "said"),
    [
        (
            "no_such_module_at_all:Model",
            ROWS,
            "cannot import the model no_such_module_at_all:Model: ModuleNotFoundError: "
            "No module named 'no_such_module_at_all'",
        ),
        (f"{ODD}:NoSuchModel", ROWS, "AttributeError: module 'tests.core.odd_models' has no attribute 'NoSuchModel'"),
        (f"{ODD}:outer.NoSuchModel", ROWS, "has no attribute 'NoSuchModel'"),
        (
            f"{ODD}:instance",
            ROWS,
            f"{ODD}:instance is a Linear; name a class or function that returns an nn.Module "
            "when called without arguments",
        ),
        (f"{ODD}:number", ROWS, f"{ODD}:number is a int; name a class or function"),
        (f"{ODD}:", ROWS, f"got '{ODD}:'"),
        (":Model", ROWS, "model must be linear, mlp, cnn, or package.module:Factory"),
        (f"{ODD}:fails", ROWS, f"cannot create the model {ODD}:fails: ValueError: no weights here"),
        (f"{ODD}:leaves", ROWS, f"cannot create the model {ODD}:leaves: SystemExit: usage: model"),
        (f"{ODD}:needs_a_width", ROWS, "TypeError: needs_a_width() missing 1 required"),
        (f"{ODD}:no_module", ROWS, f"the model {ODD}:no_module returns a dict instead of an nn.Module"),
        (f"{ODD}:no_parameters", ROWS, f"the model {ODD}:no_parameters has no trainable parameters"),
        (f"{ODD}:all_frozen", ROWS, f"the model {ODD}:all_frozen has no trainable parameters"),
        (
            f"{ODD}:rows",
            ("--input", "41"),
            "cannot train the model on an input of shape (B, 41) and type float32: "
            "RuntimeError: mat1 and mat2 shapes cannot be multiplied",
        ),
        (
            f"{OWN}:residual",
            ("--input", "3,16"),
            "cannot train the model on an input of shape (B, 3, 16) and type float32",
        ),
        (f"{OWN}:Tied", ("--input", "12"), "cannot train the model on an input of shape (B, 12) and type float32"),
        (f"{ODD}:rows", (*ROWS, "--input-dtype", "float64"), "of shape (B, 40) and type float64"),
        (f"{ODD}:Pair", ROWS, "needs a tensor, but the model outputs a dict; use --loss mean"),
        (f"{ODD}:Answers", ROWS, "but the model outputs torch.int64 of shape (2,); use --loss mean"),
        (f"{ODD}:Answers", (*ROWS, "--loss", "mean"), "needs floating-point numbers, but the model outputs none"),
        (f"{ODD}:Pair", (*ROWS, "--loss", "cross_entropy"), "needs a tensor, but the model outputs a dict"),
    ],
)
def test_a_model_that_cannot_be_trained_is_refused_in_one_line_with_the_cause(
    name: str, flags: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in complaint(["--model", name, *flags], capsys)


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("raise RuntimeError('no driver\\nfound')", "RuntimeError: no driver found"),
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("import sys; sys.exit('usage: train.py DATA')", "SystemExit: usage: train.py DATA"),
    ],
)
def test_a_module_that_fails_on_import_is_refused_with_the_cause(
    source: str,
    cause: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "scratch_model.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "scratch_model", raising=False)
    said = complaint(["--model", "scratch_model:Model", *ROWS], capsys)
    assert f"cannot import the model scratch_model:Model: {cause}" in said


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "a custom model needs --input, the shape of one example, such as 3,224,224"),
        (("--input", ""), "needs --input"),
        (("--input", "3x224"), "positive integers separated by commas, such as 3,224,224; got '3x224'"),
        (("--input", "3,0"), "got '3,0'"),
        (("--input", "-3"), "got '-3'"),
        ((*ROWS, "--input-dtype", "float8"), "input_dtype must be one of float32, float64, bfloat16, int64, int32"),
        ((*ROWS, "--loss", "mse"), "loss must be one of cross_entropy, mean, got 'mse'"),
        ((*ROWS, "--optimizer", "lion"), "optimizer must be one of sgd, momentum, nesterov, adam, adamw, got 'lion'"),
        ((*ROWS, "--optimizer-implementation", "fast"), "implementation must be one of default, fused, foreach, loop"),
        ((*ROWS, "--precision", "float16"), "precision must be one of float32, bfloat16, got 'float16'"),
        ((*ROWS, "--batch-size", "many"), "batch_size must be a whole number between 1 and 1,000,000, got 'many'"),
        ((*ROWS, "--batch-size", "0"), "batch_size must be between 1 and 1,000,000, got 0"),
        ((*ROWS, "--accumulate", "2.5"), "accumulate must be a whole number"),
        ((*ROWS, "--momentum", "1"), "momentum must be between 0 and 0.9999, got 1"),
        ((*ROWS, "--memory-limit-mb", "nan"), "memory_limit_mb must be a number"),
        ((*ROWS, "--lr", "fast"), "lr must be a number between 10\u207b\u2078 and 1,000, got 'fast'"),
        (
            (*ROWS, "--batch-size", "1" + 400 * "0"),
            "batch_size must be between 1 and 1,000,000, got 10\u2074\u2070\u2070",
        ),
    ],
    ids=str,
)
def test_an_invalid_value_is_refused_in_one_line(
    flags: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in complaint(["--model", f"{ODD}:rows", *flags], capsys)


@pytest.mark.parametrize(
    "flags",
    [
        ("--dataset", "digits"),
        ("--hidden", "128"),
        ("--norm", "batch"),
        ("--drop-last",),
        ("--sampling", "iid"),
        ("--schedule", "cosine"),
        ("--warmup", "0.1"),
        ("--schedule-batch-size", "10"),
        ("--budget", "updates"),
        ("--budget-value", "3"),
        ("--epochs", "3"),
        ("--seed", "1"),
        ("--target-loss", "1"),
        ("--validate-whole",),
        ("--losses", "losses.npy"),
        ("--database", "runs.sqlite"),
    ],
    ids=" ".join,
)
def test_a_flag_without_meaning_for_a_custom_model_is_refused(
    flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    said = complaint(["--model", f"{ODD}:rows", *ROWS, *flags], capsys)
    assert said == f"{flags[0]} does not apply to a custom model"


@pytest.mark.parametrize("flag", ["--input", "--input-dtype", "--loss", "--optimizer-implementation"])
def test_a_flag_for_custom_models_is_refused_without_one(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(["--model", "mlp", flag, "mean"], capsys)
    assert said == f"{flag} needs a custom model: --model package.module:Factory"


def test_several_problems_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_own({"model": f"{ODD}:rows", "input": "x", "optimizer": "lion", "batch_size": "0"})
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["input_not_a_shape", "not_a_choice", "out_of_bounds"]


# Predictions.


def own(name: str, **changes: Any) -> OwnModel:
    shape, dtype = MODELS.get(name, ((40,), "float32"))
    place = OWN if name in MODELS or name == "Picky" else ODD
    return OwnModel(**{"model": f"{place}:{name}", "input": shape, "input_dtype": dtype, **changes})


def train(trainer: Updater, batch_size: int, *, accumulate: int = 1) -> None:
    """Make two updates and evaluate a chunk."""
    window = (torch.zeros(batch_size, dtype=torch.int64),) * accumulate
    for _ in range(2):
        trainer.update_on(window, torch.zeros(()), None)
    trainer.evaluate_chunk(0, batch_size)


def trainer_of(described: OwnModel, *, limit: Limit | None = None, examples: int | None = None) -> Updater:
    made = updater(described, described.factory(), examples=examples or described.batch_size)
    made.limit = limit
    return made


@pytest.mark.parametrize(
    "described",
    [
        own("outer.Inner"),
        own("Pair", loss="mean"),
        own("Sequence", loss="mean", optimizer="adam"),
        own("FineTuned", optimizer="adam"),
        own("FineTuned", zero_in_place=True, accumulate=2),
        own("Sparse", input=(12,), input_dtype="int64", optimizer="sgd"),
        *(own("Custom", optimizer="adam", implementation=name) for name in ("fused", "foreach", "loop", "default")),
        own("Custom", keep_losses=True, evaluate_with_grad=True),
    ],
    ids=lambda described: f"{described.model.partition(':')[2]} {described.optimizer} {described.implementation}",
)
def test_an_unusual_model_is_predicted_to_the_byte_and_as_pytorch_records_it(described: OwnModel) -> None:
    described = OwnModel(**{**vars(described), "batch_size": 64})
    predicted = OwnForecast(described).prediction()
    live, plain = trainer_of(described), unwatched(trainer_of(described))
    train(live, 64, accumulate=described.accumulate)
    assert predicted.peak.by_category == peak_of(live.timelines.values()).by_category
    before = resting_bytes(plain)
    recorded = before + profiled_peak(partial(train, plain, 64, accumulate=described.accumulate))
    assert abs(predicted.peak.bytes - recorded) <= max(0.02 * recorded, 4_096)


def test_frozen_weights_are_on_the_device_and_have_neither_gradients_nor_state() -> None:
    predicted = OwnForecast(own("FineTuned", optimizer="adam", batch_size=2)).prediction()
    body, head = 40 * 64 + 64 + 64 * 64 + 64, 64 * 10 + 10
    assert predicted.peak.by_category["parameters"] == 4 * (body + head)
    assert predicted.peak.by_category["optimizer state"] in (
        8 * head,
        8 * head + 8,
    )  # with a step count for each tensor
    assert predicted.peak.by_category["gradients"] <= 4 * head


def test_an_operation_that_fake_tensors_lack_is_named_and_real_batches_are_used() -> None:
    forecast = OwnForecast(own("Picky", batch_size=64))
    predicted = forecast.prediction()
    assert forecast.reason == "aten.nonzero.default"
    assert not forecast.is_extrapolated(forecast.own.batch_size)
    live = trainer_of(own("Picky", batch_size=64))
    train(live, 64)
    assert predicted.verified
    assert predicted.peak.by_category == peak_of(live.timelines.values()).by_category


def test_real_batches_are_extrapolated_beyond_reach_and_the_result_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory_bytes", lambda: 400_000)  # space for a few hundred rows
    forecast = OwnForecast(own("Picky", batch_size=5_000))
    predicted = forecast.prediction()
    assert forecast.reason == "aten.nonzero.default"
    assert forecast.is_extrapolated(forecast.own.batch_size)
    assert not predicted.verified
    live = trainer_of(own("Picky", batch_size=5_000))
    train(live, 5_000)
    assert predicted.peak.tensor_bytes == pytest.approx(peak_of(live.timelines.values()).tensor_bytes, rel=0.01)
    # A model that runs on fake tensors is exact beyond reach too.
    assert not OwnForecast(own("Custom", batch_size=5_000)).is_extrapolated(5_000)


def test_without_workspace_nothing_is_run_for_real(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    monkeypatch.setattr(OwnForecast, "_real_lines", lambda self: made.append(1))
    predicted = OwnForecast(own("Custom", batch_size=64), workspace=False).prediction()
    assert (made, predicted.verified, predicted.peak.workspace_bytes) == ([], False, 0)


# The largest batch that fits.


@pytest.mark.parametrize(
    ("name", "limit_mb", "changes"),
    [
        ("Recurrent", 2, {}),
        ("strided", 4, {"optimizer": "sgd"}),
        ("Tied", 2, {"accumulate": 2}),
        ("Custom", 2, {"evaluate_with_grad": True, "zero_in_place": True}),
        *campaign(
            [
                ("wide_kernels", 2.5, {"optimizer": "adamw"}),
                ("residual", 4, {"checkpointing": True}),
                ("Transformer", 3, {"optimizer": "adam"}),
                ("residual", 6, {}),
                ("depthwise", 8, {"accumulate": 2}),
                ("Custom", 2, {}),
                ("Contrastive", 1, {}),
                ("InParts", 1, {}),
                ("Transformer", 2, {"evaluate_with_grad": True, "zero_in_place": True}),
            ]
        ),
    ],
)
def test_the_largest_batch_runs_under_the_limit_and_the_next_does_not(
    name: str, limit_mb: float, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The answer is within reach on the busiest machine, and the sizes far beyond it, which take seconds, are not.
    monkeypatch.setattr(own_forecast, "VERIFY_S", 1_000.0)
    monkeypatch.setattr(machine, "free_memory_bytes", lambda: round(4 * limit_mb * 2**20))
    described = own(name, memory_limit_mb=limit_mb, **changes)
    forecast = OwnForecast(described)
    largest = forecast.largest_batch_size()
    assert largest > 1

    def gets_through(size: int) -> bool:
        aside = forecast._peak(size).workspace_bytes
        trainer = trainer_of(described, limit=Limit(round(limit_mb * 2**20), aside), examples=size)
        try:
            train(trainer, size, accumulate=described.accumulate)
        except SimulatedOutOfMemoryError:
            return False
        return True

    assert gets_through(largest)
    assert not gets_through(largest + 1)


@pytest.mark.parametrize(("estimated", "measured"), [(0, 950), (950, 0), (0, 0)])
def test_measured_workspace_takes_precedence_over_an_estimate(
    estimated: int, measured: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def peak(size: int, *, verify: bool = True) -> Peak:
        return Peak(100 * size + (measured if verify else estimated), {}, "forward", "")

    forecast = OwnForecast(own("Custom", memory_limit_mb=1))
    monkeypatch.setattr(forecast, "_peak", peak)
    monkeypatch.setattr(forecast.workspaces, "furthest", 20_000)
    assert forecast.largest_batch_size() == (2**20 - measured) // 100


@pytest.mark.parametrize(
    ("name", "workspace"),
    [("Contrastive", True), ("InParts", False), *campaign([("Contrastive", False), ("InParts", True)])],
)
def test_bytes_that_are_not_linear_are_rehearsed_at_every_size(name: str, workspace: bool) -> None:  # noqa: FBT001
    forecast = OwnForecast(own(name, batch_size=400), workspace=workspace)
    live = trainer_of(own(name, batch_size=400))
    train(live, 400)
    assert forecast.prediction().peak.by_category == peak_of(live.timelines.values()).by_category
    assert not forecast.is_extrapolated(400)


def test_real_batches_take_precedence_over_lines_through_small_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_forecast, "VERIFY_S", 1_000.0)
    forecast = OwnForecast(own("ContrastiveOfSome", batch_size=400, memory_limit_mb=16))
    assert forecast.reason == "aten.nonzero.default"
    assert not forecast.workspaces.reaches(513)  # beyond 512 nothing is known
    assert forecast.is_extrapolated(forecast.largest_batch_size())
    live = trainer_of(own("ContrastiveOfSome", batch_size=520))
    train(live, 520)
    assert forecast._peak(520).tensor_bytes == pytest.approx(peak_of(live.timelines.values()).tensor_bytes, rel=0.02)


@pytest.mark.parametrize(("limit_mb", "within"), [(4, 0.02), *campaign([(16, 0.02), (64, 0.01)])])
def test_a_model_with_more_operations_in_a_larger_batch_is_extrapolated_and_marked(
    limit_mb: int, within: float
) -> None:
    forecast = OwnForecast(own("InParts", batch_size=64, memory_limit_mb=limit_mb), workspace=False)
    largest = forecast.largest_batch_size()
    assert forecast.is_extrapolated(largest)
    live = trainer_of(own("InParts", batch_size=largest))
    train(live, largest)
    assert peak_of(live.timelines.values()).tensor_bytes == pytest.approx(limit_mb * 2**20, rel=within)


@pytest.mark.parametrize("workspace", [False, True])
def test_a_size_that_the_model_cannot_take_does_not_fit(workspace: bool) -> None:  # noqa: FBT001
    described = own("NormOfOneValue", batch_size=64)
    two = OwnForecast(described, workspace=workspace)._peak(2).bytes

    def largest(limit_bytes: int) -> int:
        limited = OwnModel(**{**vars(described), "memory_limit_mb": limit_bytes / 2**20})
        return OwnForecast(limited, workspace=workspace).largest_batch_size()

    assert largest(two) == 2
    assert largest(two - 1) == 0  # one example is too few to train on
    assert largest(2**20) == 0  # less than the weights and their gradients


@pytest.mark.parametrize(
    ("name", "workspace"),
    [
        ("Capped", True),
        ("CappedContrastive", False),
        ("CappedContrastiveOfSome", True),
        *campaign([("Capped", False), ("CappedContrastive", True), ("CappedContrastiveOfSome", False)]),
    ],
)
def test_no_batch_is_found_or_run_beyond_what_the_model_can_take(name: str, workspace: bool) -> None:  # noqa: FBT001
    described = own(name, batch_size=32, memory_limit_mb=16)
    forecast = OwnForecast(described, workspace=workspace)
    live = trainer_of(described)
    train(live, 32)
    assert forecast.prediction().peak.by_category == peak_of(live.timelines.values()).by_category
    assert forecast.is_extrapolated(64) or forecast.largest_batch_size() == 64


def test_real_batches_grow_only_as_far_as_smaller_ones_show_that_they_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free = 64 * 2**20
    monkeypatch.setattr(machine, "free_memory_bytes", lambda: free)
    monkeypatch.setattr(own_forecast, "VERIFY_S", 1_000.0)
    forecast = OwnForecast(own("ContrastiveOfSome", batch_size=20_000))
    assert max(peak_of(seen).bytes for seen in forecast.workspaces.seen.values()) < free
    assert forecast.is_extrapolated(20_000)


def test_nothing_is_run_after_probes_that_take_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_forecast, "VERIFY_S", 0.0)
    for name in ("ContrastiveOfSome", "Capped"):
        forecast = OwnForecast(own(name, batch_size=32))
        assert set(forecast.workspaces.seen) <= {2, 3, 32}
        assert forecast.prediction().peak.bytes > 0


def test_a_subclass_of_sequential_is_not_split_by_checkpointing() -> None:
    plain, checkpointed = (own("TwiceThrough", batch_size=8, checkpointing=on) for on in (False, True))
    torch.manual_seed(0)
    rows = torch.randn(8, 40)
    answers = []
    for described in (plain, checkpointed):
        torch.manual_seed(1)
        answers.append(trainer_of(described).model(rows))
    assert torch.equal(*answers)


def test_no_batch_fits_below_the_memory_of_one_example() -> None:
    weights = 40 * 7_000 + 7_000 + 7_000 * 10 + 10
    assert 4 * weights > 2**20
    assert OwnForecast(own("wide", memory_limit_mb=1)).largest_batch_size() == 0


# The command.


TIED = ("--model", f"{OWN}:Tied", "--input", "12", "--input-dtype", "int64", "--batch-size", 64, "--optimizer", "sgd")


def test_the_command_answers_with_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", *map(str, TIED), "--memory-limit-mb", "2"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.count("\n") == 1
    answer = json.loads(out)
    assert list(answer) == [
        "model",
        "batch_size",
        "predicted_peak_bytes",
        "tensor_bytes",
        "workspace_bytes",
        "workspace_verified",
        "workspace_operations",
        "by_category",
        "phase",
        "module",
        "parameters",
        "largest_batch_size",
        "resting_by_category",
        "tensors",
        "largest",
        "not_on_fake_tensors",
        "came_in_evaluation_mode",
        "targets_per_batch",
        "threads",
    ]
    live = trainer_of(own("Tied", optimizer="sgd", batch_size=64))
    train(live, 64)
    assert answer["by_category"] == peak_of(live.timelines.values()).by_category
    assert answer["tensor_bytes"] == sum(answer["by_category"].values())
    assert answer["predicted_peak_bytes"] == answer["tensor_bytes"] + answer["workspace_bytes"]
    assert answer["parameters"] == 50 * 32 + 32 * 32 + 32
    assert (answer["model"], answer["batch_size"]) == (f"{OWN}:Tied", 64)
    assert (answer["tensors"], answer["not_on_fake_tensors"], answer["workspace_verified"]) == ("exact", None, True)
    assert answer["largest_batch_size"] > 64
    assert answer["largest"] in ("exact", "workspace estimated")  # the time decides whether it is run for real
    assert sum(answer["resting_by_category"].values()) == 4 * answer["parameters"]  # no state: plain SGD
    assert answer["came_in_evaluation_mode"] is False


def test_a_model_in_evaluation_mode_is_trained_in_training_mode(capsys: pytest.CaptureFixture[str]) -> None:
    def answer(name: str) -> dict[str, Any]:
        flags = ("--model", f"{OWN}:{name}", "--input", "3,16,16", "--batch-size", "8", "--no-workspace")
        assert main(["predict", *flags]) == 0
        return dict(json.loads(capsys.readouterr().out))

    awake, asleep = answer("residual"), answer("asleep")
    assert (awake["came_in_evaluation_mode"], asleep["came_in_evaluation_mode"]) == (False, True)
    assert asleep["tensor_bytes"] == awake["tensor_bytes"]


def test_a_limit_beyond_the_largest_batch_that_is_tried_is_answered_with_at_least(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = ("--model", f"{OWN}:row", "--input", "4", "--no-workspace", "--memory-limit-mb")
    for limit, largest in (("4096", "at least"), ("1", "exact")):
        assert main(["predict", *row, limit]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["largest"].startswith(largest)
        assert (answer["largest_batch_size"] == 1_000_000) is (largest == "at least")


def test_the_command_answers_with_a_table_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", *map(str, TIED), "--no-workspace", "--table"]) == 0
    lines = capsys.readouterr().out.splitlines()
    cells = {line.split()[0]: line.split()[1:] for line in lines if not line.startswith(" ")}
    live = trainer_of(own("Tied", optimizer="sgd", batch_size=64))
    train(live, 64)
    peak = peak_of(live.timelines.values())
    assert cells["tensor_bytes"] == [f"{peak.tensor_bytes:,}", f"{peak.tensor_bytes / 2**20:.2f}", "MiB"]
    assert cells["parameters"][0] == "2,656"
    assert cells["largest_batch_size"] == ["none"]  # no limit was set
    assert cells["workspace_verified"] == ["no"]
    assert "by_category" in cells
    assert any(line.startswith("  optimizer state ") for line in lines)
