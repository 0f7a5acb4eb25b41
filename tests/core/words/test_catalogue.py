"""The words of a language are read once, and numbers, times and dates are written as its readers write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from core.words.catalogue import Catalogue, catalogue, languages


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for language, one, other in (("en", "1 update", "{count:,} updates"), ("de", "1 Update", "{count:,} Updates")):
        (tmp_path / language).mkdir()
        (tmp_path / language / "live.toml").write_text(
            f'"updates.one" = "{one}"\n"updates.other" = "{other}"\n"loss" = "loss {{value:,.3g}}"\n'
            f'"value" = "got {{value!r}}"\n"bytes" = "{{size:,}} bytes"\n"problem.full" = "{{wanted:,}} more"\n'
        )
    (tmp_path / "ko").mkdir()
    (tmp_path / "ko" / "live.toml").write_text('"updates.other" = "업데이트 {count:,}번"\n')
    return tmp_path


def test_an_entry_takes_its_values(folder: Path) -> None:
    assert Catalogue("en", folder=folder).say("loss", value=1234.5) == "loss 1,234"
    assert Catalogue("en", folder=folder).say("bytes", size=1_234_567) == "1,234,567 bytes"


def test_numbers_in_a_sentence_are_written_as_its_language_writes_them(folder: Path) -> None:
    german = Catalogue("de", folder=folder)
    assert german.say("bytes", size=1_234_567) == "1.234.567 bytes"
    assert german.say("loss", value=0.523) == "loss 0,523"


@pytest.mark.parametrize(
    ("language", "count", "said"),
    [
        ("en", 1, "1 update"),
        ("en", 0, "0 updates"),
        ("en", 5_000, "5,000 updates"),
        ("de", 5_000, "5.000 Updates"),
        ("ko", 1, "업데이트 1번"),
        ("ko", 5_000, "업데이트 5,000번"),
    ],
)
def test_a_count_takes_the_plural_form_of_its_language(folder: Path, language: str, count: int, said: str) -> None:
    assert Catalogue(language, folder=folder).count("updates", count) == said


def test_a_code_of_the_engine_has_its_sentence(folder: Path) -> None:
    assert Catalogue("en", folder=folder).explain("full", wanted=4096) == "4,096 more"


@pytest.mark.parametrize(("key", "values"), [("no.such.key", {}), ("bytes", {})])
def test_an_unknown_key_or_a_missing_value_is_an_error(folder: Path, key: str, values: dict[str, int]) -> None:
    with pytest.raises(KeyError):
        Catalogue("en", folder=folder).say(key, **values)


def test_an_integer_that_no_float_can_stand_for_is_cut_short(folder: Path) -> None:
    assert Catalogue("en", folder=folder).say("bytes", size=10**400) == "10\u2074\u2070\u2070 bytes"
    assert Catalogue("en", folder=folder).say("value", value=10**400) == "got 10\u2074\u2070\u2070"


def test_a_language_without_a_folder_is_an_error(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="'fr'"):
        Catalogue("fr", folder=folder)


def test_a_key_in_two_files_is_an_error(folder: Path) -> None:
    (folder / "en" / "memory.toml").write_text('"loss" = "again"\n')
    with pytest.raises(ValueError, match=r"memory\.toml repeats loss"):
        Catalogue("en", folder=folder)


def test_languages_are_the_folders_that_hold_words(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert languages(folder) == ["de", "en", "ko"]
    assert "en" in languages()


def test_a_language_under_trial_counts_as_the_one_it_varies(folder: Path) -> None:
    (folder / "en").rename(folder / "en_XA")
    assert Catalogue("en_XA", folder=folder).count("updates", 1) == "1 update"


def test_the_words_of_a_language_are_read_once() -> None:
    assert catalogue("en") is catalogue("en")


# Numbers, in English and in a language whose signs differ.


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (8e-5, "8\u00d710\u207b\u2075"),
        (1.2e-5, "1.2\u00d710\u207b\u2075"),
        (1e-8, "10\u207b\u2078"),
        (-1e-8, "-10\u207b\u2078"),
        (-2e-12, "-2\u00d710\u207b\u00b9\u00b2"),
        (0.0001, "0.0001"),
        (2.5e15, "2.5\u00d710\u00b9\u2075"),
    ],
)
def test_a_power_of_ten_is_written_in_one_way(value: float, written: str, folder: Path) -> None:
    words = catalogue()
    assert words.formatted(value, "g") == words.formatted(value, ".3g") == written
    assert words.times(abs(value)) == written.removeprefix("-")
    assert words.loss(value) == written.replace("-", "\u2212")
    assert Catalogue("de", folder=folder).formatted(value, "g") == written.replace(".", ",")
    if abs(value) < 1:
        assert words.number(value) == words.rough(value) == written


@pytest.mark.parametrize(
    ("value", "spec", "written"),
    [(1_000.0, ".3g", "1,000"), (999.7, ".3g", "1,000"), (152.4, ".2g", "152"), (1_234_567.8, "g", "1,234,568")],
)
def test_a_large_number_keeps_its_whole_digits(value: float, spec: str, written: str) -> None:
    assert catalogue().formatted(value, spec) == written


def test_a_sentence_writes_powers_of_ten_as_numbers_are_written(folder: Path) -> None:
    (folder / "en" / "rate.toml").write_text('"rate" = "rate {value}"\n')
    assert Catalogue("en", folder=folder).say("rate", value=2e-5) == "rate 2\u00d710\u207b\u2075"
    assert catalogue().explain("out_of_bounds", field="lr", low=1e-8, high=1_000.0, value=2e-9) == (
        "lr must be between 10\u207b\u2078 and 1,000, got 2\u00d710\u207b\u2079"
    )


@pytest.mark.parametrize(
    ("share", "digits", "english"), [(0.5, 0, "50%"), (0.12345, 1, "12.3%"), (0.004, 1, "0.4%"), (1.0, 0, "100%")]
)
def test_a_share_is_written_in_percent(share: float, digits: int, english: str) -> None:
    assert catalogue().percent(share, digits) == english


def test_dates_and_times_follow_the_language(folder: Path) -> None:
    assert catalogue().date(date(2026, 11, 3)) == "November 3, 2026"
    assert Catalogue("de", folder=folder).date(date(2026, 11, 3)) == "3. November 2026"
    assert Catalogue("ko", folder=folder).date(date(2026, 11, 3)) == "2026년 11월 3일"
    afternoon = datetime(2026, 11, 3, 14, 5, tzinfo=UTC)
    assert catalogue().time(afternoon) == "2:05\u202fPM"
    assert Catalogue("de", folder=folder).time(afternoon) == "14:05"
    assert Catalogue("ko", folder=folder).duration(185) == "3분 5초"
    assert Catalogue("de", folder=folder).mib(1_500_000) == "1,43 MiB"


def test_items_are_listed_as_in_a_sentence(folder: Path) -> None:
    assert catalogue().listed(["batch size", "rate"]) == "batch size and rate"
    assert catalogue().listed(["a", "b", "c"]) == "a, b, and c"
