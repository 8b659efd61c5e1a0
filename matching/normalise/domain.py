"""Registrable domain of an account's own website.

Recipe domain/2: the site (`site`); a domain of the table of equivalent domains as the first of its set, so that all
domains of one owner are one key.
"""

from collections.abc import Mapping
from typing import Final

VERSION: Final = "domain/2"


def key(site: str, *, equivalent: Mapping[str, str]) -> str:
    """The key of a site as `site.site_of` gives it, or ""."""
    return equivalent.get(site, site)
