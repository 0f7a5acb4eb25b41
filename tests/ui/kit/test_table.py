"""Tables of results: escaped texts, header cells, a chosen row, and a region that can be scrolled."""

from __future__ import annotations

from ui.kit.table import table


def test_a_table_is_a_labelled_region_that_takes_the_focus() -> None:
    assert table(("Arm", "Loss"), [("A", "0.1"), ("B", "0.2")], label="Results", name="ends") == (
        "<div class='wide' role='region' tabindex='0' aria-label='Results'><table class='results ends'>"
        "<tr><th scope='col'>Arm</th><th scope='col'>Loss</th></tr>"
        "<tr><td>A</td><td>0.1</td></tr><tr><td>B</td><td>0.2</td></tr></table></div>"
    )


def test_texts_are_escaped() -> None:
    written = table(("<b>",), [("a & b",)], label="it's")
    assert "<th scope='col'>&lt;b&gt;</th>" in written
    assert "<td>a &amp; b</td>" in written
    assert "aria-label='it&#x27;s'" in written


def test_the_chosen_row_is_marked() -> None:
    written = table(("Arm",), [("A",), ("B",)], label="Results", chosen=1)
    assert "<tr><td>A</td></tr><tr class='chosen'><td>B</td></tr>" in written


def test_numeric_columns_are_marked_in_the_head_and_in_each_row() -> None:
    written = table(("Arm", "Loss"), [("A", "0.1")], label="Results", numeric=(1,))
    assert "<th scope='col'>Arm</th><th scope='col' class='number'>Loss</th>" in written
    assert "<td>A</td><td class='number'>0.1</td>" in written


def test_a_table_without_a_head_has_no_header_cells() -> None:
    assert "<table class='results'><tr><td>A</td></tr></table>" in table((), [("A",)], label="Results")
