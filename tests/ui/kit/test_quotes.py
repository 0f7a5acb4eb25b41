"""What one page quotes of another: one number on three pages, and factors that are those of the shipped results."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.claims import results
from core.comparison import shipped
from core.comparison.fall import fall
from core.schedule_bench import results as bench
from core.science.statistics import geometric_mean
from ui.kit import quotes

App = Callable[..., AppTest]
PAGES = {"compare": {"preset": "large_to_small"}, "trajectories": {"path_view": "rates"}, "schedules": {}}


def test_the_number_is_the_ratio_of_the_recorded_ends() -> None:
    ends = [geometric_mean(course.newest("excess_loss")) for course in shipped.load("large_to_small").courses]
    assert fall().high == pytest.approx(ends[0] / ends[2])
    assert fall().low == pytest.approx(ends[1] / ends[2])
    assert min(fall().high, fall().low) > 10  # the picture needs both


@pytest.mark.parametrize("name", PAGES)
def test_each_page_shows_the_number_and_links_to_the_others(name: str, app: App) -> None:
    test = app().switch_page(f"pages/{name}.py")
    for parameter, value in PAGES[name].items():
        test.query_params[parameter] = value
    test.run()
    assert not test.exception
    (text,) = [each.value for each in test.markdown if each.value.startswith("**Why from large to small.**")]
    assert f"ends **{fall().high:.3g} times** closer" in text
    assert f"{fall().low:.3g} times closer than one that stays at 0.5" in text
    links = {each.proto.label for each in test.get("page_link")}
    assert {page.title() for page in PAGES if page != name} <= links


def test_pages_with_the_same_question_quote_each_other() -> None:
    claims = {each.arm: each for found in results.load().claims.values() for each in found.outcomes}
    small, large = (1 / (claims[arm].effect_ratio or 0) for arm in ("small_batch", "large_batch"))
    tuned, alike = (getattr(bench.load()[16], name)["cosine"].ratio for name in ("against", "against_alike"))
    factors = [f"{small:.3g}", f"{large:.3g}", f"{fall().high:.3g}", f"{1 / tuned:.1f} times closer"]
    factors += [f"{1 / alike:.0f} times closer", f"{bench.load()[256].against_alike['cosine'].ratio:.1f} times farther"]
    for text in (quotes.claim("C10"), quotes.preset("large_to_small"), quotes.schedules()):
        assert [factor for factor in factors if factor not in text] == []
    ends = [geometric_mean(course.newest("excess_loss")) for course in shipped.load("beyond_curvature").courses]
    for text in (quotes.claim("C9"), quotes.preset("beyond_curvature")):
        assert f"{claims['beyond_curvature'].effect_ratio:.3g}" in text
        assert f"{ends[0] / ends[1]:.3g}" in text
    assert quotes.claim("C1") == quotes.preset("article") == ""
