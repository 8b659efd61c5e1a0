"""The data tables that normalisers need, read from this package's `editions`; the network is never asked.

`editions.json` names the files of the current edition and of the one before; an edition has the name of its public
suffix list. The version of what is behind a kind of key is the edition's name and the beginning of a digest over all
of it, so that two agents with other tables say so.
"""

import csv
import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from typing import Any, Final, cast

import pycountry
import tldextract

from matching.normalise.folding import folded
from matching.normalise.tables import NEED_TABLES, NORMALISERS, Edition, Recipe, Tables

# As they stand in domains: names that countries give themselves, and short ones. pycountry has the English ones.
_ALSO: Final = frozenset(
    {"usa", "america", "uk", "gb", "britain", "england", "scotland", "deutschland", "danmark", "espana", "italia"}
    | {"sverige", "norge", "suomi", "osterreich", "schweiz", "suisse", "belgique", "belgie", "nederland", "holland"}
    | {"polska", "cesko", "magyarorszag", "ksa", "uae", "brasil", "mexico", "turkiye", "turkey", "russia", "rus"}
    | {"korea", "vietnam", "czechia", "taiwan", "africa", "europe", "asia"}
)
_SHORT_DIGEST: Final = 12


@cache
def load_tables() -> Tables:
    """The current edition and the one before."""
    folder = resources.files("cleanroom.agent") / "editions"
    named = json.loads((folder / "editions.json").read_text(encoding="utf-8"))
    return Tables(current=edition_in(folder, named["current"]), previous=edition_in(folder, named["previous"]))


def edition_in(folder: Traversable, files: Mapping[str, str]) -> Edition:
    """The edition whose name and files are given, by table; what a kind depends on is in the version of its recipe."""
    suffixes = _extractor(folder / files["public_suffixes"], private=False)
    private = _extractor(folder / files["public_suffixes"], private=True)
    shared = dict(_pairs(folder / files["shared_hosts"]))
    free_mail = frozenset(_lines(folder / files["free_mail"]))
    equivalent = dict(_pairs(folder / files["equivalent_domains"]))
    forms = frozenset(tuple(folded(line).split()) for line in _lines(folder / files["legal_forms"]))
    countries = _countries()
    of_sites = _digest(private.tlds, map(":".join, shared.items()), free_mail)
    of_names = _digest(map(" ".join, forms), [metadata.version("anyascii"), unicodedata.unidata_version])
    behind = {
        "domain": _digest([of_sites], map(":".join, equivalent.items())),
        "site_name": _digest([of_sites, of_names], countries),
        "name_country": _digest([of_sites, of_names], countries),
    }
    return Edition(
        name=files["name"],
        recipes=tuple(
            Recipe(
                kind=kind,
                normaliser=version,
                tables=f"{files['name']}-{behind.get(kind, of_names)}" if kind in NEED_TABLES else "",
            )
            for kind, version in NORMALISERS.items()
        ),
        registrable_domain=_registrable(suffixes),
        private_domain=lambda host: private.extract_str(host).top_domain_under_public_suffix,
        shared_hosts=shared,
        free_mail=free_mail,
        equivalent=equivalent,
        legal_forms=forms,
        countries=countries,
    )


class _OneFile:
    """What tldextract asks of a session, for a file: given its address, it would leave the file open."""

    def __init__(self, file: Traversable) -> None:
        self.text = file.read_text(encoding="utf-8")

    def get(self, *_: object, **__: object) -> "_OneFile":
        return self

    def raise_for_status(self) -> None:
        """Nothing went wrong."""


def _extractor(file: Traversable, *, private: bool) -> tldextract.TLDExtract:
    extract = tldextract.TLDExtract(
        suffix_list_urls=("file:",),
        cache_dir=None,
        fallback_to_snapshot=False,
        include_psl_private_domains=private,
    )
    extract.extract_str("", session=cast("Any", _OneFile(file)))  # it keeps what it has read
    return extract


def _registrable(extract: tldextract.TLDExtract) -> Callable[[str], str]:
    final = _final_suffixes(extract.tlds)

    def registrable_domain(host: str) -> str:
        # Nearly every host ends in a suffix that has no longer one below it; the others take the long way.
        domain, parent = host, host.partition(".")[2]
        while parent:
            if parent in final:
                return domain
            domain, parent = parent, parent.partition(".")[2]
        return extract.extract_str(host).top_domain_under_public_suffix

    return registrable_domain


def _final_suffixes(rules: Iterable[str]) -> frozenset[str]:
    """Suffixes below which the list has no further rule: what is right below one is a registrable domain."""
    names = {rule.removeprefix("!") for rule in rules}
    above = {name[at + 1 :] for name in names for at, letter in enumerate(name) if letter == "."}
    return frozenset(rule for rule in rules if rule not in above and not rule.startswith(("*", "!")))


def _lines(file: Traversable) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _pairs(file: Traversable) -> list[tuple[str, str]]:
    """The two columns of a CSV file with a header."""
    return [(first, second) for first, second in csv.reader(_lines(file)[1:])]


def _countries() -> frozenset[str]:
    found = set(_ALSO)
    for country in pycountry.countries:
        found |= {country.alpha_2.lower(), country.alpha_3.lower()}
        for name in (country.name, getattr(country, "common_name", ""), getattr(country, "official_name", "")):
            found.add(re.sub("[^a-z]", "", folded(name)))
    return frozenset(found - {""})


def _digest(*parts: Iterable[str]) -> str:
    text = "\0".join("\n".join(sorted(part)) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:_SHORT_DIGEST]
