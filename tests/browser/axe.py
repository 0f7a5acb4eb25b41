"""Ask axe what keeps people out of a page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

# The background of `theme.light` and of `theme.dark` in .streamlit/config.toml.
BACKGROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(14, 16, 20)"}
FADED_IN = (
    "document.getAnimations().every(each => each.playState !== 'running' || each.effect.getTiming().iterations > 1)"
)


def serious_in_both_lights(page: Page) -> list[str]:
    """Return what axe finds serious or critical in the light theme and in the dark one, with the first places."""
    found = []
    for scheme, background in BACKGROUNDS.items():
        page.emulate_media(color_scheme=scheme)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
        page.wait_for_function(FADED_IN)
        found += [
            f"{scheme}: {each['id']}: {[node['target'] for node in each['nodes'][:4]]}"
            for each in Axe().run(page).response["violations"]
            if each["impact"] in ("serious", "critical")
        ]
    return found
