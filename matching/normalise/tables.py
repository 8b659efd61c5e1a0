"""Recipes and the data tables that they need, as values: the agent loads tables, this package only looks things up.

A recipe is a kind of key, the version of its normaliser, and the version of the data behind it: what both sides of a
room must have equal. Terms pin one of each kind; an agent can make the last two.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from matching.normalise import (
    cik,
    domain,
    duns,
    isin,
    lei,
    name,
    name_country,
    name_outline,
    register,
    site_name,
    ticker,
    vat,
)
from matching.refusal import Refusal

FIRST_WORD: Final = "first_word"
"""A kind that stays in the agent: `entries.merge` needs it to tell which outlines are rare."""

NORMALISERS: Final = {
    "lei": lei.VERSION,
    "duns": duns.VERSION,
    "vat": vat.VERSION,
    "register": register.VERSION,
    "cik": cik.VERSION,
    "isin": isin.VERSION,
    "ticker": ticker.VERSION,
    "domain": domain.VERSION,
    "site_name": site_name.VERSION,
    "name_country": name_country.VERSION,
    "name": name.VERSION,
    "name_outline": name_outline.VERSION,
    FIRST_WORD: name_outline.FIRST_WORD_VERSION,
}
"""Kind -> the version of its normaliser today."""

NEED_TABLES: Final = frozenset({"domain", "site_name", "name_country", "name", "name_outline", FIRST_WORD})
"""Kinds whose key depends on data that changes without a change of the recipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A kind of key, the version of its normaliser, and of its tables ("" for a kind that needs none)."""

    kind: str
    normaliser: str
    tables: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One state of all tables, and the recipes that are made with it.

    `registrable_domain`, `private_domain`: a lower-case ASCII host -> its registrable domain by the ICANN section of
    the public suffix list, or by both sections; "" if it has none. `shared_hosts`: host or domain -> why it says
    nothing. `free_mail`: domains of mailboxes for everyone. `equivalent`: domain -> the one that stands for its
    owner's. `legal_forms`: tuples of plain words. `countries`: names and codes as they stand in domains.

    Raises Refusal `kind_repeated` if two recipes are of one kind, `tables_version` if one that needs tables names none.
    """

    name: str
    recipes: tuple[Recipe, ...]
    registrable_domain: Callable[[str], str] = field(repr=False)
    private_domain: Callable[[str], str] = field(repr=False)
    shared_hosts: Mapping[str, str] = field(repr=False)
    free_mail: frozenset[str] = field(repr=False)
    equivalent: Mapping[str, str] = field(repr=False)
    legal_forms: frozenset[tuple[str, ...]] = field(repr=False)
    countries: frozenset[str] = field(repr=False)

    def __post_init__(self) -> None:
        if len({recipe.kind for recipe in self.recipes}) != len(self.recipes):
            raise Refusal("kind_repeated", "a kind of match key is named twice")
        for recipe in self.recipes:
            if recipe.normaliser == NORMALISERS.get(recipe.kind) and recipe.kind in NEED_TABLES and not recipe.tables:
                raise Refusal("tables_version", f"no version of the tables for {recipe.kind}")
        for column in ("shared_hosts", "equivalent"):
            object.__setattr__(self, column, MappingProxyType(dict(getattr(self, column))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What the agent has loaded: the current tables, and those before, if it still has them.

    Raises Refusal `recipe_unknown` if the current edition lacks the recipe of a kind.
    """

    current: Edition
    previous: Edition | None = None

    def __post_init__(self) -> None:
        missing = NORMALISERS.items() - {(recipe.kind, recipe.normaliser) for recipe in self.current.recipes}
        if missing:
            raise Refusal("recipe_unknown", f"no recipe for {', '.join(sorted(kind for kind, _ in missing))}")

    def edition(self, recipe: Recipe) -> Edition:
        """The edition that a recipe needs. Raises Refusal `recipe_unknown` for one that cannot be made here."""
        for edition in (self.current, self.previous):
            if edition is not None and recipe in edition.recipes:
                return edition
        raise Refusal("recipe_unknown", "not a version of normaliser and tables that is there")


def current(tables: Tables) -> tuple[Recipe, ...]:
    """The newest recipe of each kind, in the order of `NORMALISERS`."""
    of_kind = {recipe.kind: recipe for recipe in tables.current.recipes}
    return tuple(of_kind[kind] for kind in NORMALISERS)


def recipes(tables: Tables) -> Mapping[str, tuple[Recipe, ...]]:
    """Kind -> the recipes that can be made, the newest first, at most two."""
    before = {recipe.kind: recipe for recipe in tables.previous.recipes} if tables.previous else {}
    return {recipe.kind: tuple(dict.fromkeys((recipe, before.get(recipe.kind, recipe)))) for recipe in current(tables)}
