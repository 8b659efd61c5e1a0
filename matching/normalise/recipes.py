"""From the version of a normaliser to what makes its keys of an account's cells."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final, NamedTuple

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
    words,
)
from matching.normalise.site import site_of
from matching.normalise.tables import Edition

Maker = Callable[..., Iterable[str] | str]
"""One text for each column -> the key, or the keys, of an account; it raises `Refusal` for what is wrong."""

SEPARATOR: Final = "\x1f"
"""Between several names of one cell, or keys of one account: a control character, which no cell may hold."""


class Making(NamedTuple):
    """`columns`: what the maker takes, of the accounts frame or of `DERIVED`. `blamed`: the column refusals name."""

    columns: tuple[str, ...]
    blamed: str
    maker: Callable[[Edition], Maker]


def _names(edition: Edition) -> Maker:
    return partial(words.names_of, forms=edition.legal_forms)


def _site(edition: Edition) -> Maker:
    return partial(
        site_of,
        registrable_domain=edition.registrable_domain,
        private_domain=edition.private_domain,
        shared_hosts=edition.shared_hosts,
        free_mail=edition.free_mail,
    )


def _always(maker: Maker) -> Callable[[Edition], Maker]:
    return lambda _: maker


def _of_names(make: Callable[..., Iterable[str] | str]) -> Maker:
    """A maker whose first column is names, joined."""
    return lambda names, *others: make(names.split(SEPARATOR) if names else [], *others)


DERIVED: Final[Mapping[str, Making]] = {
    "names": Making(("name",), "name", _names),
    "site": Making(("website", "email"), "website", _site),
}
"""Columns that several kinds need."""

MAKINGS: Final[Mapping[str, Making]] = {
    lei.VERSION: Making(("lei",), "lei", _always(lei.normalise)),
    duns.VERSION: Making(("duns",), "duns", _always(duns.normalise)),
    vat.VERSION: Making(("vat", "country"), "vat", _always(vat.normalise)),
    register.VERSION: Making(("register", "country"), "register", _always(register.normalise)),
    cik.VERSION: Making(("cik",), "cik", _always(cik.normalise)),
    isin.VERSION: Making(("isin",), "isin", _always(isin.normalise)),
    ticker.VERSION: Making(("ticker",), "ticker", _always(ticker.normalise)),
    domain.VERSION: Making(("site",), "website", lambda edition: partial(domain.key, equivalent=edition.equivalent)),
    site_name.VERSION: Making(
        ("names", "site"), "website", lambda edition: _of_names(partial(site_name.key, countries=edition.countries))
    ),
    name_country.VERSION: Making(
        ("names", "country", "site"),
        "country",
        lambda edition: _of_names(partial(name_country.keys, countries=edition.countries)),
    ),
    name.VERSION: Making(("names",), "name", _always(_of_names(name.keys))),
    name_outline.VERSION: Making(("names",), "name", _always(_of_names(name_outline.keys))),
    name_outline.FIRST_WORD_VERSION: Making(("names",), "name", _always(_of_names(name_outline.first_words))),
}
"""Version of a normaliser -> how it is made."""
