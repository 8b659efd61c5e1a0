"""Dates as people and spreadsheets write them, to ISO 8601.

Whether 03/04/2026 is in March or in April is decided per column, never per cell: one cell with a day above
twelve decides for all. A column that says both is not read.
"""

import datetime as dt
import re
from enum import StrEnum
from typing import Final

import pandas as pd

_EPOCH: Final = dt.date(1899, 12, 30)  # of spreadsheet serials, with the leap day that 1900 did not have
_SERIALS: Final = range(18_264, 73_051)  # 1950 to 2099
_YEARS: Final = range(1900, 2200)
_TIME: Final = (
    r"(?:[T ,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*(?:Z|[A-Z]{3,4}|[+-]\d{2}:?\d{2})?)?"
)
_ISO: Final = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})" + _TIME)
_COMPACT: Final = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
_SERIAL: Final = re.compile(r"(\d{5})(?:[.,]\d+)?")
_NUMERIC: Final = re.compile(r"(\d{1,2})([-/. ]|\. )(\d{1,2})(?:\2|[-/.])\s?(\d{4}|\d{2})" + _TIME)
_WORDED: Final = re.compile(
    r"(?:(\d{1,2})\.?[\s\-]*(?:de\s+)?([^\W\d]{3,10})\.?[\s\-,]*|([^\W\d]{3,10})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+)(?:de\s+)?(\d{4}|\d{2})"
    + _TIME
)
_EMPTY: Final = frozenset(("-", "\u2013", "n/a", "na", "#n/a", "none", "null", "nat", "tbd", "?", "0000-00-00"))
_MONTHS: Final = (
    ("jan", "ene", "gen", "sty"),
    ("feb", "fev", "fév", "lut"),
    ("mar", "mär", "mrz", "maa", "mrt"),
    ("apr", "avr", "abr", "kwi"),
    ("may", "mai", "mag", "mei", "maj"),
    ("jun", "juin", "giu", "cze"),
    ("jul", "juil", "lug", "lip"),
    ("aug", "aoû", "aou", "ago", "sie"),
    ("sep", "set", "wrz"),
    ("oct", "okt", "ott", "out", "paź"),
    ("nov", "lis"),
    ("dec", "dez", "déc", "dic", "gru"),
)


class DateOrder(StrEnum):
    """Which of the two small numbers of a numeric date comes first."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


def date_orders(values: "pd.Series[str]") -> frozenset[DateOrder]:
    """The orders that the column's cells prove: none, one, or both (then the column contradicts itself)."""
    proven: set[DateOrder] = set()
    for cell in values.unique():
        if match := _NUMERIC.fullmatch(cell):
            first, second = int(match[1]), int(match[3])
            if first > 12 >= second:  # noqa: PLR2004 - months
                proven.add(DateOrder.DAY_FIRST)
            elif second > 12 >= first:  # noqa: PLR2004 - months
                proven.add(DateOrder.MONTH_FIRST)
    return frozenset(proven)


def usual_order(values: "pd.Series[str]") -> DateOrder | None:
    """The order that goes with the column's separator (points: day first); None where the separator says nothing."""
    for cell in values.unique():
        match = _NUMERIC.fullmatch(cell)
        if match and match[2].startswith("."):
            return DateOrder.DAY_FIRST
    return None


def has_numeric_dates(values: "pd.Series[str]") -> bool:
    """Whether any cell is a date of which the order matters."""
    return any(_NUMERIC.fullmatch(cell) for cell in values.unique())


def iso_date(text: str, *, order: DateOrder | None) -> str | None:  # noqa: PLR0911 - one return for each way to write a date
    """The date as YYYY-MM-DD; "" for a word that means none.

    None for what is no date, or needs an `order` and has none.
    """
    if text.casefold() in _EMPTY:
        return ""
    if match := _ISO.fullmatch(text):
        return _date(match[1], match[3], match[4])
    if match := _COMPACT.fullmatch(text):
        return _date(match[1], match[2], match[3])
    if match := _SERIAL.fullmatch(text):
        serial = int(match[1])
        return (_EPOCH + dt.timedelta(days=serial)).isoformat() if serial in _SERIALS else None
    if match := _NUMERIC.fullmatch(text):
        month, day = (match[3], match[1]) if order is DateOrder.DAY_FIRST else (match[1], match[3])
        return _date(match[4], month, day) if order else None
    if match := _WORDED.fullmatch(text):
        month = _month(match[2] or match[3])
        return _date(match[5], month, match[1] or match[4]) if month else None
    return None


def _month(word: str) -> str:
    start = word.casefold()
    for number, starts in enumerate(_MONTHS, 1):
        if start.startswith(starts):
            return str(number)
    return ""


def _date(year: str, month: str, day: str) -> str | None:
    full = int(year)
    if len(year) == 2:  # noqa: PLR2004 - digits
        full += 2000 if full < 70 else 1900  # noqa: PLR2004 - POSIX's pivot is 69
    if full not in _YEARS:
        return None
    try:
        return dt.date(full, int(month), int(day)).isoformat()
    except ValueError:
        return None
