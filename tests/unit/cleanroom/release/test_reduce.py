"""Reduced forms, and what a value may look like in each form."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleanroom.agent.reduce import bands, hashed, reduced
from cleanroom.agent.shown_values import broken_rule, harmless
from cleanroom.domain.fields import DEFAULT_CATALOGUE, Field, FieldClass, FieldType, Reduction
from cleanroom.domain.vocabulary import Form
from cleanroom.messages.releases import LONGEST_VALUE
from matching.packing import packed

CATALOGUE = {entry.name: entry for entry in DEFAULT_CATALOGUE}
KEY = bytes(range(32))


def made(name: str, value: str, currency: str = "") -> str:
    return reduced(CATALOGUE[name], value, currency=currency, key=KEY)


@pytest.mark.parametrize(
    ("amount", "band"),
    [
        ("-5.00", "under EUR 10,000"),
        ("0.00", "under EUR 10,000"),
        ("9999.99", "under EUR 10,000"),
        ("10000.00", "EUR 10,000-50,000"),
        ("49999.99", "EUR 10,000-50,000"),
        ("50000.00", "EUR 50,000-250,000"),
        ("999999.99", "EUR 250,000-1,000,000"),
        ("1000000.00", "EUR 1,000,000 and more"),
        ("123456789012345678.00", "EUR 1,000,000 and more"),
    ],
)
def test_bands_hold_their_lower_edge(amount: str, band: str) -> None:
    assert made("amount", amount, "EUR") == band


def test_bands_without_a_code_are_the_default_ones_whatever_the_currency() -> None:
    assert made("amount", "60000.00") == "50,000-250,000"
    assert made("amount", "60000.00", "JPY") == "under JPY 1,000,000"


@pytest.mark.parametrize("value", ["", "abc", "1e9", "1,5", "1.5", "\u0661.00", "1.00\n"])
def test_what_is_no_amount_has_no_band(value: str) -> None:
    assert made("amount", value, "EUR") == ""


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Ann Example", "A. E."),
        ("ann de la cruz", "A. D. L. C."),
        ("Élodie Ångström", "É. Å."),
        ("E\u0301lodie", "É."),
        ("王 小明", "王. 小."),
        ("ßander", "ß."),
        ("J\u0323\u030cohn", "J̣̌."),
        ("(Bob) 3rd", "B. R."),
        ("42 - !", ""),
        ("Юля", "Ю."),
        ("กิตติ", "กิ."),
    ],
)
def test_initials_in_any_script(name: str, initials: str) -> None:
    assert made("owner", name) == initials
    if initials:
        assert broken_rule(CATALOGUE["owner"], Form.REDUCED, initials, currency_shown=False) is None


def test_mails_and_dates() -> None:
    assert made("owner_email", "ann@acme.example") == "acme.example"
    assert made("owner_email", "nobody") == ""
    quarters = {f"2026-{month:02}-01": f"2026-Q{(month + 2) // 3}" for month in range(1, 13)}
    assert {day: made("close_date", day) for day in quarters} == quarters
    assert made("close_date", "2026-13-01") == ""
    assert made("stage", "won") == ""  # has no reduced form


def test_hashes_agree_only_with_the_same_key_field_and_name() -> None:
    name = "Société GÉNÉRALE"
    assert hashed("account_name", name, KEY) == hashed("account_name", "socie\u0301te\u0301 ge\u0301ne\u0301rale", KEY)
    expected = hmac.new(
        KEY, packed(b"cleanroom/1 hashed field", b"account_name", "société générale".encode()), hashlib.sha256
    )
    assert made("account_name", name) == expected.hexdigest()[:32]
    others = {
        hashed("account_name", name, bytes(32)),
        hashed("account_website", name, KEY),
        hashed("account_name", "x", KEY),
    }
    assert made("account_name", name) not in others
    assert len(others) == 3


@given(st.text(max_size=60), st.sampled_from([e for e in DEFAULT_CATALOGUE if e.reduced is not Reduction.NONE]))
def test_a_reduced_form_is_always_one_that_the_recipient_takes(value: str, entry: Field) -> None:
    value = harmless(entry, value)
    if broken_rule(entry, Form.FULL, value, currency_shown=False) is not None:
        return
    small = harmless(entry, reduced(entry, value, currency="", key=KEY))
    assert not small or broken_rule(entry, Form.REDUCED, small, currency_shown=False) is None


@given(st.text(max_size=80))
def test_a_harmless_text_stays_as_it_is(value: str) -> None:
    for entry in (CATALOGUE["notes"], CATALOGUE["stage"]):
        once = harmless(entry, value)
        assert harmless(entry, once) == once
        assert not once or broken_rule(entry, Form.FULL, once, currency_shown=False) in {None, "empty"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("owner_email", "Ann@acme.example"),
        ("owner_email", "ann"),
        ("owner_email", "a@b@c.example"),
        ("owner_email", "a" * 320 + "@b.example"),
        ("amount", "1,000.00"),
        ("amount", "01.00"),
        ("amount", "1" * 40 + ".00"),
        ("amount", "NaN"),
        ("currency", "eur"),
        ("currency", "XYZ"),
        ("close_date", "2026-02-30"),
        ("close_date", "17.05.2026"),
        ("account_country", "Germany"),
        ("account_country", "de"),
        ("match_evidence", "domain"),
    ],
)
def test_full_values_are_of_their_type(name: str, value: str) -> None:
    rule = broken_rule(CATALOGUE[name], Form.FULL, value, currency_shown=True)
    assert rule is not None
    assert value not in rule


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", "60000.00"),
        ("amount", "EUR 60,000-61,000"),
        ("amount", "under XYZ 10,000"),
        ("owner", "Ann Example"),
        ("owner", "Ann."),
        ("owner", "A"),
        ("owner", "A.  E."),
        ("owner", " ".join(["A."] * 9)),
        ("owner", "A" + "\u0301" * 20 + "."),
        ("owner_email", "ann@acme.example"),
        ("owner_email", "Acme.example"),
        ("owner_email", "acme"),
        ("close_date", "2026-05-17"),
        ("close_date", "2026-Q5"),
        ("account_name", "Acme"),
        ("account_name", "A" * 32),
        ("stage", "won"),
        ("notes", "n"),
    ],
)
def test_reduced_values_are_of_their_form(name: str, value: str) -> None:
    assert broken_rule(CATALOGUE[name], Form.REDUCED, value, currency_shown=True) is not None


def test_a_band_names_its_currency_only_where_that_is_shown() -> None:
    for band in bands(CATALOGUE["amount"], "EUR"):
        assert broken_rule(CATALOGUE["amount"], Form.REDUCED, band, currency_shown=True) is None
        assert broken_rule(CATALOGUE["amount"], Form.REDUCED, band, currency_shown=False) is not None
    for band in bands(CATALOGUE["amount"], ""):
        assert broken_rule(CATALOGUE["amount"], Form.REDUCED, band, currency_shown=False) is None


@pytest.mark.parametrize("letter", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u2028", "\ufeff", "\r"])
def test_control_characters_and_overrides_are_refused_everywhere(letter: str) -> None:
    for name in ("notes", "stage"):
        assert broken_rule(CATALOGUE[name], Form.FULL, f"a{letter}b", currency_shown=True) == "control characters"
        assert harmless(CATALOGUE[name], f"a{letter}b") == "ab"


def test_lines_and_tabs_belong_to_free_text_alone() -> None:
    assert broken_rule(CATALOGUE["notes"], Form.FULL, "a\n\tb", currency_shown=True) is None
    assert broken_rule(CATALOGUE["stage"], Form.FULL, "a\nb", currency_shown=True) == "control characters"
    assert harmless(CATALOGUE["notes"], "a\r\nb") == "a\nb"


def test_values_are_bounded() -> None:
    long = "x" * (LONGEST_VALUE + 1)
    assert broken_rule(CATALOGUE["notes"], Form.FULL, long, currency_shown=True) == "too long"
    assert len(harmless(CATALOGUE["notes"], long)) == LONGEST_VALUE
    assert broken_rule(CATALOGUE["notes"], Form.FULL, "", currency_shown=True) == "empty"


@pytest.mark.parametrize("form", [Form.HIDDEN, Form.COUNT, Form.EXISTS])
def test_other_forms_are_never_sent(form: Form) -> None:
    assert broken_rule(CATALOGUE["stage"], form, "won", currency_shown=True) == "not a form that is sent"


def test_a_field_of_a_catalogue_of_its_own_has_its_own_bands() -> None:
    entry = Field(
        name="budget",
        type=FieldType.MONEY,
        field_class=FieldClass.COMMERCIAL,
        reduced=Reduction.BANDED,
        bands=(("", (100,)), ("CHF", (5, 10))),
    )
    assert bands(entry, "CHF") == ("under CHF 5", "CHF 5-10", "CHF 10 and more")
    assert reduced(entry, "100.00", currency="EUR", key=KEY) == "EUR 100 and more"
