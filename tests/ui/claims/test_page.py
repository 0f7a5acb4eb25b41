"""The page of claims: full at first sight, and what becomes of an experiment that is run again."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from streamlit.testing.v1 import AppTest

from core.claims.claims import CLAIMS
from core.claims.results import Results, collect, load
from core.host.process import Answer
from core.science.trials import Findings
from core.words.errors import HostError, Problem
from tests.campaign import campaign
from tests.core.claims.arms import pair
from ui.claims import page as claims_page

App = Callable[..., AppTest]
VERDICTS = {
    "C1": "Conditional",
    "C2": "Words",
    "C3": "Conditional",
    "C4": "Supported",
    "C5": "Conditional",
    "C6": "Refuted",
    "C7": "Conditional",
    "C8": "Conditional",
    "C9": "Conditional",
    "C10": "Conditional",
    "C11": "Refuted",
    "C12": "Words",
}


@dataclass
class Engine:
    """Asks nobody: what was asked of it, and the answers, which a test gives."""

    asked: list[tuple[str, int, int]] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    refuses: bool = False

    def claim(self, code: str, *, first_seed: int, seeds: int) -> Answer:
        if self.refuses:
            raise HostError(Problem("no_host", {"cause": "no memory"}))
        self.asked.append((code, first_seed, seeds))
        self.answers[code] = Answer()
        return self.answers[code]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setattr(claims_page, "engine", lambda: engine)
    return engine


@pytest.fixture
def page(app: App, engine: Engine) -> App:
    def open_page(**query: object) -> AppTest:
        return app(**query).switch_page("pages/claims.py").run()

    return open_page


def words(test: AppTest) -> str:
    assert not test.exception
    return "\n".join([*(item.value for item in test.markdown), *(item.value for item in test.caption)])


def table(test: AppTest) -> dict[str, str]:
    """Return the verdict of each claim in the table of all."""
    (body,) = [item.proto.body for item in test.get("html") if "class='claims'" in item.proto.body]
    return {code: verdict for code, _, verdict, _ in re.findall("<tr>" + "<td>(.*?)</td>" * 4 + "</tr>", body)}


def pills(test: AppTest) -> list[str]:
    (choice,) = test.get("button_group")
    return [f"{option.content_icon} {option.content}" for option in choice.proto.options]


def pictures(test: AppTest) -> list[str]:
    return [each.proto.alt for each in test.get("vega_lite_chart")]


def some(code: str, ratios: list[float]) -> Results:
    """Return the results of one claim with one comparison that is made up."""
    shipped = load()
    found = {code: (Findings([pair(ratios)]), 2.5)}
    return collect(found, fingerprint=shipped.fingerprint, seeds=range(40, 50), when=shipped.date)


# At first sight.


def test_the_page_is_full_before_anything_is_run(page: App, engine: Engine) -> None:
    test = page()
    assert table(test) == VERDICTS
    assert list(VERDICTS) == list(CLAIMS)
    text = words(test)
    assert "#### \u201c최적해 근처에서 수렴하지 못하는 문제점\u201d" in text
    assert ":blue-badge[:material/call_split: Conditional]" in text
    assert "C9. (A large batch) may not converge near the optimum." in text
    assert "Computed beforehand on " in text
    assert "seeds 0 to 9" in text
    assert "verdicts corrected for 21 tests" in text
    assert re.search(
        r"\*\*Equal epochs, rate scaled:\*\* Loss above the optimum: within 25%; B = 256, rate 16 is 15% lower \(.*\), "
        r"p = 0.002",
        text,
    )
    assert "Holds: Equal epochs, one rate; Rate scaled beyond the curvature." in text
    assert [alt for alt in pictures(test) if alt.startswith("The effect of each comparison")]
    assert engine.asked == []
    assert not test.button(key="run_claim").disabled


def test_every_pill_has_the_sign_of_its_verdict(page: App) -> None:
    signs = {"Supported": "check", "Conditional": "call_split", "Refuted": "close", "Words": "translate"}
    assert pills(page()) == [f":material/{signs[verdict]}: {code}" for code, verdict in VERDICTS.items()]


def test_the_claim_of_the_address_is_the_one_that_is_shown(page: App) -> None:
    test = page(claim="C3")
    assert "C3. Weights are updated batch by batch." in words(test)
    assert "15 changes of the weights in 15 batches, 15 predicted" in words(test)
    assert test.query_params["claim"] in ("C3", ["C3"])
    assert len(pictures(test)) == 1  # measured points, and no effects where nothing was compared
    assert pictures(test)[0].startswith("Measured points")


def test_a_claim_in_the_address_that_there_is_not_is_told_and_another_one_is_shown(page: App) -> None:
    test = page(claim="X9")
    captions = [item.value for item in test.caption]
    assert [text for text in captions if text.startswith(":material/warning:") and "X9" in text and "C12" in text]
    assert "C9. (A large batch) may not converge near the optimum." in words(test)


def test_a_claim_about_words_has_nothing_to_run(page: App) -> None:
    test = page(claim="C2")
    assert "A slip of words." in words(test)
    assert "About words: nothing to test." in words(test)
    assert pictures(test) == []
    assert "run_claim" not in [button.key for button in test.button]


@pytest.mark.parametrize(
    "code", ["C1", "C2", "C9", *campaign(code for code in CLAIMS if code not in ("C1", "C2", "C9"))]
)
def test_each_claim_opens_with_its_quote_and_lesson(code: str, page: App) -> None:
    text = words(page(claim=code))
    assert f"#### \u201c{CLAIMS[code].quote}\u201d" in text
    assert "{" not in text
    assert CLAIMS[code].is_tested == ("**What it comes to.**" in text) == ("**Test.**" in text)


def test_the_chosen_claim_goes_into_the_address(page: App) -> None:
    test = page()
    test.get_by_key("claim").set_value("C7").run()
    assert test.query_params["claim"] in ("C7", ["C7"])
    assert "C7. (With 1,000 a batch) learning proceeds in large strides and fast." in words(test)


# Run again.


def test_an_experiment_that_is_run_again_says_how_far_it_is_and_takes_the_place_of_the_shown(
    page: App, engine: Engine
) -> None:
    test = page(claim="C6")
    test.button(key="run_claim").click().run()
    assert engine.asked == [("C6", 0, 10)]
    assert "Waiting for a free core" in words(test)
    assert test.button(key="run_claim").disabled
    assert test.button(key="run_all_claims").disabled
    assert table(test) == VERDICTS  # what was shown stays until there is something new
    engine.answers["C6"].share = 0.4
    assert "Running: 40%" in words(test.run())
    results = some("C6", [2.0, 2.1] * 5)
    comparison = replace(results.claims["C6"].outcomes[0], arm="wrong_step", claim="C6")
    result = replace(results.claims["C6"], outcomes=(comparison,))
    engine.answers["C6"].set_result(replace(results, claims={"C6": result}))
    text = words(test.run())
    assert "Computed just now on this machine; seeds 40 to 49; 2.5s; verdicts corrected for 1 test." in text
    assert (
        "**Way back after a wrong step:** Loss above the optimum: B = 256, rate 16 is 2.05 times higher (2.02 to "
        "2.08), p = 0.002 (0.002 corrected), 10 seeds." in text
    )
    assert table(test) == VERDICTS | {"C6": "Supported"}
    assert ":material/check: C6" in pills(test)
    assert not test.button(key="run_claim").disabled
    assert "Computed beforehand" in words(test.get_by_key("claim").set_value("C7").run())


def test_all_experiments_are_asked_for_with_the_seeds_of_the_form(page: App, engine: Engine) -> None:
    test = page(claim="C4")
    test.get_by_key("claims_first_seed").set_value(70).run()
    test.button(key="run_all_claims").click().run()
    assert engine.asked == [(code, 70, 10) for code in VERDICTS if code not in ("C2", "C12")]
    assert "Waiting for a free core" in words(test)
    engine.answers["C9"].set_result(some("C9", [1.0] * 10))
    assert table(test.run())["C9"] == "Refuted"
    assert test.button(key="run_all_claims").disabled  # the others are still to come


@pytest.mark.parametrize("seed", [-1, 1_000_001, 99_999_999_999])
def test_a_seed_that_cannot_be_is_said_and_nothing_is_run(page: App, engine: Engine, seed: int) -> None:
    test = page(claim="C6")
    test.get_by_key("claims_first_seed").set_value(seed).run()
    assert f"Seed must be a whole number between 0 and 1,000,000, got {seed}" in words(test)
    assert test.button(key="run_claim").disabled
    assert test.button(key="run_all_claims").disabled
    test.get_by_key("claims_first_seed").set_value(1_000_000).run()
    assert "Seed must be" not in words(test)
    assert not test.button(key="run_claim").disabled


def test_what_is_exact_has_no_seeds_and_no_tests(page: App) -> None:
    text = words(page(claim="C3"))
    assert "seeds 0 to 9" not in text
    assert "; exact, without a test." in text


def test_an_experiment_that_fails_says_why_and_what_was_shown_stays(page: App, engine: Engine) -> None:
    test = page(claim="C8")
    test.button(key="run_claim").click().run()
    engine.answers["C8"].set_exception(HostError(Problem("no_host", {"cause": "out of processes"})))
    text = words(test.run())
    assert re.search("The experiment gave no result: .*out of processes", text)
    assert table(test) == VERDICTS
    assert not test.button(key="run_claim").disabled
    test.button(key="run_claim").click().run()
    assert "The experiment gave no result" not in words(test)


def test_an_engine_that_cannot_be_asked_is_told_too(page: App, engine: Engine) -> None:
    engine.refuses = True
    test = page(claim="C8")
    test.button(key="run_claim").click().run()
    assert re.search("The experiment gave no result: .*no memory", words(test))
