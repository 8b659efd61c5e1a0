"""The words of a company's name: what `name`, `name_country`, `name_outline` and `site_name` are made of.

Recipe words/1, in this order:

1. HTML entities as characters ("O&#8217;Reilly"); "formerly", "trading as" and their like part a cell into several
   names, of which each counts.
2. What a register or an exchange appends is out (`listing`).
3. Plain words (`folding`). Other scripts are written in Latin letters (anyascii); Japanese, Chinese and Korean legal
   forms at either end are out before that.
4. Trailing legal forms out, one after the other, with an "and" that is left hanging ("GmbH & Co. KG"); a leading "the"
   out. A name of legal forms only stays as it is.
5. Abbreviations that floors and registers use for a word alone are written out (`_WRITTEN_OUT`).

The *core* of a name leaves out words that tell a group from its company (`_GENERAL`: group, holding, international,
articles and prepositions); a name of nothing else keeps them. A placeholder ("unknown", "n/a", "test") has no words.
"""

import html
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from anyascii import anyascii

from matching.normalise.cells import checked
from matching.normalise.folding import folded
from matching.normalise.listing import without_listing

VERSION: Final = "words/1"
LIMIT: Final = 1_000

Forms = Collection[tuple[str, ...]]
"""Legal forms as tuples of plain words."""

_LONGEST_FORM: Final = 6
_CJK_FORMS: Final = (
    *("株式会社", "有限会社", "合同会社", "合資会社", "股份有限公司", "有限责任公司", "有限責任公司", "股份公司"),
    *("有限公司", "주식회사", "유한회사"),
)
_PLACEHOLDERS: Final = frozenset(
    {"unknown", "n a", "na", "none", "null", "tbd", "not available", "test", "test account", "no name", "xxx"}
)
# Both begin where a run of separators does: tried from every place in it, a cell of commas would take half a second.
_FORMER: Final = re.compile(
    r"(?<![\s,;])[\s,;]*[(\[]\s*(?:formerly|previously|prev\.|f/?k/?a|ex|vormals|ehemals|anciennement|gi[aà]|antes)\b"
    r"(?:\s+known\s+as\b)?[:\s]*([^)\]]+)[)\]]",
    re.IGNORECASE,
)
_TRADING: Final = re.compile(
    r"(?<![\s,;(])[\s,;(]+(?:t/as?|d/?b/?a|[af]/?k/?a|trading\s+as|doing\s+business\s+as|also\s+known\s+as|formerly(?:\s+known\s+as)?)\s+",
    re.IGNORECASE,
)
# Byte order and direction marks, which other programs leave around a name that was copied; inside they are refused.
_INVISIBLE: Final = " \t\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_NOT_LATIN: Final = re.compile(r"[^a-z0-9]+")
_WRITTEN_OUT: Final = {
    "hldg": "holding",
    "hldgs": "holdings",
    "hlds": "holdings",
    "grp": "group",
    "intl": "international",
    "mtg": "mortgage",
    "bk": "bank",
    "bks": "banks",
    "ind": "industries",
    "inds": "industries",
    "svc": "services",
    "svcs": "services",
    "sys": "systems",
    "sol": "solutions",
    "mfg": "manufacturing",
    "natl": "national",
    "amer": "american",
    "cap": "capital",
    "comm": "communications",
    "ins": "insurance",
    "tech": "technologies",
    "fds": "foods",
    "strs": "stores",
    "rsts": "resorts",
    "ht": "hotels",
    "wtr": "water",
    "pwr": "power",
    "fin": "financial",
    "bros": "brothers",
}
_GENERAL: Final = frozenset(
    {"group", "groups", "gruppe", "gruppo", "groupe", "grupo", "holding", "holdings", "hld"}
    | {"international", "internatl", "internat", "company", "companies", "cos", "co", "corp", "corporation"}
    | {"incorporated", "inc", "ltd", "limited", "plc", "ag", "se", "sa", "nv", "lp"}
    | {"the", "of", "and", "de", "la", "le", "el", "do", "da", "di", "du", "del", "des", "der", "die", "das"}
)


def names_of(value: str, *, forms: Forms) -> tuple[str, ...]:
    """The names that a cell holds, as plain words with one space between them; none for an empty cell.

    Raises what `cells.checked` raises.
    """
    text = checked(value.strip(_INVISIBLE) if len(value) <= LIMIT else value, limit=LIMIT)
    if "&" in text and ";" in text:
        text = html.unescape(text)
    found = (_words(part, forms) for part in _parts(text))
    return tuple(dict.fromkeys(name for name in found if name))


@lru_cache(maxsize=65_536)
def core(name: str) -> tuple[str, ...]:
    """The words of a name that `names_of` gave without the general ones."""
    words = [_WRITTEN_OUT.get(word, word) for word in name.split()]
    return tuple(word for word in words if word not in _GENERAL) or tuple(words)


def _parts(text: str) -> list[str]:
    former: list[str] = _FORMER.findall(text) if "(" in text or "[" in text else []
    whole = _FORMER.sub("", text) if former else text
    return [part for part in (*_TRADING.split(whole), *former) if part]


def _words(text: str, forms: Forms) -> str:
    plain = folded(without_listing(text))
    if not plain or plain in _PLACEHOLDERS:
        return ""
    stem = _without_legal_forms(plain.split(), forms) or plain
    if not stem.isascii():
        stem = _NOT_LATIN.sub(" ", anyascii(_without_cjk_forms(stem) or stem).lower()).strip()
    return stem


def _without_legal_forms(words: list[str], forms: Forms) -> str:
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    while words:
        shorter = _without_last_form(words, forms)
        if shorter is words:
            break
        words = shorter
    return " ".join(words)


def _without_last_form(words: list[str], forms: Forms) -> list[str]:
    for length in range(min(_LONGEST_FORM, len(words)), 0, -1):
        if tuple(words[-length:]) in forms:
            rest = words[:-length]
            return rest[:-1] if rest and rest[-1] == "and" else rest
    return words


def _without_cjk_forms(name: str) -> str:
    for form in _CJK_FORMS:
        name = name.removeprefix(form).removesuffix(form).strip()
    return name
