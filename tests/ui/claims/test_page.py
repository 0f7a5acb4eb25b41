"""The claims page: complete without a run, and an experiment that is run again."""

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
    "C2": "Not testable",
    "C3": "Conditional",
    "C4": "Supported",
    "C5": "Conditional",
    "C6": "Refuted",
    "C7": "Conditional",
    "C8": "Conditional",
    "C9": "Conditional",
    "C10": "Conditional",
    "C11": "Refuted",
    "C12": "Not testable",
}


@dataclass
class Engine:
    """An engine that records requests; a test provides the answers."""

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
    """Return results of one claim with one made-up comparison."""
    shipped = load()
    found = {code: (Findings([pair(ratios)]), 2.5)}
    return collect(found, fingerprint=shipped.fingerprint, seeds=range(40, 50), when=shipped.date)


# Without a run.


def test_the_page_is_full_before_anything_is_run(page: App, engine: Engine) -> None:
    test = page()
    assert table(test) == VERDICTS
    assert list(VERDICTS) == list(CLAIMS)
    assert test.get_by_key("claim").value == "C1"
    test.get_by_key("claim").set_value("C9").run()
    text = words(test)
    assert "#### \u201c최적해 근처에서 수렴하지 못하는 문제점\u201d" in text
    assert ":blue-badge[:material/call_split: Conditional]" in text
    assert "C9. (A large batch) may not converge near the optimum." in text
    assert "Precomputed on " in text
    assert "Seeds 0 to 9." in text
    assert "Verdicts corrected for 21 tests (Holm)." in text
    assert re.search(
        r"\*\*Equal epochs at a scaled rate:\*\* Loss above the optimum: 15% lower with batch size 256 and rate 16 "
        r"\(95% CI .*\)\. Equivalent within 25%\. p = 0\.002",
        text,
    )
    assert "Holds for \u201cEqual epochs at one rate\u201d and \u201cRate beyond the curvature limit\u201d." in text
    assert [alt for alt in pictures(test) if alt.startswith("Ratio in each trial")]
    assert engine.asked == []
    assert not test.button(key="run_claim").disabled


def test_every_pill_says_what_it_claims_and_has_the_icon_of_its_verdict(page: App) -> None:
    signs = {"Supported": "check", "Conditional": "call_split", "Refuted": "close", "Not testable": "translate"}
    shown = [pill.split(": ") for pill in pills(page())]
    assert [icon for icon, _ in shown] == [f":material/{signs[verdict]}" for verdict in VERDICTS.values()]
    names = [name for _, name in shown]
    assert (names[0], names[8]) == ("Not all at once", "Large misses optimum")
    assert len(set(names)) == 12
    assert all(2 <= len(name.split()) <= 4 and len(name) <= 20 for name in names)


def test_the_url_selects_the_claim(page: App) -> None:
    test = page(claim="C3")
    assert "C3. Weights are updated batch by batch." in words(test)
    assert "The weights changed 15 times in 15 batches; 15 changes were predicted." in words(test)
    assert test.query_params["claim"] in ("C3", ["C3"])
    assert len(pictures(test)) == 1  # measured points alone: an exact claim compares no arms
    assert pictures(test)[0].startswith("Measured points")


def test_an_unknown_claim_in_the_url_gives_a_warning_and_the_default(page: App) -> None:
    test = page(claim="X9")
    captions = [item.value for item in test.caption]
    assert [text for text in captions if text.startswith(":material/warning:") and "X9" in text and "C12" in text]
    assert "C1. Memory does not allow learning from all pictures at once." in words(test)


def test_a_claim_about_words_has_nothing_to_run(page: App) -> None:
    test = page(claim="C2")
    assert "The article mixes up two terms." in words(test)
    assert "This claim makes no testable statement." in words(test)
    assert pictures(test) == []
    assert "run_claim" not in [button.key for button in test.button]


@pytest.mark.parametrize(
    "code", ["C1", "C2", "C9", *campaign(code for code in CLAIMS if code not in ("C1", "C2", "C9"))]
)
def test_each_claim_opens_with_its_quote_and_lesson(code: str, page: App) -> None:
    text = words(page(claim=code))
    assert f"#### \u201c{CLAIMS[code].quote}\u201d" in text
    assert "{" not in text
    assert CLAIMS[code].is_tested == ("**Takeaway.**" in text) == ("**Test.**" in text)


