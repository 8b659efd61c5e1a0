"""Money, dates and countries: whatever a person writes for a value reads back as that value."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleanroom.agent.reading.cleaning import by_value, cleaned, too_long
from cleanroom.agent.reading.countries import country_code
from cleanroom.agent.reading.dates import DateOrder, date_orders, has_numeric_dates, iso_date, usual_order
from cleanroom.agent.reading.money import Mark, amount, currency_code, currency_of, decimal_mark, is_torn


def column(*texts: str) -> "pd.Series[str]":
    return pd.Series(list(texts), dtype="str")


def grouped(cents: int, mark: Mark, group: str) -> str:
    text = f"{Decimal(abs(cents)) / 100:,.2f}".replace(",", "G").replace(".", mark).replace("G", group)
    return f"-{text}" if cents < 0 else text


CENTS = st.integers(-(10**15), 10**15)
DATES = st.dates(dt.date(1900, 1, 1), dt.date(2199, 12, 31))


@given(CENTS, st.sampled_from(list(Mark)), st.sampled_from(["other", "", " ", "\u00a0", "\u202f", "'", "\u2019"]))
def test_two_decimals_read_back_whatever_the_marks(cents: int, mark: Mark, group: str) -> None:
    text = grouped(cents, mark, mark.other if group == "other" else group)
    expected = f"{Decimal(cents) / 100:.2f}"
    for known in (None, *Mark):
        assert amount(text, mark=known) == expected


@given(CENTS, st.sampled_from(["€", "$", "£", "USD", "EUR", "R$", "zł", "kr"]), st.booleans(), st.booleans())
def test_signs_and_parentheses(cents: int, sign: str, before: bool, parentheses: bool) -> None:  # noqa: FBT001 - drawn
    number = grouped(abs(cents), Mark.POINT, ",")
    text = f"{sign} {number}" if before else f"{number} {sign}"
    text = f"({text})" if parentheses else text
    expected = Decimal(-abs(cents) if parentheses else abs(cents)) / 100
    assert amount(text, mark=None) == f"{expected:.2f}".replace("-0.00", "0.00")


@given(st.integers(1, 999), st.integers(0, 999))
def test_an_ambiguous_amount_follows_its_column(high: int, low: int) -> None:
    for mark in Mark:
        text = f"{high}{mark}{low:03d}"
        assert amount(text, mark=mark) == f"{round(Decimal(f'{high}.{low:03d}'), 2):.2f}"
        assert amount(text, mark=mark.other) == f"{high}{low:03d}.00"
        assert amount(text, mark=None) == f"{high}{low:03d}.00"
        assert amount(text, mark=None, torn=True) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.234,50 €", "1234.50"),
        ("$1,2M", "1200000.00"),
        ("$1.2 million", "1200000.00"),
        ("2,5 Mio. EUR", "2500000.00"),
        ("3.5k", "3500.00"),
        ("1.5bn", "1500000000.00"),
        ("(1,200)", "-1200.00"),
        ("(1,200.00)", "-1200.00"),
        ("1.234,50-", "-1234.50"),
        ("\u22125", "-5.00"),
        ("+7", "7.00"),
        ("1.200,-", "1200.00"),
        ("12,34,567.00", "1234567.00"),
        ("1'234.50 CHF", "1234.50"),
        ("US$ 5", "5.00"),
        (".5", "0.50"),
        ("0", "0.00"),
        ("-0.00", "0.00"),
        ("n/a", ""),
        ("-", ""),
        ("1.2.3,4,5", None),
        ("12.34.56", None),
        ("1,2,3", None),
        ("five", None),
        ("5 apples", None),
        ("1e9", None),
        ("=1+1", None),
        ("--5", None),
        ("9" * 40, None),
        ("٣", None),
        ("()", None),
        ("$", None),
    ],
)
def test_amounts_as_people_write_them(text: str, expected: str | None) -> None:
    assert amount(text, mark=None) == expected


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_refused_and_canonical_amounts_stay(text: str) -> None:
    for mark in (None, *Mark):
        read = amount(text, mark=mark)
        if read:
            assert amount(read, mark=mark) == read
    assert currency_of(text) == "" or currency_code(currency_of(text))


def test_the_decimal_mark_of_a_column() -> None:
    assert decimal_mark(column("1.234", "5,5", "")) is Mark.COMMA
    assert decimal_mark(column("1,234", "1,234.5")) is Mark.POINT
    assert decimal_mark(column("1,234", "77", "")) is None
    assert decimal_mark(column("1,5", "1.5")) is None
    assert is_torn(column("1,5", "1.5"))
    assert not is_torn(column("1,5", "1.234"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5 €", "EUR"), ("USD 5k", "USD"), ("£1,000", "GBP"), ("$5", ""), ("5", ""), ("R$ 9", "BRL"), ("5 XYZ", "")],
)
def test_the_currency_beside_an_amount(text: str, expected: str) -> None:
    assert currency_of(text) == expected


@given(DATES, st.sampled_from(list(DateOrder)), st.sampled_from("./-"), st.booleans(), st.booleans())
def test_numeric_dates_read_back_in_their_order(
    date: dt.date,
    order: DateOrder,
    separator: str,
    padded: bool,  # noqa: FBT001 - drawn
    timed: bool,  # noqa: FBT001 - drawn
) -> None:
    parts = [date.day, date.month] if order is DateOrder.DAY_FIRST else [date.month, date.day]
    texts = [f"{part:02d}" if padded else str(part) for part in parts]
    text = separator.join([*texts, str(date.year)]) + (" 10:30 PM" if timed else "")
    assert iso_date(text, order=order) == date.isoformat()
    assert iso_date(text, order=None) is None
    assert has_numeric_dates(column(text))
    proven = date_orders(column(text))
    assert proven == (frozenset({order}) if date.day > 12 else frozenset())


@given(DATES)
def test_dates_that_need_no_order(date: dt.date) -> None:
    months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October"]
    month = [*months, "November", "December"][date.month - 1]
    texts = [date.isoformat(), f"{date.isoformat()}T00:00:00Z", f"{date.isoformat()} 00:00:00", f"{date:%Y/%m/%d}"]
    texts += [
        f"{date.day} {month} {date.year}",
        f"{month[:3]} {date.day}, {date.year}",
        f"{date.day}-{month[:3]}-{date.year}",
    ]
    for text in texts:
        assert iso_date(text, order=None) == date.isoformat()


@given(st.dates(dt.date(1950, 1, 2), dt.date(2099, 12, 30)))
def test_spreadsheet_serials(date: dt.date) -> None:
    serial = (date - dt.date(1899, 12, 30)).days
    assert iso_date(str(serial), order=None) == iso_date(f"{serial}.5", order=None) == date.isoformat()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("31.12.69", "2069-12-31"),
        ("31.12.70", "1970-12-31"),
        ("3. März 2026", "2026-03-03"),
        ("3 de marzo de 2026", "2026-03-03"),
        ("1er mars 2026", None),
        ("20260304", "2026-03-04"),
        ("n/a", ""),
        ("31.02.2026", None),
        ("2026-13-01", None),
        ("99999", None),
        ("1.1.3026", None),
        ("soon", None),
        ("\u0661.1.2026x", None),
    ],
)
def test_dates_as_people_write_them(text: str, expected: str | None) -> None:
    assert iso_date(text, order=DateOrder.DAY_FIRST) == expected


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    for order in (None, *DateOrder):
        read = iso_date(text, order=order)
        assert not read or dt.date.fromisoformat(read).isoformat() == read


def test_a_column_with_both_orders_proves_both() -> None:
    assert date_orders(column("13/01/2026", "01/13/2026")) == frozenset(DateOrder)
    assert usual_order(column("", "01.02.2026")) is DateOrder.DAY_FIRST
    assert usual_order(column("01/02/2026")) is None


@given(st.sampled_from(list(pycountry.countries)), st.sampled_from([str.lower, str.upper, str.title, str]))
def test_every_country_by_code_and_name(country: object, case: object) -> None:
    code, names = country.alpha_2, [country.alpha_2, country.alpha_3, country.name]
    names += [getattr(country, other) for other in ("official_name", "common_name") if hasattr(country, other)]
    assert {country_code(case(name)) for name in names} == {code}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *[(text, "DE") for text in ("Germany", "Deutschland", "Allemagne", "Alemania", "Niemcy", "ドイツ", "BRD")],
        *[
            (text, "US")
            for text in ("USA", "U.S.A.", "United States of America", "Estados Unidos", "the United States")
        ],
        *[(text, "GB") for text in ("UK", "U.K.", "England", "Great Britain", "Royaume-Uni", "Scotland")],
        *[(text, "NL") for text in ("Holland", "The Netherlands", "Niederlande", "Pays-Bas")],
        *[("Türkiye", "TR"), ("Turkey", "TR"), ("Cote d'Ivoire", "CI"), ("Ivory Coast", "CI"), ("EL", "GR")],
        *[("South Korea", "KR"), ("Korea, Republic of", "KR"), ("Czech Republic", "CZ"), ("Kosovo", "XK")],
        *[("España", "ES"), ("Россия", "RU"), ("Hong Kong SAR", "HK"), ("Österreich", "AT"), ("Schweiz", "CH")],
        *[("Atlantis", None), ("XX", None), ("Europe", None), ("", None), ("?", None)],
    ],
)
def test_countries_as_people_write_them(text: str, code: str | None) -> None:
    assert country_code(text) == code


def test_cells_are_cleaned() -> None:
    raw = column("  a \t b\r\n", "x\x00\x07y\x85z", "e\u0301", "\u202eabc\u200b", "\u3000q\u00a0", "=CMD()", "क्\u200dष")
    assert cleaned(raw).tolist() == ["a b", "xy z", "é", "abc", "q", "=CMD()", "क्\u200dष"]
    assert str(cleaned(raw).dtype) == "str"


@given(st.lists(st.text(max_size=12), min_size=1, max_size=8))
def test_cleaning_is_idempotent_and_leaves_no_control(texts: list[str]) -> None:
    raw = pd.Series([text.encode(errors="ignore").decode() for text in texts], dtype="str")
    once = cleaned(raw)
    assert cleaned(once).tolist() == once.tolist()
    assert not any(letter < " " or letter == "\x1f" for text in once for letter in text)


def test_lengths_count_characters() -> None:
    assert too_long(column("ü" * 100_000, "ü" * 100_001)).tolist() == [False, True]


def test_each_distinct_value_is_read_once() -> None:
    seen: list[str] = []

    def known(text: str) -> str | None:
        seen.append(text)
        return text.upper() if text != "b" else None

    texts, bad = by_value(column("a", "b", "", "a", "b"), known)
    assert (texts.tolist(), bad.tolist(), sorted(seen)) == (
        ["A", "", "", "A", ""],
        [False, True, False, False, True],
        ["a", "b"],
    )
