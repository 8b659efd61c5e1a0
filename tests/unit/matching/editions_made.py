"""Tables for tests: the agent's own, and small ones of which a test says what is in them."""

from collections.abc import Callable
from dataclasses import replace

from cleanroom.agent.tables import load_tables
from matching.normalise import name, name_country, name_outline, site_name
from matching.normalise.site import site_of
from matching.normalise.tables import NEED_TABLES, NORMALISERS, Edition, Recipe
from matching.normalise.words import names_of

CURRENT = load_tables().current


def names(cell: str) -> tuple[str, ...]:
    """The names of a cell with the agent's legal forms."""
    return names_of(cell, forms=CURRENT.legal_forms)


def name_keys(cell: str) -> tuple[str, ...]:
    """The keys of kind `name` of a cell."""
    return name.keys(names(cell))


def outlines(cell: str) -> set[str]:
    """The keys of kind `name_outline` of a cell."""
    return set(name_outline.keys(names(cell)))


def with_country(cell: str, country: str, site: str = "") -> tuple[str, ...]:
    """The keys of kind `name_country` of a cell."""
    return name_country.keys(names(cell), country, site, countries=CURRENT.countries)


def spelt(cell: str, site: str) -> str:
    """The key of kind `site_name`."""
    return site_name.key(names(cell), site, countries=CURRENT.countries)


def site(website: str, email: str = "") -> str:
    """The site behind an account's cells, with the agent's tables."""
    return site_of(
        website,
        email,
        registrable_domain=CURRENT.registrable_domain,
        private_domain=CURRENT.private_domain,
        shared_hosts=CURRENT.shared_hosts,
        free_mail=CURRENT.free_mail,
    )


def edition_of(called: str, registrable_domain: Callable[[str], str] = str, **tables: object) -> Edition:
    """An edition with recipes that bear its name, and empty tables but for those given."""
    made = Edition(
        name=called,
        recipes=tuple(
            Recipe(kind=kind, normaliser=version, tables=called if kind in NEED_TABLES else "")
            for kind, version in NORMALISERS.items()
        ),
        registrable_domain=registrable_domain,
        private_domain=registrable_domain,
        shared_hosts={},
        free_mail=frozenset(),
        equivalent={},
        legal_forms=frozenset(),
        countries=frozenset(),
    )
    return replace(made, **tables)
