"""Draw metric cards: a label, a value, one line under it, and a small picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape

from ui.kit import sparks

LONG = 13  # characters: a longer value is set smaller


@dataclass(frozen=True)
class Card:
    """One metric.

    `picture` is an SVG of `ui.kit.sparks`. `confirmed` marks a prediction that a measurement has confirmed;
    `detail_unconfirmed` is the line under the value while the mark is hidden, where it differs from `detail`.
    """

    label: str
    value: str
    detail: str
    help: str
    picture: str = sparks.NOTHING
    confirmed: bool = False
    detail_unconfirmed: str | None = None

    def unconfirmed(self) -> Card:
        """Return the card without the mark, for a form that describes another run than the one shown."""
        detail = self.detail if self.detail_unconfirmed is None else self.detail_unconfirmed
        return replace(self, confirmed=False, detail=detail)


def html(cards: list[Card]) -> str:
    """Return cards of equal height, in as many columns as there is room for."""
    return f'<div class="cards">{"".join(_html(card) for card in cards)}</div>'


def _html(card: Card) -> str:
    size = ' class="long"' if len(card.value) > LONG else ""
    mark = ' class="confirmed"' if card.confirmed else ""
    return (
        f'<div class="card" title="{escape(card.help)}"><p>{escape(card.label)}</p>'
        f"<strong{size}>{escape(card.value)}</strong><small{mark}>{escape(card.detail)}</small>{card.picture}</div>"
    )
