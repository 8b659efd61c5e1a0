"""Value added tax number: European Union, United Kingdom, Switzerland and Norway.

Recipe vat/1: look-alike characters to ASCII; spaces and - . / , : out; upper case. The country comes from the number's
prefix or else from the account's country; a number that does not hold under its own prefix is tried under the account's
country (French numbers may start with letters). Check digits by python-stdnum. The key is prefix + compact number,
where GR is written EL, Northern Ireland's XI is written GB (one register), a British branch suffix of three digits,
the Swiss MWST, TVA, IVA and TPV and the Norwegian MVA are dropped: they name the same tax payer. Monaco counts as FR,
the Isle of Man as GB. Numbers of zeros only are refused.
"""

import re
from typing import Final

from stdnum.ch import uid
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.gb import vat as gb_vat
from stdnum.no import orgnr
from stdnum.util import clean

from matching.normalise.cells import IDENTIFIER_LIMIT, checked
from matching.refusal import Refusal

VERSION: Final = "vat/1"

_MEMBERS: Final = "AT BE BG CY CZ DE DK EE EL ES FI FR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_UNION: Final = frozenset(_MEMBERS.split())
_PREFIXES: Final = _UNION | {"GB", "CH", "NO"}
_WRITTEN_AS: Final = {"GR": "EL", "XI": "GB"}
_COUNTRY_AS: Final = {"GR": "EL", "MC": "FR", "IM": "GB"}
# IE has "+" and "*" in old numbers.
_FORM: Final = re.compile(r"(?=.*[1-9])[0-9A-Z+*]{4,20}")
_SWISS: Final = re.compile(r"E?([0-9]{9})(?:MWST|TVA|IVA|TPV)?")
_NORWEGIAN: Final = re.compile(r"([0-9]{9})(?:MVA)?")
_BRITISH_WITH_BRANCH: Final = 12


def normalise(value: str, country: str) -> str:
    """Prefix + number without separators, or "" for an empty cell. `country`: ISO 3166 alpha-2, or "".

    Raises Refusal `vat_country` (no prefix, and a country without a supported one), `vat_invalid` (form or check
    digits), and what `cells.checked` raises.
    """
    text = checked(value, limit=IDENTIFIER_LIMIT)
    if not text:
        return ""
    number = clean(text, " -./,:").upper()
    if not _FORM.fullmatch(number):
        raise Refusal("vat_invalid", "not letters and digits of a VAT number")
    candidates = _candidates(number, country)
    if not candidates:
        raise Refusal("vat_country", "no country prefix, and none follows from the account's country")
    for prefix, body in candidates:
        key = _validated(prefix, body)
        if key:
            return key
    raise Refusal("vat_invalid", "wrong length, form or check digits for its country")


def _candidates(number: str, country: str) -> list[tuple[str, str]]:
    """(prefix, number without prefix), the number's own prefix first."""
    candidates = []
    own = _WRITTEN_AS.get(number[:2], number[:2])
    if own in _PREFIXES:
        candidates.append((own, number[2:]))
    from_country = _COUNTRY_AS.get(country, country)
    if from_country in _PREFIXES and from_country != own:
        candidates.append((from_country, number))
    return candidates


def _validated(prefix: str, body: str) -> str:
    try:
        match prefix:
            case "CH":
                form = _SWISS.fullmatch(body)
                return uid.validate("CHE" + form[1]) if form else ""
            case "NO":
                form = _NORWEGIAN.fullmatch(body)
                return "NO" + orgnr.validate(form[1]) if form else ""
            case "GB":
                number = gb_vat.validate(body)
                return "GB" + (number[:9] if len(number) == _BRITISH_WITH_BRANCH else number)
            case _:
                return eu_vat.validate(prefix + body)
    except ValidationError:
        return ""
