import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.normalise import name_country
from matching.refusal import Refusal


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Acme, Inc.", "acme"),
        ("The Walt Disney Company", "walt disney"),
        ("M\u00fcller GmbH & Co. KG", "muller"),
        ("Soci\u00e9t\u00e9 G\u00e9n\u00e9rale S.A.", "societe generale"),
        ("Fiat S.p.A.", "fiat"),
        ("Novo Nordisk A/S", "novo nordisk"),
        ("PKN Orlen Sp. z o.o.", "pkn orlen"),
        ("Grupo Bimbo, S.A.B. de C.V.", "grupo bimbo"),
        ("Example Pty Ltd", "example"),
        ("Example Co., Ltd.", "example"),
        ("Example LIMITED LIABILITY COMPANY", "example"),
        ("AT&T Inc.", "at and t"),
        ("Smith & Co", "smith"),
        ("McDonald\u2019s Corp", "mcdonalds"),
        ("J.P. Morgan", "jp morgan"),
        ("Amazon.com, Inc.", "amazon com"),
        ("\u0141\u00f3d\u017a \u00d8rsted \u00c6ro", "lodz orsted aero"),
        ("Stra\u00dfenbau AG", "strassenbau"),
        ("\uff21\uff43\uff4d\uff45 \uff2b\uff2b", "acme"),
        ("\u30c8\u30e8\u30bf\u81ea\u52d5\u8eca\u682a\u5f0f\u4f1a\u793e", "\u30c8\u30e8\u30bf\u81ea\u52d5\u8eca"),
        ("\u682a\u5f0f\u4f1a\u793e\u65e5\u7acb\u88fd\u4f5c\u6240", "\u65e5\u7acb\u88fd\u4f5c\u6240"),
        ("\u3231\u30c6\u30b9\u30c8", "\u30c6\u30b9\u30c8"),
        ("\u30ac\u30b9", "\u30ac\u30b9"),  # voicing marks are no accents
        ("\u0926\u093f\u0932\u094d\u0932\u0940", "\u0926\u093f\u0932\u094d\u0932\u0940"),  # vowel signs stay
        ("Ac\u200bme", "acme"),
        ("Acme\nInc", "acme"),
        ("  A.C.M.E.  ", "acme"),
    ],
)
def test_name_is_cleaned(value: str, name: str) -> None:
    assert name_country.normalise(value, "DE") == f"{name}|DE"


@pytest.mark.parametrize(
    ("value", "name"), [("Co", "co"), ("A/S", "a s"), ("GmbH & Co. KG", "gmbh and co kg"), ("The", "the")]
)
def test_a_name_of_legal_forms_only_is_kept(value: str, name: str) -> None:
    assert name_country.normalise(value, "DK") == f"{name}|DK"


@pytest.mark.parametrize("value", ["", " ", "-", "...", "\u200b", "N/A", "unknown", "(unknown)"])
def test_no_name_gives_no_key(value: str) -> None:
    assert name_country.normalise(value, "DE") == ""


def test_no_country_gives_no_key() -> None:
    assert name_country.normalise("Acme", "") == ""


def test_the_same_name_in_two_countries_is_two_keys() -> None:
    assert name_country.normalise("Acme", "DE") != name_country.normalise("Acme", "FR")


@pytest.mark.parametrize(
    ("value", "country", "code"),
    [
        ("Acme", "Germany", "country_invalid"),
        ("Acme", "de", "country_invalid"),
        ("=cmd|'/c calc'!A1", "DE", "cell_formula"),
        ("#REF!", "DE", "cell_error"),
        ("Ac\x00me", "DE", "cell_control_characters"),
        ("\u202eemca", "DE", "cell_control_characters"),
        ("Ac\ud800me", "DE", "cell_control_characters"),
        ("x" * 1_001, "DE", "cell_too_long"),
    ],
)
def test_what_is_present_and_wrong_is_refused(value: str, country: str, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        name_country.normalise(value, country)
    assert caught.value.code == code


def test_a_cell_of_ten_megabytes_is_refused_at_once() -> None:
    started = time.perf_counter()
    with pytest.raises(Refusal, match="longer than"):
        name_country.normalise("co " * 3_333_333, "DE")
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("filling", ["co ", "a.", "& ", "\u0301", "\ufdfa"])
def test_no_name_within_the_limit_takes_long(filling: str) -> None:
    started = time.perf_counter()
    name_country.normalise(filling * (name_country.LIMIT // len(filling)), "DE")
    assert time.perf_counter() - started < 0.5


@given(st.text(max_size=40))
def test_any_text_gives_one_separator_and_the_country_last(value: str) -> None:
    try:
        key = name_country.normalise(value, "DE")
    except Refusal:
        return
    assert key == "" or (key.endswith("|DE") and key.count("|") == 1 and key == key.strip())


@given(
    st.from_regex(r"[q-y]{4,8}( & [q-y]{4,8})?", fullmatch=True),
    st.sampled_from(["Inc.", "GmbH", "S.A.", "Oy", "K.K."]),
)
def test_case_and_a_legal_form_make_no_difference(name: str, form: str) -> None:
    assert name_country.normalise(f"{name.upper()}, {form}", "DE") == name_country.normalise(name, "DE")