def test_the_chosen_claim_is_put_into_the_url(page: App) -> None:
    test = page()
    test.get_by_key("claim").set_value("C7").run()
    assert test.query_params["claim"] in ("C7", ["C7"])
    assert "C7. (With batch size 1,000) learning takes large strides and is fast." in words(test)


# Run again.


def test_a_repeated_experiment_shows_its_progress_and_replaces_the_result(page: App, engine: Engine) -> None:
    test = page(claim="C6")
    test.button(key="run_claim").click().run()
    assert engine.asked == [("C6", 0, 10)]
    assert "Waiting for a free core" in words(test)
    assert test.button(key="run_claim").disabled
    assert test.button(key="run_all_claims").disabled
    assert table(test) == VERDICTS  # the shown result stays until the new one arrives
    engine.answers["C6"].share = 0.4
    assert "Running: 40%" in words(test.run())
    results = some("C6", [2.0, 2.1] * 5)
    comparison = replace(results.claims["C6"].outcomes[0], arm="wrong_step", claim="C6")
    result = replace(results.claims["C6"], outcomes=(comparison,))
    engine.answers["C6"].set_result(replace(results, claims={"C6": result}))
    text = words(test.run())
    assert (
        "Just computed on this machine. Seeds 40 to 49. Took 2.5s. Verdicts corrected for 1 test (Holm). "
        "The tests of the other claims are the precomputed ones." in text
    )
    assert (
        "**Recovery from a wrong update:** Loss above the optimum: 2.05 times as high with batch size 256 and rate 16 "
        "(95% CI 2.02 to 2.08). p = 0.002 (0.002 corrected), 10 seeds." in text
    )
    assert table(test) == VERDICTS | {"C6": "Supported"}
    assert ":material/check: Small turns badly" in pills(test)
    assert not test.button(key="run_claim").disabled
    assert "Precomputed on" in words(test.get_by_key("claim").set_value("C7").run())


def test_all_experiments_start_from_the_seed_of_the_form(page: App, engine: Engine) -> None:
    test = page(claim="C4")
    test.get_by_key("claims_first_seed").set_value(70).run()
    test.button(key="run_all_claims").click().run()
    assert engine.asked == [(code, 70, 10) for code in VERDICTS if code not in ("C2", "C12")]
    assert "Waiting for a free core" in words(test)
    engine.answers["C9"].set_result(some("C9", [1.0] * 10))
    assert table(test.run())["C9"] == "Refuted"
    assert test.button(key="run_all_claims").disabled  # the others are still running


@pytest.mark.parametrize("seed", [-1, 1_000_001, 99_999_999_999])
def test_an_invalid_seed_is_reported_and_disables_the_run_buttons(page: App, engine: Engine, seed: int) -> None:
    test = page(claim="C6")
    test.get_by_key("claims_first_seed").set_value(seed).run()
    assert f"Seed must be a whole number between 0 and 1,000,000, got {seed}" in words(test)
    assert test.button(key="run_claim").disabled
    assert test.button(key="run_all_claims").disabled
    test.get_by_key("claims_first_seed").set_value(1_000_000).run()
    assert "Seed must be" not in words(test)
    assert not test.button(key="run_claim").disabled


def test_an_exact_result_has_no_seeds_and_no_tests(page: App) -> None:
    text = words(page(claim="C3"))
    assert "Seeds 0 to 9." not in text
    assert "The result is exact and needs no statistical test." in text


def test_a_failed_experiment_says_why_and_keeps_the_shown_result(page: App, engine: Engine) -> None:
    test = page(claim="C8")
    test.button(key="run_claim").click().run()
    engine.answers["C8"].set_exception(HostError(Problem("no_host", {"cause": "out of processes"})))
    text = words(test.run())
    assert re.search("The experiment failed: .*out of processes", text)
    assert table(test) == VERDICTS
    assert not test.button(key="run_claim").disabled
    test.button(key="run_claim").click().run()
    assert "The experiment failed" not in words(test)


def test_an_unavailable_engine_is_reported(page: App, engine: Engine) -> None:
    engine.refuses = True
    test = page(claim="C8")
    test.button(key="run_claim").click().run()
    assert re.search("The experiment failed: .*no memory", words(test))
