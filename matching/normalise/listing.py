"""What registers and exchanges append to a company's name: taken off before its words are looked at.

- A state or an office: "ACME CORP /DE/", "ACME INC /NV".
- A note in brackets at the end: "Acme (publisher)", "Home Depot, Inc. (The)".
- A kind of security: "Acme Inc. Class A Common Stock", "Acme plc Sponsored ADR", "Acme Ltd Ordinary Shares".
- What floors put behind an abbreviated name: the nominal value with its currency ("ACME THERAP. DL-,001",
  "ACME AG O.N.", "ACME HLDG -,01"), the class ("CL.A", "A"), "NEW", "INH.", receipts ("SP.ADR/2", "ADR A"). Their
  lines are in capitals.
"""

import re
from typing import Final

_STATE: Final = re.compile(r"\s+[/\\]\s*(?:[A-Za-z]{2,4}|new)\s*[/\\]?\s*\Z", re.IGNORECASE)
_NOTE: Final = re.compile(r"\s*\([^()]*\)\Z")
_SECURITY: Final = re.compile(
    r"(?<![\s,-])[\s,-]+(?:(?:class|cl\.?|series)\s+[a-z]\b|(?:american\s+)?depositary\s+(?:shares|receipts?)\b"
    r"|common\s+(?:stock|shares|units)\b|ordinary\s+shares?\b|(?:un)?sponsored\s+adrs?\b|adrs?\b|ads\b|gdrs?\b).*\Z",
    re.IGNORECASE,
)
# A floor's line: a currency code with a nominal value, a bare one, or a receipt.
_FLOOR: Final = re.compile(
    r"(?:\b[A-Z]{2}|\s)-?\s*,\d|\b(?:DL|EO|LS|SF|YC|HD|SK|NK|DK|YN|IR|A0|B0)\s*-?\s*,?\d|\bADRS?\b|\bDL\b|\bO\.?N\.?\Z|\bINH\.?"
)
_FLOOR_BRACKET: Final = re.compile(r"\s*\((?:SP\.?|NEW|[A-Z]{2})[^)]*\)?")
_FLOOR_VALUE: Final = re.compile(r"\s+(?:[A-Z]{2}\s*-?\s*,?\d|-\s*,?\d|,\d).*\Z")
_FLOOR_GLUED_VALUE: Final = re.compile(r"\b(?:DL|EO|LS|SF|YC|HD|SK|NK|DK|YN|IR|A0|B0)\s*-?\s*,?\d[\d,/.]*")
_FLOOR_RECEIPT: Final = re.compile(r"[ .](?:SP\.?)?ADRS?(?:[ /].*)?\Z")
_FLOOR_TAILS: Final = (
    re.compile(r"[ .](?:NEW|DL|O\.?N\.?|INH\.?|NA)\s*-?\s*\Z"),
    re.compile(r"[ .]CL\.?\s*[A-Z]\Z"),
    re.compile(r"(?<=[ .])[A-C]\Z"),
    re.compile(r"[ .](?:NEW|DL|O\.?N\.?|INH\.?|NA)\s*\Z"),
)


def without_listing(name: str) -> str:
    """The name without what a register or an exchange has put behind it; what would leave nothing is left as it is."""
    text = _cut(_STATE, name) if "/" in name or "\\" in name else name
    if text.endswith(")"):
        text = _cut(_NOTE, text)
    if text.isupper() and _FLOOR.search(text):
        text = _without_floor(text)
    return _cut(_SECURITY, text).strip()


def _without_floor(text: str) -> str:
    text = _FLOOR_BRACKET.sub(" ", text)
    for tail in (_FLOOR_VALUE, _FLOOR_GLUED_VALUE, _FLOOR_RECEIPT, *_FLOOR_TAILS):
        text = _cut(tail, text)
    return text


def _cut(pattern: re.Pattern[str], text: str) -> str:
    shorter = pattern.sub("", text)
    return shorter if shorter.strip() else text
