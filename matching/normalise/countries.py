"""The country of an account: its own, or that of its website's top-level domain."""

import re
from typing import Final

from matching.refusal import Refusal

_COUNTRY: Final = re.compile(r"[A-Z]{2}")
# Country-code domains that companies of any country use for what they spell.
_OPEN: Final = frozenset(
    {"ac", "ai", "bz", "cc", "cd", "co", "eu", "fm", "gg", "gl", "im", "io", "la", "ly", "me", "mu", "nu", "sc"}
    | {"sh", "so", "st", "tk", "tm", "to", "tv", "vc", "ws"}
)
_CODE_OF: Final = {"uk": "GB"}


def country_of(country: str, site: str) -> str:
    """ISO 3166 alpha-2, or "" if neither says it. `site` is a registrable domain or "".

    Raises Refusal `country_invalid` for a country that is not two capital letters.
    """
    if country:
        if not _COUNTRY.fullmatch(country):
            raise Refusal("country_invalid", "the country is not an ISO 3166 alpha-2 code")
        return country
    top = site.rpartition(".")[2]
    return _CODE_OF.get(top, top.upper()) if len(top) == 2 and top not in _OPEN else ""  # noqa: PLR2004 - alpha-2
