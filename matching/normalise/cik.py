"""Central Index Key of the American Securities and Exchange Commission.

Recipe cik/1: a leading "CIK" and spaces out; one to ten digits, filled with zeros to ten. Zeros only are refused. It
has no check digit.
"""

import re
from typing import Final

from stdnum.util import clean

from matching.normalise.cells import IDENTIFIER_LIMIT, checked
from matching.refusal import Refusal

VERSION: Final = "cik/1"

_FORM: Final = re.compile(r"(?:CIK)?#?0*([1-9][0-9]{0,9})")
_PLACES: Final = 10


def normalise(value: str) -> str:
    """Ten digits, or "" for an empty cell. Raises Refusal `cik_invalid`, and what `cells.checked` raises."""
    text = checked(value, limit=IDENTIFIER_LIMIT)
    if not text:
        return ""
    found = _FORM.fullmatch(clean(text, " -:").upper())
    if not found or len(found[1]) > _PLACES:
        raise Refusal("cik_invalid", "not one to ten digits")
    return found[1].zfill(_PLACES)
