"""The records of the pages, and what is derived from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.run.config import FIELDS
from ui.schedules import page as schedules_page
from ui.shell import pages
from ui.shell.text import say

App = Callable[..., AppTest]
ROOT = Path(__file__).parents[3]


def test_each_script_in_pages_has_one_record() -> None:
    scripts = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "pages").glob("*.py"))
    assert sorted(page.script for page in pages.PAGES) == scripts


def test_the_menu_has_the_pages_in_their_order() -> None:
    titles = [say(page.title_key) for page in pages.PAGES]
    assert titles == ["Train live", "Trajectories", "Memory", "Compare", "Claims", "Schedules", "About"]


def test_no_two_pages_share_a_url() -> None:
    urls = [url for page in pages.PAGES for url in (page.url, *page.aliases)]
    assert urls == ["train", "live", "trajectories", "memory", "compare", "claims", "schedules", "about"]


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_each_page_opens_from_its_record_and_ends_with_the_question_of_the_next(app: App, page: pages.Page) -> None:
    test = app().switch_page(page.script).run()
    assert not test.exception
    assert say(page.title_key) in [title.value for title in test.title]
    following = pages.PAGES[(pages.PAGES.index(page) + 1) % len(pages.PAGES)]
    link = test.get("page_link")[-1].proto
    assert (link.page, link.label) == (following.path, say(f"next.{page.name}"))


def test_no_parameter_of_a_page_is_a_setting() -> None:
    assert [name for name in FIELDS if pages.is_known(name)] == []


def test_the_records_list_what_the_pages_read(app: App) -> None:
    assert pages.BY_NAME["schedules"].parameters == tuple(schedules_page.FIRST)
    trajectories = pages.BY_NAME["trajectories"]
    test = app().switch_page(trajectories.script).run()
    for name in ("path_problem", "path_small", "path_large", "path_rate", "path_rule", "path_seed"):
        assert trajectories.reads(name)
        assert test.get_by_key(name).key == name


@pytest.mark.parametrize(
    "name", ["run", "path_rate", "preset", "comparison", "claim", "embed", "embed_options", "utm_source", "fbclid"]
)
def test_a_known_parameter_is_left_in_the_address(app: App, name: str) -> None:
    assert pages.is_known(name)
    test = app(**{name: "something"})
    assert [warning.value for warning in test.warning] == []
    assert name in test.query_params or name == "run"  # a run that does not exist is reported and taken out


@pytest.mark.parametrize("name", ["runs", "my_path_rate", "embedded", "arm", "batch", "peak"])
def test_an_unknown_parameter_is_reported_and_left_out(app: App, name: str) -> None:
    test = app(**{name: "something"})
    assert f"'{name}' is not a setting of a run" in test.warning[0].value
    assert name not in test.query_params
