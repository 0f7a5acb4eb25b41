"""Words by their key, sentences of the engine with the names on the screen, and numbers as people write them."""

from __future__ import annotations

import pytest

from core.run.config import FIELDS
from core.words.catalogue import catalogue
from core.words.errors import Problem
from ui.shell.text import duration, explain, label, loss_text, mib, number, plain, say, setting


def test_a_key_is_said_with_its_values() -> None:
    assert say("card.updates.value", done="3", planned="500") == "3 / 500"


@pytest.mark.parametrize(("key", "values"), [("no.such.key", {}), ("card.updates.value", {"done": "3"})])
def test_an_unknown_key_or_a_missing_value_is_an_error(key: str, values: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        say(key, **values)


# Sentences of the engine.


@pytest.mark.parametrize(
    ("code", "values", "said"),
    [
        (
            "out_of_bounds",
            {"field": "batch_size", "low": 1, "high": 10_000, "value": 0},
            "Batch size must be between 1 and 10,000, got 0",
        ),
        (
            "out_of_bounds",
            {"field": "lr", "low": 1e-8, "high": 1_000.0, "value": -1.0},
            "Learning rate must be between 10\u207b\u2078 and 1,000, got -1",
        ),
        (
            "arm_refused",
            {"number": 2, "reason": Problem("not_whole", {"field": "hidden", "low": 1, "high": 2, "value": "[x]"})},
            "Arm 2 cannot be trained: hidden layers must be a whole number between 1 and 2, got '\uff3bx\uff3d'",
        ),
        (
            "not_a_choice",
            {"field": "dataset", "choices": "moons, spirals", "value": "mnist"},
            "Data set must be one of moons, spirals, got 'mnist'",
        ),
        (
            "norm_not_for_model",
            {"norm": "group", "model": "mlp", "choices": "none, batch, layer"},
            "Normalisation 'group' is not available for the model 'mlp'; choose one of none, batch, layer",
        ),
        (
            "batch_larger_than_dataset",
            {"examples": 1_437, "dataset": "digits", "batch_size": 5_000},
            "Batch size must be between 1 and 1437 (the size of 'digits'), got 5000",
        ),
        (
            "no_full_window",
            {"batch_size": 1_000, "accumulate": 2, "effective": 2_000, "dataset": "digits", "examples": 1_437},
            "Dropping the last batch would drop every example: a window holds 1000 x 2 = 2000 examples, but 'digits' "
            "has only 1437; keep the last batch, or lower batch size or accumulate",
        ),
        (
            "batch_norm_of_one",
            {},
            "Batch normalisation cannot train on a batch of one example; set batch size to at "
            "least 2 and drop the last batch, or choose another norm",
        ),
        ("unwatched", {}, "Stopped because no page was watching the run"),
        ("killed", {"signal": 9}, "The training process was terminated from outside by signal 9"),
    ],
)
def test_a_sentence_of_the_engine_names_settings_as_the_screen_does(
    code: str, values: dict[str, object], said: str
) -> None:
    assert explain(code, values) == said


def test_a_code_that_counts_bytes_is_said_in_mib_where_the_screen_has_words_of_its_own() -> None:
    assert "bytes" in catalogue().entries["problem.not_enough_memory"]
    said = explain("not_enough_memory", {"needed": 3 * 2**30, "free": 5 * 2**20})
    assert said == (
        "The run needs 3 GiB of this machine's memory, but only 5 MiB is free; "
        "lower the batch size or choose a smaller model"
    )


def test_parameters_of_a_url_are_named_as_they_are_written_there() -> None:
    said = explain("unknown_field", {"field": "batchsize", "choices": "dataset, batch_size, drop_last"})
    assert said == "'batchsize' is not a setting of a run; the settings are dataset, batch_size, drop_last"


def test_a_name_of_a_file_is_left_alone() -> None:
    assert "/home/lr/batch_size.sqlite" in explain(
        "store_corrupt", {"where": "/home/lr/batch_size.sqlite", "cause": "damaged"}
    )


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_has_a_label_and_a_name_inside_a_sentence(name: str) -> None:
    assert label(name)[0].isupper()
    assert setting(name)[0].islower()
    assert "_" not in label(name) + setting(name)


def test_a_label_in_front_of_a_value_is_shorter_than_that_of_the_form() -> None:
    assert label("batch_size") == "Batch size"
    assert label("lr") == "Learning rate"  # the form's own label says that it is the peak
    assert label("drop_last") == "Dropping the last batch"


def test_the_value_of_a_budget_is_named_by_its_unit_inside_a_sentence() -> None:
    assert setting("budget_value") == "budget"
    assert setting("budget_value", budget="epochs") == "epochs"
    assert setting("batch_size", budget="epochs") == "batch size"


# Numbers.


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (10_000, "10,000"),
        (10_000.0, "10,000"),
        (0.05, "0.05"),
        (1e-8, "10\u207b\u2078"),
        (2.5, "2.5"),
        (-3, "-3"),
        (2**32 - 1, "4,294,967,295"),
    ],
)
def test_a_number_has_grouped_digits_and_no_extra_ones(value: float, said: str) -> None:
    assert number(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "\u2014"),
        ((128, 64), "128-64"),
        ([7], "7"),
        (True, "on"),
        (False, "off"),
        (1_000, "1,000"),
        (0.25, "0.25"),
        ("one-cycle", "one-cycle"),
    ],
)
def test_a_setting_is_written_as_in_the_form(value: object, said: str) -> None:
    assert plain(value) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 MiB"),
        (2**20, "1 MiB"),
        (1_500_000, "1.43 MiB"),
        (1, "1 B"),
        (1_023, "1023 B"),
        (1_024, "1.0 KiB"),
        (4_032, "3.9 KiB"),
        (20_480, "20.0 KiB"),
        (2**19, "0.50 MiB"),
        (300 * 2**20, "300 MiB"),
        (1023 * 2**20, "1,023 MiB"),
        (2**30, "1 GiB"),
        (1536 * 2**20, "1.5 GiB"),
        (80 * 2**30, "80 GiB"),
    ],
)
def test_bytes_are_said_in_mib_and_from_1024_on_in_gib(size: int, said: str) -> None:
    assert mib(size) == said


