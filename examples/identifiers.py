"""Invented identifiers of companies with right check digits: LEI, D-U-N-S and VAT numbers that nobody was given.

Everything follows from a seed text by SHA-256, so that the same company always gets the same numbers.
"""

from hashlib import sha256
from typing import Final

from stdnum.eu import vat
from stdnum.iso7064 import mod_97_10

_DIGITS: Final = "0123456789"
_ALPHABET: Final = _DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LEI_PREFIX: Final = "DEMO00"  # no issuer of LEIs has it
# How VAT numbers look, 9 for any digit; a candidate that python-stdnum finds valid is taken.
_VAT_SHAPES: Final = {
    "AT": "U99999999",
    "BE": "0999999999",
    "BG": "999999999",
    "CZ": "99999999",
    "DE": "999999999",
    "DK": "99999999",
    "EE": "999999999",
    "ES": "B99999999",
    "FI": "99999999",
    "FR": "99999999999",
    "GR": "999999999",
    "HR": "99999999999",
    "HU": "99999999",
    "IT": "99999999999",
    "LT": "999999919",
    "LU": "99999999",
    "LV": "49999999999",
    "NL": "999999999B01",
    "PL": "9999999999",
    "PT": "599999999",
    "RO": "99999999",
    "SE": "999999999901",
    "SI": "99999999",
    "SK": "9999999999",
}
VAT_COUNTRIES: Final = frozenset(_VAT_SHAPES)
_TRIES: Final = 20_000


def number(*seed: str, below: int) -> int:
    """A whole number from 0 to below - 1 that the seed decides."""
    digest = sha256("\x1f".join(seed).encode()).digest()
    return int.from_bytes(digest[:8], "big") % below


def lei(seed: str) -> str:
    """20 characters, ISO 17442: an invented issuer, 12 characters, two check digits (ISO 7064 mod 97-10)."""
    body = "".join(_ALPHABET[number("lei", seed, str(place), below=36)] for place in range(12))
    stem = _LEI_PREFIX + body
    return stem + mod_97_10.calc_check_digits(stem)


def duns(seed: str) -> str:
    """Nine digits; a D-U-N-S number has no public check digit."""
    return f"{number('duns', seed, below=900_000_000) + 100_000_000}"


def vat_number(seed: str, country: str) -> str:
    """A number with its country prefix (EL for Greece) that python-stdnum holds valid.

    Raises KeyError for a country outside VAT_COUNTRIES.
    """
    prefix = "EL" if country == "GR" else country
    for attempt in range(_TRIES):
        digits = iter(f"{number('vat', seed, country, str(attempt), below=10**12):012d}")
        candidate = prefix + "".join(next(digits) if letter == "9" else letter for letter in _VAT_SHAPES[country])
        if vat.is_valid(candidate):
            return candidate
    raise ValueError("no valid number found; the shape is wrong")
