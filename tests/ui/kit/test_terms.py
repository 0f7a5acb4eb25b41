"""The terms: each page opens those that its words use, and each says what it is in two sentences."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.words.catalogue import catalogue
from tests.campaign import campaign
from ui.setup.widgets import TERMS

App = Callable[..., AppTest]
# How each term looks in a sentence, and the pages on which it is looked for.
SEEN = {
    "seed": r"[Ss]eeds",
    "p": r"\bp (=|at most) ",
    "corrected": r"[Cc]orrect(ed|ion)",
    "excess": r"[Ll]oss above the optimum",
    "curvature": r"[Cc]urvature",
    "quadratic": r"[Nn]oisy quadratic model",
    "workspace": r"[Ww]orkspace",
    "arm": r"\barms?\b",
}


def test_a_term_is_explained_in_two_sentences_at_most() -> None:
    texts = {key: text for key, text in catalogue().entries.items() if re.fullmatch(r"term\.\w+\.about", key)}
    assert len(texts) == 12
    for key, text in texts.items():
        assert text.endswith("."), key
        assert len(re.findall(r"\.(?= [A-Z0-9]|$)", text)) in (1, 2), key


@pytest.mark.parametrize("name", ["claims", "schedules", *campaign(["compare", "trajectories", "memory"])])
def test_a_page_opens_the_terms_that_it_uses(name: str, app: App) -> None:
    test = app().switch_page(f"pages/{name}.py").run()
    assert not test.exception
    opened = {each.proto.popover.label for each in test.get("popover") if each.proto.popover.label}
    text = "\n".join([*(each.value for each in test.markdown), *(each.value for each in test.caption)])
    for term in SEEN:  # their own words do not count
        text = text.replace(catalogue().say(f"term.{term}.about"), "")
    used = [term for term, look in SEEN.items() if re.search(look, text)]
    assert [term for term in used if catalogue().say(f"term.{term}") not in opened] == []
    assert catalogue().say("term.b") in opened or name == "compare"


def test_the_form_explains_its_terms_in_the_help_of_their_fields(app: App) -> None:
    test = app()
    for field, terms in TERMS.items():
        for term in terms:
            assert catalogue().say(f"term.{term}.about") in test.get_by_key(field).help
