"""Names and websites made comparable, as a careful user of free libraries would: what all peers work on.

Cleaned name: cleanco's base name, twice; accents out, case folded, "&" to "and", everything but letters and digits to
one space, a leading "the" out; where nothing is left, the name without cleanco. Registrable domain: tldextract with
the snapshot that it carries, private suffixes off. Both reproduce the flags of the truth files of the public slices.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Final
from urllib.parse import urlsplit

import tldextract
from cleanco import basename

_EXTRACT: Final = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=False)


def host_of(website: str) -> str:
    """The host in lower case, or ""; "www." stays."""
    text = website.lower()
    try:
        return urlsplit(text if "://" in text else f"http://{text}").hostname or ""
    except ValueError:
        return ""


def domain_of(website: str) -> str:
    """The registrable domain, or ""."""
    host = host_of(website)
    return _EXTRACT(host).top_domain_under_public_suffix if host else ""


@cache
def cleaned(name: str) -> str:
    """The cleaned name; "" where nothing is left."""
    base = basename(basename(name) or name) or name
    return _plain(base) or _plain(name)


def _plain(text: str) -> str:
    letters = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    words = re.sub(r"[^\w]+", " ", letters.casefold().replace("&", " and ")).split()
    return " ".join(words[1:] if words[:1] == ["the"] and len(words) > 1 else words)


def column(cells: list[str], of: Callable[[str], str]) -> list[str]:
    """A column made of another."""
    return [of(cell) for cell in cells]
