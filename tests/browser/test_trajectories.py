"""The trajectories page in a browser: its pictures, scrubbing, playing, and a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import serious_in_both_lights
from tests.browser.conftest import WIDE, Server, Visit
from tests.browser.steps import ENGINE_WAIT_MS, PHONE, button, wait_until_it_fits_sideways
from tests.browser.test_charts import CHARTS, tag, tags


def open_page(visit: Callable[..., Visit], server: Server, query: str = "", **options: object) -> Page:
    page = visit(f"{server.url}/trajectories{query}", **options).page
    expect(page.locator(".st-key-trajectories_panels .marks")).to_have_count(2)
    expect(page.locator(".st-key-trajectories_more .marks")).to_have_count(4)
    return page


def titles(page: Page) -> Locator:
    """Return what stands over the two paths."""
    return page.locator(".st-key-trajectories_panels p").filter(has_text="epochs")


def slider(page: Page) -> Locator:
    return page.locator(".st-key-trajectories_position").get_by_role("slider")


def choose(page: Page, name: str) -> None:
    page.locator(".st-key-trajectories_more").get_by_text(name).click()


def position(page: Page) -> int:
    found = re.search(r"Update (\d+) of 256", titles(page).first.inner_text())
    assert found
    return int(found[1])


def expect_points(page: Page, count: int) -> None:
    """Wait until both pictures have so many points of their path."""
    for marks in page.locator(".st-key-trajectories_panels .marks").all():
        expect(marks.locator(".layer_3_marks path")).to_have_count(count)


def test_two_paths_and_the_two_by_two_are_drawn_and_follow_scrubbing_and_playing(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = open_page(visit, server)
    expect(titles(page).first).to_contain_text("Update 256 of 256")
    expect(titles(page).last).to_contain_text("Update 256 of 256")
    for each in page.locator(".st-key-trajectories_panels .marks").all():
        expect(each).to_contain_text("start")
        expect(each).to_contain_text("optimum")
        expect(each).to_contain_text("weight 1")
    expect_points(page, 257)
    pictures = page.locator(".st-key-trajectories_more .marks").all()
    tops, lefts = ({round(each.bounding_box()[side]) for each in pictures} for side in ("y", "x"))
    assert len(tops) == len(lefts) == 2
    count = tag(page)
    slider(page).focus()
    slider(page).press("Home")
    expect(titles(page).first).to_contain_text("Update 0 of 256 \u00b7 0.00 epochs")
    expect(page.locator(".st-key-trajectories_panels")).to_contain_text("No turn yet")
    expect(page.locator(".st-key-trajectories_compared")).to_contain_text("Nothing to compare yet.")
    for _ in range(12):  # faster than the page answers: no press may be lost
        slider(page).press("ArrowRight")
    expect(titles(page).first).to_contain_text("Update 12 of 256 \u00b7 0.09 epochs")
    expect(titles(page).last).to_contain_text("Update 12 of 256 \u00b7 1.50 epochs")
    expect(page.locator(".st-key-trajectories_panels")).not_to_contain_text("No turn yet")
    expect_points(page, 13)
    button(page, "trajectories_step").click()
    expect(titles(page).first).to_contain_text("Update 13 of 256")
    button(page, "trajectories_play").click()
    expect(button(page, "trajectories_play")).to_have_text(re.compile("Pause"))
    expect(titles(page).first).to_contain_text(re.compile(r"Update (2[4-9]|[3-9]\d) of"))
    button(page, "trajectories_play").click()
    expect(button(page, "trajectories_play")).to_have_text(re.compile("Play"))
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.wait_for_timeout(500)  # for a refresh that was under way when it was pressed
    stands = position(page)
    page.wait_for_timeout(1_000)
    assert position(page) == stands
    expect_points(page, stands + 1)
    expect(slider(page)).to_have_value(str(stands))
    button(page, "trajectories_play").click()  # from there on
    expect(titles(page).first).not_to_contain_text(f"Update {stands} of")
    assert position(page) > stands
    slider(page).focus()
    slider(page).press("End")  # moving the slider also stops playing
    expect(titles(page).first).to_contain_text("Update 256 of 256")
    expect(button(page, "trajectories_play")).to_have_text(re.compile("Play"))
    page.locator(".st-key-trajectories_mode").get_by_text("equal epochs").click()
    slider(page).focus()
    slider(page).press("End")
    expect(titles(page).first).to_contain_text("Update 256 of 256 \u00b7 2.00 epochs")
    expect(titles(page).last).to_contain_text("Update 16 of 16 \u00b7 2.00 epochs")
    expect(page.locator(CHARTS)).to_have_count(count)
    assert tags(page) == list(range(count))  # every chart kept its node


@pytest.mark.campaign
def test_play_stops_at_the_end(server: Server, visit: Callable[..., Visit]) -> None:
    page = open_page(visit, server)
    slider(page).focus()
    slider(page).press("End")
    for _ in range(3):
        slider(page).press("PageDown")
    expect(titles(page).first).not_to_contain_text("Update 256 of")
    button(page, "trajectories_play").click()
    expect(titles(page).first).to_contain_text("Update 256 of 256", timeout=ENGINE_WAIT_MS)
    expect(button(page, "trajectories_play")).to_have_text(re.compile("Play"))


def test_the_url_sets_all_inputs_and_they_survive_another_page(server: Server, visit: Callable[..., Visit]) -> None:
    page = open_page(visit, server, "?path_problem=logistic&path_large=256&path_rule=scaled&path_seed=3&path_small=7")
    expect(titles(page).last).to_contain_text("Batch size 256, rate 3.2")
    expect(titles(page).first).to_contain_text("Batch size 8, rate 0.1")  # batch size 7 is not offered
    said = page.locator(".st-key-trajectories_panels p").all_inner_texts()
    page.get_by_role("link", name="Train live").first.click()
    expect(page.locator(".st-key-sentence")).to_be_visible()
    expect(page.get_by_text("is not a setting")).to_have_count(0)
    page.get_by_role("link", name="Trajectories").first.click()
    expect(titles(page).last).to_contain_text("Batch size 256, rate 3.2")
    expect(page.locator(".st-key-trajectories_panels p")).to_have_text(said)
    page.locator(".st-key-path_seed").get_by_test_id("stNumberInputStepUp").click()
    expect(page).to_have_url(re.compile("path_seed=4"))
    expect(page.locator(".st-key-path_seed input")).to_have_value("4")


def test_a_phone_shows_one_path_below_the_other_and_axe_finds_nothing_serious(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = open_page(visit, server, "?path_rule=scaled&path_large=1024", viewport=PHONE)
    wait_until_it_fits_sideways(page)
    first, second = (each.bounding_box() for each in page.locator(".st-key-trajectories_panels .marks").all())
    assert first
    assert second
    assert first["x"] == second["x"]
    assert first["y"] + first["height"] < second["y"]
    assert first["y"] < PHONE["height"] * 0.8  # the first picture is in sight
    player = button(page, "trajectories_play").bounding_box()
    assert player
    assert second["y"] + second["height"] - player["y"] < PHONE["height"] - 60  # both in one view, with the player
    page.set_viewport_size(WIDE)
    assert serious_in_both_lights(page) == []
    choose(page, "Gradient cloud")
    expect(page.locator(".st-key-trajectories_more table")).to_be_visible()
    assert serious_in_both_lights(page) == []
