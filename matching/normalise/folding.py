"""Text to plain words: the part that every recipe about names begins with.

NFKC; case folded; combining accents (U+0300 to U+036F) and apostrophes out, letters with strokes and ligatures to plain
ones; "&" to "and"; the dot after a single letter out ("S.p.A." is "spa"); everything but letters, digits and marks to
one space. The short forms of Japanese legal forms, as NFKC leaves them, are out too.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

# What NFKC makes of U+3231 and U+3232.
_SHORT_CJK_FORM: Final = re.compile(r"\((?:株|有)\)")
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


def folded(text: str) -> str:
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
