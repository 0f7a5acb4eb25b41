"""Check how the facts of a run are read from JSON, and the list of changes they imply."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.run.changes import Change
from core.run.config import RunConfig
from core.run.events import Started
from core.store.facts import Facts, on_inheritance, on_start

BASE = RunConfig(dataset="digits")
SECOND, THIRD = BASE.replace(batch_size=400), BASE.replace(batch_size=400, lr=0.2)


def inherited(parent: RunConfig, facts: Facts, config: RunConfig) -> Facts:
    return Facts.from_json(json.dumps(on_inheritance(parent, facts, "running", config)))


def test_every_fact_is_read_from_its_name_in_the_database() -> None:
    text = """{"predicted_peak_bytes": 4096, "pid": 12, "changes": [[10, {"lr": [0.1, 0.2]}]],
    "changed": {"hidden": [[128, 64], [32]]}, "after": "stopped", "horizon": 40,
    "fingerprint": {"torch": "2", "threads": 1}, "first": 30, "shift": -20}"""
    assert Facts.from_json(text) == Facts(
        pid=12,
        predicted_peak_bytes=4_096,
        horizon=40,
        fingerprint={"torch": "2", "threads": 1},
        first=30,
        shift=-20,
        after="stopped",
        changed={"hidden": ([128, 64], [32])},
        changes_before=(Change(10, {"lr": (0.1, 0.2)}),),
    )


def test_facts_of_another_version_may_lack_names_or_have_unknown_ones() -> None:
    assert Facts.from_json("{}") == Facts()
    assert Facts.from_json('{"horizon": 9, "mood": "good"}') == Facts(horizon=9)


@pytest.mark.parametrize("text", ["[]", '{"changes": [1]}', '{"changed": {"lr": 1}}', "{"])
def test_malformed_facts_are_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        Facts.from_json(text)


def test_a_run_has_started_once_its_horizon_is_known() -> None:
    assert not Facts(pid=12, changed={"lr": (0.1, 0.2)}).has_begun
    assert Facts(horizon=0).has_begun


def test_a_start_notes_offsets_only_if_the_run_continues_another() -> None:
    assert on_start(Started(40, {"threads": 1})) == {"horizon": 40, "fingerprint": {"threads": 1}}
    assert on_start(Started(40, first=30)) == {"horizon": 40, "fingerprint": {}, "first": 30, "shift": 0}
    assert on_start(Started(40, shift=-2)) == {"horizon": 40, "fingerprint": {}, "first": 0, "shift": -2}


def test_inherited_facts_have_this_json() -> None:
    facts = Facts(first=30, changed={"hidden": ([128, 64], [32])})
    assert json.dumps(on_inheritance(BASE, facts, "stopped", SECOND)) == (
        '{"changes": [[30, {"hidden": [[128, 64], [32]]}]], "changed": {"batch_size": [100, 400]}, "after": "stopped"}'
    )


def test_a_run_lists_its_own_change_and_all_before_it() -> None:
    facts = replace(inherited(BASE, Facts(), SECOND), first=317)
    assert facts.changes == (Change(317, {"batch_size": (100, 400)}),)
    facts = replace(inherited(SECOND, facts, THIRD), first=400)
    assert facts.changes == (Change(317, {"batch_size": (100, 400)}), Change(400, {"lr": (0.05, 0.2)}))


def test_a_change_counts_only_after_an_update_and_if_a_setting_differs() -> None:
    facts = inherited(BASE, Facts(), SECOND)
    assert facts.changes == ()  # the run has not started
    assert replace(facts, horizon=9).changes == ()  # no update precedes the change
    assert replace(inherited(BASE, Facts(), BASE), first=9).changes == ()
    assert Facts().changes == ()
