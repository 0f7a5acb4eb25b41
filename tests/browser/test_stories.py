"""What a visitor comes for, over several pages: three batch sizes in one picture, and one number on three pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import ENGINE_WAIT_MS, button
from ui.charts.compare import ARM_COLOURS

THREE = "arms=batch_size:100,budget_value:1;batch_size:10,budget_value:1;batch_size:1000,budget_value:1&compare_seeds=1"


def colours(picture: Path) -> set[str]:
    """Return the colours of a picture, without what smooths its edges."""
    with Image.open(picture) as image:
        found = image.convert("RGB").getcolors(maxcolors=2**24) or []
    return {f"#{red:02x}{green:02x}{blue:02x}" for count, (red, green, blue) in found if count > 20}


def test_three_batch_sizes_leave_in_a_picture_with_their_legend(
    server: Server, visit: Callable[..., Visit], tmp_path: Path
) -> None:
    page = visit(f"{server.url}/compare?{THREE}").page
    button(page, "compare_start").click()
    expect(page.locator(".st-key-compare_verdict")).to_contain_text("Finished in", timeout=ENGINE_WAIT_MS)
    legend = page.locator(".st-key-compare_charts .marks").first.locator(".role-legend-label text")
    expect(legend).to_have_text([re.compile("100$"), re.compile("10$"), re.compile("1,000$")])
    box = page.locator(".st-key-compare_charts .marks").first.bounding_box()
    below = legend.last.bounding_box()
    assert box is not None
    assert below is not None
    with page.expect_download() as download:
        page.locator("[aria-label='Download as PNG: Batch loss of all arms']").dispatch_event("click")
    download.value.save_as(tmp_path / "chart.png")
    with Image.open(tmp_path / "chart.png") as picture:
        assert picture.size == (2 * int(box["width"]), 2 * int(box["height"]))
        top = picture.crop((0, 0, picture.width, int(2 * (below["y"] + below["height"] - box["y"]))))
        top.save(tmp_path / "legend.png")  # its symbols are above the plot
    assert set(ARM_COLOURS[:3]) <= colours(tmp_path / "legend.png")


def test_high_low_and_high_to_low_have_one_number_on_three_pages(server: Server, visit: Callable[..., Visit]) -> None:
    numbers = set()
    page = visit(f"{server.url}/trajectories?path_view=rates").page
    for name in ("trajectories", "compare", "schedules"):
        quote = page.locator(f".st-key-fall_{name}")
        expect(page.locator("[data-testid=stMain]")).to_contain_text(re.compile(r"times closer than one that stays"))
        expect(quote).to_be_visible()
        text = page.locator("[data-testid=stMain]").inner_text()
        numbers.add(tuple(re.findall(r"ends ([\d.]+) times closer to the optimum .* and ([\d.]+) times", text)))
        links = quote.get_by_role("link")
        if name != "schedules":
            links.filter(has_text={"trajectories": "Compare", "compare": "Schedules"}[name]).click()
    assert len(numbers) == 1
    ((pair,),) = numbers
    assert all(float(number) > 10 for number in pair)