def test_bytes_have_as_many_digits_as_asked_for() -> None:
    assert mib(1_500_000, digits=0) == "1 MiB"
    assert mib(1_500_000, digits=3) == "1.431 MiB"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0s"),
        (0.0004, "1ms"),
        (0.0284, "28ms"),
        (0.0951, "0.1s"),
        (0.44, "0.4s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (12.4, "12s"),
        (59.4, "59s"),
        (59.6, "1m 0s"),
        (185, "3m 5s"),
        (3_599.6, "1h 0m"),
        (7_800, "2h 10m"),
        (86_400, "24h 0m"),
        (3_600_000, "1,000h 0m"),
    ],
)
def test_a_time_is_said_as_a_person_would(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (2.302585, "2.3"),
        (0.123456, "0.123"),
        (0.0, "0"),
        (1.5e-7, "1.5\u00d710\u207b\u2077"),
        (12.345, "12.3"),
        (999.4, "999"),
        (999.7, "1,000"),
        (-999.7, "\u22121,000"),
        (-0.25, "\u22120.25"),
        (-1.5e-7, "\u22121.5\u00d710\u207b\u2077"),
        (1_234.5, "1,234"),
        (1e9, "1,000,000,000"),
        (3.4e38, "3.4\u00d710\u00b3\u2078"),
        (-3.4e38, "\u22123.4\u00d710\u00b3\u2078"),
    ],
)
def test_a_loss_has_three_significant_digits(value: float, said: str) -> None:
    assert loss_text(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [(float("nan"), "not a number"), (float("inf"), "\u221e"), (float("-inf"), "\u2212\u221e")]
)
def test_a_loss_that_is_not_finite_is_written_in_words_or_as_a_sign(value: float, said: str) -> None:
    assert loss_text(value) == said


def test_text_from_a_url_is_neither_a_link_nor_a_picture() -> None:
    text = "[Log in](https://evil.example) ![x](y) <b> `c` :red[d] $e$"
    said = explain("unknown_field", {"field": text, "choices": "x"})
    assert not set("[]<>`$") & set(said)
    assert len(explain("unknown_field", {"field": "x" * 5_000, "choices": "y"})) < 400
