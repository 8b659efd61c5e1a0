"""International Securities Identification Number (ISO 6166).

Recipe isin/1: spaces and hyphens out, upper case, twelve characters with a right check digit (python-stdnum). A company
has one for each of its securities: equal is a match, different says nothing.
"""

from typing import Final

from stdnum import isin
from stdnum.exceptions import ValidationError

from matching.normalise.cells import IDENTIFIER_LIMIT, checked
from matching.refusal import Refusal

VERSION: Final = "isin/1"


def normalise(value: str) -> str:
    """Twelve characters, or "" for an empty cell. Raises Refusal `isin_invalid`, and what `cells.checked` raises."""
    text = checked(value, limit=IDENTIFIER_LIMIT)
    if not text:
        return ""
    try:
        return isin.validate(text.replace("-", ""))
    except ValidationError:
        pass
    raise Refusal("isin_invalid", "wrong length, country or check digit")
