"""What every kind of match key refuses in a cell before it looks at the content: size, control characters, formulas.

The checks are linear and the length is looked at first, so a cell of 10 MB is refused in microseconds.
"""

import re
from typing import Final

from matching.refusal import Refusal

IDENTIFIER_LIMIT: Final = 64

# C0 and C1 controls except tab and line ends, bidirectional overrides (they make text read as what it is not: UTR 36,
# section 2.8), and lone surrogates, which no encoder takes.
_CONTROL: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SPREADSHEET_ERRORS: Final = frozenset(
    {"#N/A", "#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"}
)


def checked(value: str, *, limit: int) -> str:
    """The cell without surrounding white space; "" when nothing is in it.

    Raises Refusal `cell_too_long`, `cell_control_characters`, `cell_formula` (starts with "=") or `cell_error` (what a
    spreadsheet writes when it could not compute).
    """
    if len(value) > limit:
        raise Refusal("cell_too_long", f"longer than {limit} characters")
    text = value.strip()
    if not text.isprintable() and _CONTROL.search(text):
        raise Refusal("cell_control_characters", "holds control characters")
    if text.startswith("="):
        raise Refusal("cell_formula", "is a formula, not a value")
    if text.startswith("#") and text.upper() in _SPREADSHEET_ERRORS:
        raise Refusal("cell_error", "is a spreadsheet's error, not a value")
    return text
