"""The reduced form of a value, made by its owner's agent before sealing, or by the recipient's for a lesser role.

One reduced form for each field, named by the catalogue (`cleanroom.domain.fields.Reduction`). What cannot be reduced
gives "", and is not shown at all.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Final, assert_never

from cleanroom.domain.fields import DEFAULT_BANDS, Field, Reduction
from matching.packing import packed

MONEY: Final = re.compile(r"-?(0|[1-9][0-9]{0,29})\.[0-9]{2}", re.ASCII)
DATE: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", re.ASCII)
HASH_CHARACTERS: Final = 32
MOST_INITIALS: Final = 8
MOST_MARKS: Final = 4  # combining marks that stay on an initial
_LABEL: Final = b"cleanroom/1 hashed field"


def reduced(field: Field, value: str, *, currency: str, key: bytes) -> str:
    """The value's reduced form; "" where it has none.

    Args:
        field: the field of the catalogue.
        value: canonical, as its type says.
        currency: ISO 4217, if the recipient sees in full which it is; else "", and bands have no code.
        key: what `hashed` is keyed with; both partners know it, the escrow never does.
    """
    match field.reduced:
        case Reduction.NONE:
            return ""
        case Reduction.BANDED:
            return _band(field, value, currency) if MONEY.fullmatch(value) else ""
        case Reduction.EMAIL_DOMAIN:
            return value.rpartition("@")[2] if "@" in value else ""
        case Reduction.INITIALS:
            return " ".join(f"{initial}." for initial in list(_initials(value))[:MOST_INITIALS])
        case Reduction.QUARTER:
            return f"{value[:4]}-Q{(int(value[5:7]) + 2) // 3}" if DATE.fullmatch(value) else ""
        case Reduction.HASHED:
            return hashed(field.name, value, key) if value else ""
        case _:
            assert_never(field.reduced)


def hashed(name: str, value: str, key: bytes) -> str:
    """HMAC-SHA256 of field name and value (NFC, case folded), its first 128 bits in hex."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", value).casefold())
    made = hmac.new(key, packed(_LABEL, name.encode(), folded.encode()), hashlib.sha256)
    return made.hexdigest()[:HASH_CHARACTERS]


@lru_cache(maxsize=256)
def bands(field: Field, currency: str) -> tuple[str, ...]:
    """All bands of a field in one currency, lowest first; "" for bands without a code."""
    edges = _edges(field, currency)
    code = f"{currency} " if currency else ""
    between = [f"{code}{low:,}-{high:,}" for low, high in pairwise(edges)]
    return (f"under {code}{edges[0]:,}", *between, f"{code}{edges[-1]:,} and more")


def _band(field: Field, value: str, currency: str) -> str:
    amount = Decimal(value)
    return bands(field, currency)[sum(amount >= edge for edge in _edges(field, currency))]


def _edges(field: Field, currency: str) -> tuple[int, ...]:
    known = dict(field.bands) or dict(DEFAULT_BANDS)
    return known.get(currency, known[""])


def _initials(value: str) -> Iterator[str]:
    """The first letter of each word, in upper case, with the marks that belong to it."""
    for word in unicodedata.normalize("NFC", value).split():
        at = next((number for number, letter in enumerate(word) if letter.isalpha()), None)
        if at is None:
            continue
        marks = 0
        while marks < MOST_MARKS and at + marks + 1 < len(word) and is_mark(word[at + marks + 1]):
            marks += 1
        upper = word[at].upper()
        # Some letters become two in upper case, which would tell them from an initial.
        yield (upper if len(upper) == 1 else word[at]) + word[at + 1 : at + 1 + marks]


def is_mark(letter: str) -> bool:
    """Whether a character combines with the one before."""
    return unicodedata.category(letter).startswith("M")
