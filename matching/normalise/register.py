"""Number in a national register of companies, typed by its country.

Recipe register/1: the country is a prefix of the cell ("DE: Köln HRB 12345") or else the account's; a prefix without a
colon ("GB 01234567") counts where it is the account's country, or where the account has none: "SC 123456" is a Scottish
company, not one of the Seychelles. Numbers of zeros only are refused.
Countries in `_CHECKED` have check digits or a form that python-stdnum tests; a French SIRET counts as its SIREN, a
British number is filled to eight places, an American one has no national register and is refused (use LEI or CIK).
For any other country: letters and digits in upper case, 4 to 20 of them, at least three digits. The key is the
country, ":", and the number: numbers of two countries never meet.
"""

import re
from collections.abc import Callable
from types import ModuleType
from typing import Final, cast

from stdnum.at import businessid as at_number
from stdnum.au import acn as au_number
from stdnum.br import cnpj as br_number
from stdnum.ch import uid as ch_number
from stdnum.cn import uscc as cn_number
from stdnum.de import handelsregisternummer as de_number
from stdnum.dk import cvr as dk_number
from stdnum.ee import registrikood as ee_number
from stdnum.exceptions import ValidationError
from stdnum.fi import ytunnus as fi_number
from stdnum.fr import siren as fr_number
from stdnum.hr import oib as hr_number
from stdnum.il import hp as il_number
from stdnum.jp import cn as jp_number
from stdnum.kr import brn as kr_number
from stdnum.no import orgnr as no_number
from stdnum.pl import regon as pl_number
from stdnum.ru import ogrn as ru_number
from stdnum.se import orgnr as se_number
from stdnum.sg import uen as sg_number
from stdnum.ua import edrpou as ua_number
from stdnum.util import clean

from matching.normalise.cells import checked
from matching.refusal import Refusal

VERSION: Final = "register/1"
LIMIT: Final = 128

_CHECKED: Final[dict[str, ModuleType]] = {
    "AT": at_number,
    "AU": au_number,
    "BR": br_number,
    "CH": ch_number,
    "CN": cn_number,
    "DE": de_number,
    "DK": dk_number,
    "EE": ee_number,
    "FI": fi_number,
    "FR": fr_number,
    "HR": hr_number,
    "IL": il_number,
    "JP": jp_number,
    "KR": kr_number,
    "NO": no_number,
    "PL": pl_number,
    "RU": ru_number,
    "SE": se_number,
    "SG": sg_number,
    "UA": ua_number,
}
_WITH_SPACE: Final = _CHECKED.keys() | {"GB"}
_PREFIX: Final = re.compile(r"([A-Z]{2})\s*:\s*(.+)|([A-Z]{2})[ -](?=[0-9])(.+)", re.DOTALL)
_BRITISH: Final = re.compile(r"[0-9]{5,8}|[A-Z]{2}[0-9]{6}|[A-Z][0-9]{7}")
_ANY: Final = re.compile(r"(?=(?:[A-Z]*[0-9]){3})[0-9A-Z]{4,20}")
_SIRET: Final = 14
_SIREN: Final = 9
_BRITISH_PLACES: Final = 8
_NO_REGISTER: Final = frozenset({"US"})


def normalise(value: str, country: str) -> str:
    """Country, ":" and number, or "" for an empty cell. `country`: ISO 3166 alpha-2, or "".

    Raises Refusal `register_country` (no country, or one without a national register), `register_invalid` (form or
    check digits), and what `cells.checked` raises.
    """
    text = checked(value, limit=LIMIT)
    if not text:
        return ""
    prefixed = _PREFIX.fullmatch(text)
    if prefixed:
        if prefixed[1]:
            country, text = prefixed[1], prefixed[2]
        elif prefixed[3] == country or (not country and prefixed[3] in _WITH_SPACE):
            country, text = prefixed[3], prefixed[4]
    if not country or country in _NO_REGISTER:
        raise Refusal("register_country", "no country that a register follows from")
    number = _number(text, country)
    if not number:
        raise Refusal("register_invalid", "wrong length, form or check digits for its country")
    return f"{country}:{number}"


def _number(text: str, country: str) -> str:
    plain = clean(text, " -./,:").upper()
    if not plain.strip("0"):
        return ""
    if country == "GB":
        return plain.zfill(_BRITISH_PLACES) if _BRITISH.fullmatch(plain) else ""
    if country == "FR" and len(plain) == _SIRET:
        plain = plain[:_SIREN]
    if country not in _CHECKED:
        return plain if _ANY.fullmatch(plain) else ""
    validate = cast("Callable[[str], str]", _CHECKED[country].validate)
    try:
        return validate(text if country == "DE" else plain.lower() if country == "AT" else plain)
    except ValidationError:
        return ""
