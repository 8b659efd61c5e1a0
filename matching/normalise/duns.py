"""D-U-N-S number (Dun & Bradstreet).

Recipe duns/1: look-alike dashes and digits to ASCII, spaces and hyphens out; nine digits. Seven or eight digits get
their leading zeros back: spreadsheets drop them, and most old American numbers start with 00. One digit repeated and
123456789 are placeholders and refused. There is no check digit to test: numbers issued since 2006 have none (which is
why python-stdnum has no module for them), so only the form is checked. A dot is refused: a number that passed through
a float ("12345678.0") must not become another number.
"""

import re
from typing import Final

from stdnum.util import clean

from matching.normalise.cells import IDENTIFIER_LIMIT, checked
from matching.refusal import Refusal

VERSION: Final = "duns/1"

_FORM: Final = re.compile(r"[0-9]{7,9}")
_PLACEHOLDERS: Final = frozenset({"123456789", *(digit * 9 for digit in "0123456789")})


def normalise(value: str) -> str:
    """The D-U-N-S number as nine digits, or "" for an empty cell.

    Raises Refusal `duns_invalid` for anything but seven to nine digits and for placeholders, and what `cells.checked`
    raises.
    """
    text = checked(value, limit=IDENTIFIER_LIMIT)
    if not text:
        return ""
    digits = clean(text, " -")
    if not _FORM.fullmatch(digits):
        raise Refusal("duns_invalid", "not nine digits")
    number = digits.zfill(9)
    if number in _PLACEHOLDERS:
        raise Refusal("duns_invalid", "a placeholder, not a number")
    return number
