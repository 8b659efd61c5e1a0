"""Data tables that normalisers need, as values: the agent loads them, this package only looks things up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from matching.normalise import domain, duns, lei, name_country, vat
from matching.refusal import Refusal

_VERSIONS: Final = {
    "lei": lei.VERSION,
    "duns": duns.VERSION,
    "vat": vat.VERSION,
    "domain": domain.VERSION,
    "name_country": name_country.VERSION,
}
# Kinds whose key depends on data that changes without a change of the recipe.
_NEED_TABLES: Final = frozenset({"domain"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What the agent has loaded.

    `registrable_domain` maps a lower-case ASCII host to its registrable domain by the ICANN section of the public
    suffix list, or to "" if it has none. `versions` names, per kind of key, the version of the data behind it (public
    suffix list, check-digit library, Unicode); `domain` must be there.
    """

    registrable_domain: Callable[[str], str]
    versions: Mapping[str, str]

    def __post_init__(self) -> None:
        missing = sorted(kind for kind in _NEED_TABLES if not self.versions.get(kind))
        if missing:
            raise Refusal("tables_version", f"no version of the tables for {', '.join(missing)}")
        object.__setattr__(self, "versions", MappingProxyType(dict(self.versions)))


def recipe(kind: str, tables: Tables) -> tuple[str, str]:
    """(normaliser's version, tables' version) of a kind: what both sides must have equal. The second may be "".

    Raises Refusal `kind_unknown`.
    """
    if kind not in _VERSIONS:
        raise Refusal("kind_unknown", "not a kind of match key")
    return _VERSIONS[kind], tables.versions.get(kind, "")
