"""Tables of numbers for a person at a terminal."""

from __future__ import annotations

from core.commands.tables import table
from core.words.catalogue import catalogue


def test_every_value_has_a_line_and_bytes_are_also_in_the_unit_of_their_size() -> None:
    values = {"model": "mlp", "peak_bytes": 3_145_728, "parameters": 41_802, "rate": 0.05}
    assert table(values, catalogue()).splitlines() == [
        "model       mlp",
        "peak_bytes         3,145,728             3 MiB",
        "parameters            41,802",
        "rate        0.05",
    ]


def test_values_of_an_object_are_indented_and_in_bytes() -> None:
    values = {"by_category": {"gradients": 1_048_576, "batch": 0}, "operations": {}}
    assert table(values, catalogue()).splitlines() == [
        "by_category",
        "  gradients         1,048,576             1 MiB",
        "  batch                     0             0 MiB",
        "operations   none",
    ]


def test_booleans_and_none_are_words() -> None:
    values = {"verified": True, "extrapolated": False, "largest_batch_size": None}
    assert table(values, catalogue()).splitlines() == [
        "verified            yes",
        "extrapolated        no",
        "largest_batch_size  none",
    ]


def test_numbers_stay_in_one_column_up_to_the_memory_of_a_large_machine() -> None:
    lines = table({"first_bytes": 7, "second_bytes": 80 * 2**30}, catalogue()).splitlines()
    assert [len(line) for line in lines] == [len(lines[0])] * 2
    assert lines[0].endswith("7 B")
    assert lines[1].split() == ["second_bytes", "85,899,345,920", "80", "GiB"]


def test_no_line_ends_in_spaces_whatever_the_longest_name() -> None:
    text = table({"a": "", "a_name_that_is_much_longer": {"b": None}}, catalogue())
    assert [line for line in text.splitlines() if line != line.rstrip()] == []
