"""What a value on its way between partners may look like: bounded, harmless, and of its field's type and form.

The sender makes its values so and leaves out what cannot be; the recipient refuses a release with any other. Values are
still somebody else's text: formulas and markup are neutralised where they are written (`cleanroom.agent.spreadsheets`).
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Final, assert_never

from cleanroom.agent.reading.countries import country_code
from cleanroom.agent.reading.money import currency_code
from cleanroom.agent.reduce import DATE, HASH_CHARACTERS, MONEY, MOST_INITIALS, MOST_MARKS, bands, is_mark
from cleanroom.domain.fields import Field, FieldClass, FieldType, Reduction
from cleanroom.domain.vocabulary import Form
from cleanroom.messages.releases import LONGEST_VALUE

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LONGEST_EMAIL: Final = 320  # RFC 3696, erratum 1690
_DOMAIN: Final = re.compile(r"[^@\s.]+(\.[^@\s.]+)+")
_QUARTER: Final = re.compile(r"[0-9]{4}-Q[1-4]", re.ASCII)
_HASH: Final = re.compile(rf"[0-9a-f]{{{HASH_CHARACTERS}}}", re.ASCII)
_BAND_CURRENCY: Final = re.compile(r"(?:under )?([A-Z]{3}) ", re.ASCII)
# C0, C1, surrogates, line separators, and what reorders text on a screen.
_UNSAFE: Final = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff"
_IN_FREE_TEXT: Final = re.compile(f"[{_UNSAFE}]")
_ELSEWHERE: Final = re.compile(f"[{_UNSAFE}\t\n]")


def harmless(field: Field, value: str) -> str:
    """The value without control characters and overrides (tabs and line feeds stay in free text), cut if too long."""
    cleaned = _unsafe(field).sub("", value.replace("\r\n", "\n")).strip()
    return cleaned if len(cleaned) <= LONGEST_VALUE else cleaned[: LONGEST_VALUE - 1] + "\u2026"


def broken_rule(field: Field, form: Form, value: str, *, currency_shown: bool) -> str | None:
    """The rule that a value breaks in this form of its field, or None. The value is never part of it.

    `currency_shown`: whether bands may name their currency.
    """
    if not value or value.isspace():
        return "empty"
    if len(value) > LONGEST_VALUE:
        return "too long"
    if _unsafe(field).search(value):
        return "control characters"
    if form is Form.FULL:
        return None if _FULL[field.type](value) else f"not of the type {field.type}"
    if form is Form.REDUCED:
        return None if _is_reduced(field, value, currency_shown=currency_shown) else f"not {field.reduced}"
    return "not a form that is sent"


def _unsafe(field: Field) -> re.Pattern[str]:
    return _IN_FREE_TEXT if field.field_class is FieldClass.FREE_TEXT else _ELSEWHERE


def _is_email(value: str) -> bool:
    return len(value) <= _LONGEST_EMAIL and value == value.lower() and _EMAIL.fullmatch(value) is not None


def _is_date(value: str) -> bool:
    try:
        return DATE.fullmatch(value) is not None and date.fromisoformat(value) is not None
    except ValueError:
        return False


_country: Final = cache(country_code)
_FULL: Final[dict[FieldType, Callable[[str], bool]]] = {
    FieldType.TEXT: lambda _: True,
    FieldType.EMAIL: _is_email,
    FieldType.MONEY: lambda text: MONEY.fullmatch(text) is not None,
    FieldType.CURRENCY: lambda text: currency_code(text) == text,
    FieldType.DATE: _is_date,
    FieldType.COUNTRY: lambda text: len(text) == 2 and _country(text) == text,  # noqa: PLR2004 - alpha-2
    FieldType.EVIDENCE: lambda _: False,  # both agents know it; it is never sent
}


def _is_reduced(field: Field, value: str, *, currency_shown: bool) -> bool:
    match field.reduced:
        case Reduction.NONE:
            return False
        case Reduction.BANDED:
            named = _BAND_CURRENCY.match(value)
            code = named[1] if named else ""
            return value in bands(field, code) and (not code or (currency_shown and currency_code(code) == code))
        case Reduction.INITIALS:
            words = value.split(" ")
            return len(words) <= MOST_INITIALS and all(_is_initial(word) for word in words)
        case Reduction.EMAIL_DOMAIN:
            return len(value) <= _LONGEST_EMAIL and value == value.lower() and _DOMAIN.fullmatch(value) is not None
        case Reduction.QUARTER | Reduction.HASHED:
            form = _QUARTER if field.reduced is Reduction.QUARTER else _HASH
            return form.fullmatch(value) is not None
        case _:
            assert_never(field.reduced)


def _is_initial(word: str) -> bool:
    """A letter, marks on it, and a point; composed, so that what looks equal is equal."""
    marks = word[1:-1]
    whole = word.endswith(".") and word[0].isalpha() and unicodedata.is_normalized("NFC", word)
    return whole and len(marks) <= MOST_MARKS and all(is_mark(mark) for mark in marks)
