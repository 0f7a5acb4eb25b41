"""The HTML of metric cards."""

from __future__ import annotations

import re

from ui.kit import card
from ui.kit.card import Card


def test_text_is_escaped_and_a_long_value_is_set_smaller() -> None:
    html = card.html([Card("a<b", "1", '"x"', 'say "hi" & <go>'), Card("c", "1,234,567 / 8", "", "")])
    assert "<p>a&lt;b</p>" in html
    assert 'title="say &quot;hi&quot; &amp; &lt;go&gt;"' in html
    assert re.findall(r"<strong(.*?)>", html) == ["", ""]  # 13 characters have room
    assert '<strong class="long">1,234,567 / 89' in card.html([Card("c", "1,234,567 / 89", "", "")])


def test_a_card_without_the_mark_keeps_its_value() -> None:
    confirmed = Card("a", "1", "as predicted", "", confirmed=True, detail_unconfirmed="counted")
    assert 'class="confirmed"' in card.html([confirmed])
    assert 'class="confirmed"' not in card.html([confirmed.unconfirmed()])
    assert (confirmed.unconfirmed().value, confirmed.unconfirmed().detail) == ("1", "counted")
    assert Card("a", "1", "as predicted", "", confirmed=True).unconfirmed().detail == "as predicted"
