"""Company name and country.

Recipe name_country/1: NFKC; case folded; combining accents (U+0300 to U+036F) and apostrophes out, letters with
strokes and ligatures to plain ones; "&" to "and"; the dot after a single letter out ("S.p.A." is "spa"); everything
but letters, digits and marks to one space; a leading "the" out; trailing legal forms out, one after the other, with
an "and" that is left hanging ("GmbH & Co. KG"); Japanese, Chinese and Korean forms out at either end. A name of legal
forms only stays as it was before that step. The key is the name, "|", and the country's ISO 3166 alpha-2 code. No
country, nothing left of the name, or a placeholder: no key.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from matching.normalise.cells import checked
from matching.refusal import Refusal

VERSION: Final = "name_country/1"
LIMIT: Final = 1_000

_FORMS: Final = (
    # English-speaking
    "inc incorporated corp corporation co company llc llp lp lllp pllc plc ltd limited pty pte pvt cic private|limited "
    "proprietary|limited public|limited|company limited|liability|company l|l|c "
    # German-speaking
    "gmbh mbh ggmbh ag kg kgaa ohg ug gbr ev eg se haftungsbeschrankt aktiengesellschaft gesellschaft|mbh "
    # French, Spanish, Italian, Portuguese, Romanian
    "sa sas sasu sarl eurl snc sca scs sci srl srls spa sapa scarl scpa slu sl sau sc scl sab|de|cv sa|de|cv s|a|de|cv "
    "srl|de|cv s|de|rl|de|cv s|de|r|l|de|cv "
    "ltda lda eireli cia sociedad|anonima societe|anonyme societa|per|azioni s|a s|l s|r|l s|p|a s|a|s s|a|r|l "
    # Dutch and Nordic
    "bv nv vof cv cvba bvba b|v n|v ab hb aktiebolag as asa ans aps a|s k|s i|s a|b p|s oy oyj o|y ehf hf "
    # Central and eastern Europe, Turkey
    "vos sp|z|oo sp|z|o|o sp|zoo spzoo spolka|akcyjna "
    "sro s|r|o spol|s|r|o kft zrt nyrt bt rt doo d|o|o dd d|d ad ead ood eood "
    "ooo oao zao pao uab ou sia as|sti ltd|sti tic sti "
    # Asia, Middle East, Africa
    "kk k|k gk yk bhd sdn|bhd tbk jsc pjsc cjsc ojsc fze fzco fzc wll saog saoc psc co|kg"
)
_LEGAL: Final = frozenset(tuple(form.split("|")) for form in "".join(_FORMS).split())
_LONGEST: Final = max(map(len, _LEGAL))
_CJK_FORMS: Final = (
    *("株式会社", "有限会社", "合同会社", "合資会社", "股份有限公司", "有限责任公司", "有限責任公司", "股份公司"),
    *("有限公司", "주식회사", "유한회사"),
)
# What NFKC makes of U+3231 and U+3232.
_SHORT_CJK_FORM: Final = re.compile(r"\((?:株|有)\)")
_PLACEHOLDERS: Final = frozenset({"unknown", "n a", "none", "null", "tbd", "not available"})
# Letters that NFKD leaves whole.
_LETTERS: Final = {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "æ": "ae",
    "œ": "oe",
    "\u0131": "i",
    "ħ": "h",
    "ŧ": "t",
}
_PLAIN: Final = str.maketrans(
    {
        **_LETTERS,
        **dict.fromkeys("'\u2018\u2019\u02bc\u0060\u00b4\u02b9", None),
        "&": " and ",
    }
)
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
_INITIAL: Final = re.compile(r"(?<!\w)(\w)\.")
_NOT_PLAIN_ASCII: Final = re.compile(r"[^a-z0-9]+")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


def normalise(value: str, country: str) -> str:
    """The cleaned name + "|" + country, or "" where either is missing. `country`: ISO 3166 alpha-2, upper case, or "".

    Raises Refusal `country_invalid` for a country of another form, and what `cells.checked` raises.
    """
    text = checked(value, limit=LIMIT)
    if not text or not country:
        return ""
    if not _COUNTRY.fullmatch(country):
        raise Refusal("country_invalid", "the country is not an ISO 3166 alpha-2 code")
    name = _without_legal_forms(_folded(text))
    return f"{name}|{country}" if name and name not in _PLACEHOLDERS else ""


def _folded(text: str) -> str:
    """Words of letters, digits and marks, with one space between them."""
    if text.isascii():
        plain = text.lower().translate(_PLAIN)
        return _NOT_PLAIN_ASCII.sub(" ", _INITIAL.sub(r"\1", plain)).strip()
    composed = _SHORT_CJK_FORM.sub(" ", unicodedata.normalize("NFKC", text)).casefold()
    decomposed = unicodedata.normalize("NFKD", composed)
    # Composed again: outside the accents a mark is part of the letter (Japanese voicing, Korean syllables).
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed)).translate(_PLAIN)
    kept = "".join(map(_kept, _INITIAL.sub(r"\1", plain)))
    return " ".join(kept.split())


@lru_cache(maxsize=65_536)
def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LNM":
        return character
    # Format characters (zero-width joiners and spaces, soft hyphens) show nothing, so they part nothing.
    return "" if category == "Cf" else " "


def _without_legal_forms(name: str) -> str:
    words = name.split()
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    whole = " ".join(words)
    while words:
        shorter = _without_last_form(words)
        if shorter is words:
            break
        words = shorter
    stem = " ".join(words)
    if not stem.isascii():
        stem = _without_cjk_forms(stem)
    return stem or whole


def _without_last_form(words: list[str]) -> list[str]:
    for length in range(min(_LONGEST, len(words)), 0, -1):
        if tuple(words[-length:]) in _LEGAL:
            rest = words[:-length]
            return rest[:-1] if rest and rest[-1] == "and" else rest
    return words


def _without_cjk_forms(name: str) -> str:
    for form in _CJK_FORMS:
        name = name.removeprefix(form).removesuffix(form).strip()
    return name
