"""Amounts of money as people write them, to plain decimals with two places.

Whether "1.234" is a thousand or one and a bit is decided per column: cells that can be read only one way
say which mark is the decimal mark, and the other cells follow.
"""

import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from functools import cache
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pycountry

_SYMBOLS: Final = {
    "US$": "USD",
    "A$": "AUD",
    "AU$": "AUD",
    "C$": "CAD",
    "CA$": "CAD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "R$": "BRL",
    "S$": "SGD",
    "MX$": "MXN",
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "₩": "KRW",
    "₺": "TRY",
    "₽": "RUB",
    "₴": "UAH",
    "₪": "ILS",
    "zł": "PLN",
    "Kč": "CZK",
    "Fr.": "CHF",
}
# Used by several currencies: accepted beside an amount, says nothing about which.
_VAGUE: Final = ("$", "¥", "kr.", "kr", "R", "Lt", "Rs.", "Rs")
_FACTORS: Final = {
    "": 0,
    "k": 3,
    "tsd": 3,
    "t€": 3,
    "thousand": 3,
    "m": 6,
    "mm": 6,
    "mn": 6,
    "mio": 6,
    "mln": 6,
    "million": 6,
    "millionen": 6,
    "millions": 6,
    "b": 9,
    "bn": 9,
    "mrd": 9,
    "billion": 9,
    "md": 9,
}
_EMPTY: Final = frozenset(("-", "\u2013", "\u2014", "n/a", "na", "#n/a", "none", "null", "nan", "tbd", "?", "."))
_NUMBER: Final = re.compile(r"(\d[\d.,]*|[.,]\d+)\s*([a-z]*)\.?")
_NOTHING_AFTER: Final = re.compile(r"[.,]-{1,2}(?=\D*$)")  # "1.200,-"
_PLAIN: Final = re.compile(r"0(\.[0-9]{2})?|[1-9][0-9]{0,17}(\.[0-9]{2})?")
_CODE: Final = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")
_SIGN: Final = re.compile(
    "|".join(
        rf"(?<![A-Za-z]){re.escape(sign)}(?![A-Za-z])" if sign[0].isalpha() else re.escape(sign)
        for sign in sorted((*_SYMBOLS, *_VAGUE), key=len, reverse=True)
    )
)
_GROUP_BLANK: Final = re.compile(r"(?<=\d)['\u2019\s](?=\d{3}(?!\d))")
_GROUP: Final = 3
_DISTINCT: Final = 100_000  # amounts looked at for the decimal mark


class Mark(StrEnum):
    """A decimal mark."""

    POINT = "."
    COMMA = ","

    @property
    def other(self) -> "Mark":
        """The mark that groups digits where this one is the decimal mark."""
        return Mark.COMMA if self is Mark.POINT else Mark.POINT


def decimal_mark(values: "pd.Series[str]") -> Mark | None:
    """The mark that the column's unambiguous amounts agree on; None when there are none, or they disagree."""
    marks = _marks(values)
    return next(iter(marks)) if len(marks) == 1 else None


def is_torn(values: "pd.Series[str]") -> bool:
    """Whether the column's unambiguous amounts use both decimal marks."""
    return len(_marks(values)) > 1


def _marks(values: "pd.Series[str]") -> set[Mark]:
    cells = pa.array(values)
    marked = pc.unique(cells.filter(pc.match_substring_regex(cells, "[.,]"))).slice(0, _DISTINCT)
    taken = (_taken_apart(cell) for cell in marked.to_pylist())
    return {mark for parts in taken if parts and (mark := _evidence(parts[0]))}


