"""Find what keeps people out of a page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

# The background of `theme.light` and of `theme.dark` in .streamlit/config.toml.
BACKGROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(14, 16, 20)"}
VIOLATIONS = {"resultTypes": ["violations"]}
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}  # the rules whose answer a theme can change
FADED_IN = (
    "document.getAnimations().every(each => each.playState !== 'running' || each.effect.getTiming().iterations > 1)"
)
# Text of charts, which axe does not judge: less than 12 px high, or with a contrast of less than 4.5.
HARD_TO_READ = """background => {
    const channels = text => text.match(/[\\d.]+/g).map(Number)
    const luminance = rgb => rgb.slice(0, 3).map(each => each / 255)
        .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
        .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0)
    const behind = channels(background)
    const found = new Set()
    for (const text of document.querySelectorAll("[data-testid=stVegaLiteChart] svg text")) {
        const box = text.getBoundingClientRect(), style = getComputedStyle(text)
        if (!box.width || !text.textContent.trim()) continue
        // A name on a bar is black or white, and the rim of a label has the page's colour.
        if (["rgb(0, 0, 0)", "rgb(255, 255, 255)", background].includes(style.fill)) continue
        let seen = 1
        for (let each = text; each.tagName !== "svg"; each = each.parentElement) seen *= getComputedStyle(each).opacity
        seen *= style.fillOpacity
        if (!seen) continue
        const front = channels(style.fill).slice(0, 3).map((each, index) => seen * each + (1 - seen) * behind[index])
        const [dark, light] = [luminance(front), luminance(behind)].sort((a, b) => a - b)
        const contrast = (light + 0.05) / (dark + 0.05), size = parseFloat(style.fontSize)
        if (contrast < 4.5 || size < 12)
            found.add(`${text.textContent}: ${size} px, contrast ${contrast.toFixed(1)}, ${style.fill}`)
    }
    return [...found]
}"""


def serious_in_both_lights(page: Page) -> list[str]:
    """Return what is hard to use in the light theme and in the dark one.

    That is what axe finds serious or critical, with the first places, and text of charts that is small or faint.
    """
    found = []
    for (scheme, background), rules in zip(BACKGROUNDS.items(), ({}, COLOURS), strict=True):
        page.emulate_media(color_scheme=scheme)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
        page.wait_for_function(FADED_IN)
        found += [
            f"{scheme}: {each['id']}: {[node['target'] for node in each['nodes'][:4]]}"
            for each in Axe().run(page, options=VIOLATIONS | rules).response["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        found += [f"{scheme}: {each}" for each in page.evaluate(HARD_TO_READ, background)]
    return found
