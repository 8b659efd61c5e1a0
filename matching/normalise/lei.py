"""Legal Entity Identifier (ISO 17442-1).

Recipe lei/1: look-alike dashes and digits to ASCII, spaces and hyphens out, upper case; 20 characters A-Z and 0-9, the
last two of them check digits from 02 to 98 (ISO 7064, MOD 97-10). The key is those 20 characters.
"""

import re
from typing import Final

from stdnum import lei
from stdnum.exceptions import ValidationError

from matching.normalise.cells import IDENTIFIER_LIMIT, checked
from matching.refusal import Refusal

VERSION: Final = "lei/1"

_FORM: Final = re.compile(r"[0-9A-Z]{18}(?!00|01|99)[0-9]{2}")


def normalise(value: str) -> str:
    """The LEI as 20 upper-case characters, or "" for an empty cell.

    Raises Refusal `lei_invalid` for a wrong length, character or check digit, and what `cells.checked` raises.
    """
    text = checked(value, limit=IDENTIFIER_LIMIT)
    if not text:
        return ""
    number = lei.compact(text)
    # stdnum looks at the check digits only.
    if not _FORM.fullmatch(number):
        raise Refusal("lei_invalid", "not 18 letters or digits and two check digits")
    try:
        return lei.validate(number)
    except ValidationError:
        pass
    # Raised out here, so that no library message, which may hold the value, hangs on the refusal as its context.
    raise Refusal("lei_invalid", "wrong check digits")