def amount(text: str, *, mark: Mark | None, torn: bool = False) -> str | None:
    """The amount as "-1234.50"; "" for a word that means none; None for what is no amount.

    An ambiguous cell ("1.234") follows `mark`; without one its mark groups, unless the column is `torn`: then None.
    """
    if _PLAIN.fullmatch(text):
        return text if "." in text else f"{text}.00"
    if text.casefold() in _EMPTY:
        return ""
    taken = _taken_apart(text)
    if taken is None:
        return None
    digits, factor, negative = taken
    own = _evidence(digits)
    if own is None and torn and mark is None:
        return None if re.search("[.,]", digits) else _canonical(digits, factor, negative=negative)
    used = own or mark or _grouping(digits)
    whole, _, decimals = digits.partition(used)
    if not _well_grouped(whole, used.other) or re.search("[.,]", decimals):
        return None
    plain = f"{whole.replace(used.other, '') or '0'}.{decimals or '0'}"
    return _canonical(plain, factor, negative=negative)


def currency_of(text: str) -> str:
    """The ISO 4217 code of the currency written beside an amount; "" when there is none, or a sign that several use."""
    sign = re.sub(r"[\d.,\s()'\u2019+\-\u2212]+", " ", text).strip()
    words = [word for word in sign.split() if word.casefold() not in _FACTORS]
    for word in words:
        found = _SYMBOLS.get(word) or currency_code(word)
        if found:
            return found
    return ""


def currency_code(text: str) -> str | None:
    """The ISO 4217 code for a code or a sign that only one currency has; None otherwise."""
    if text.upper() in _codes():
        return text.upper()
    return _SYMBOLS.get(text)


@cache
def _codes() -> frozenset[str]:
    return frozenset(currency.alpha_3 for currency in pycountry.currencies)


def _taken_apart(text: str) -> tuple[str, int, bool] | None:
    """Digits with their marks, power of ten, sign."""
    cell = unicodedata.normalize("NFKC", text).replace("\u2212", "-").strip()
    negative = cell.startswith("(") and cell.endswith(")")
    cell = _NOTHING_AFTER.sub("", cell.strip("()") if negative else cell)
    cell = _CODE.sub(lambda code: " " if code.group() in _codes() else code.group(), cell)
    cell = _GROUP_BLANK.sub("", _SIGN.sub(" ", cell, count=1)).strip()
    if cell.startswith(("+", "-")):
        negative, cell = negative or cell[0] == "-", cell[1:].strip()
    elif cell.endswith("-"):
        negative, cell = True, cell[:-1].strip()
    match = _NUMBER.fullmatch(cell.casefold())
    if not match or match[2] not in _FACTORS or not match[1].isascii():
        return None
    return match[1], _FACTORS[match[2]], negative


def _evidence(digits: str) -> Mark | None:
    """The decimal mark, where a number can be read only one way."""
    if "." in digits and "," in digits:
        return Mark.POINT if digits.rfind(".") > digits.rfind(",") else Mark.COMMA
    for mark in Mark:
        if digits.count(mark) > 1:
            return mark.other
        if mark in digits:
            before, _, after = digits.partition(mark)
            groups = len(after) == _GROUP and 1 <= len(before) <= _GROUP and before[0] != "0"
            return None if groups else mark
    return None


def _grouping(digits: str) -> Mark:
    return Mark.COMMA if "." in digits else Mark.POINT


def _well_grouped(whole: str, mark: Mark) -> bool:
    """Groups of three; of two before the last one (India)."""
    first, *groups = whole.split(mark)
    if not groups:
        return True
    western = all(len(group) == _GROUP for group in groups) and 1 <= len(first) <= _GROUP
    indian = len(groups[-1]) == _GROUP and all(len(group) == 2 for group in groups[:-1])  # noqa: PLR2004 - lakh
    return western or (indian and 1 <= len(first) <= 2)  # noqa: PLR2004 - lakh


def _canonical(digits: str, factor: int, *, negative: bool) -> str | None:
    if len(digits) > 30:  # noqa: PLR2004 - beyond any money, and beyond Decimal's default precision
        return None
    value = Decimal(digits).scaleb(factor)
    if abs(value) >= Decimal(10) ** 20:
        return None
    rounded = value.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    return f"{-rounded if negative and rounded else rounded:f}"
