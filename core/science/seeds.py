"""Check the first seed of an experiment; the experiment uses consecutive seeds from there. No torch."""

from __future__ import annotations

from core.words.errors import ConfigError, Problem

MOST_SEED = 1_000_000


def first_seed(given: str) -> int:
    """Return the first seed as an integer. Raises ConfigError unless it is a whole number from 0 to MOST_SEED."""
    try:
        seed: int | str = int(given)
    except ValueError:
        seed = given
    if isinstance(seed, str) or not 0 <= seed <= MOST_SEED:
        raise ConfigError(Problem("not_whole", {"field": "seed", "value": seed, "low": 0, "high": MOST_SEED}))
    return seed
