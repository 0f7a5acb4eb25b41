"""A disabled button says why: in its help and, for those who do not hover, in a text on the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

App = Callable[..., AppTest]
REFUSED = {"dataset": "digits", "batch_size": 5_000}


def check(test: AppTest) -> set[str]:
    """Check that the help of each disabled button stands on the page too, and return the keys of these buttons."""
    assert not test.exception
    texts = " ".join(item.value for item in (*test.markdown, *test.caption))
    disabled = [each for each in test.button if each.disabled]
    for each in disabled:
        reason = (each.help or "").removeprefix("Cannot train with these settings. ").rstrip(".")
        assert reason
        assert reason in texts, each.key
    return {str(each.key) for each in disabled}


@pytest.mark.parametrize(
    ("query", "disabled"),
    [
        ({}, {"pause", "stop"}),
        ({"seed": 1}, {"pause", "stop"}),
        (REFUSED, {"pause", "stop", "start", "start_in_drawer", "one_update", "one_epoch"}),
    ],
)
def test_on_the_live_page(query: dict[str, Any], disabled: set[str], app: App) -> None:
    test = app(**query)
    assert check(test) == disabled
    csv = test.get_by_key("csv")
    assert csv.disabled == bool(query)
    assert ("There is nothing to download" in " ".join(item.value for item in test.caption)) == csv.disabled


def test_on_compare_with_too_few_and_too_many_arms(app: App) -> None:
    test = app().switch_page("pages/compare.py").run()
    assert check(test) == {"compare_pause", "compare_stop"}
    for _ in range(4):
        test.button(key="add_form").click().run()
    assert {"compare_stop", "add_form"} <= check(test)
    for left in range(5, -1, -1):
        test.button(key="arm_remove_0").click().run()
        assert ("compare_start" in check(test)) == (left < 2)


@pytest.mark.parametrize(
    ("page", "field", "disabled"),
    [
        ("claims", "claims_first_seed", {"run_claim", "run_all_claims"}),
        ("schedules", "schedules_first_seed", {"run_schedules"}),
        ("trajectories", None, set()),
    ],
)
def test_on_the_other_pages(page: str, field: str | None, disabled: set[str], app: App) -> None:
    test = app().switch_page(f"pages/{page}.py").run()
    assert check(test) == set()
    if field:
        test.number_input(key=field).set_value(-1).run()
    assert check(test) == disabled
