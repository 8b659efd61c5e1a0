"""From two lists of one account each to a tier: what the recipes and the rule do together, with the agent's tables."""

import numpy as np
import pandas as pd
import pytest

from cleanroom.agent.tables import load_tables
from matching.entries import merge
from matching.keys import keys_of
from matching.normalise.tables import current
from matching.rule import CERTAIN, LIKELY, NONE, tier

TABLES = load_tables()
RECIPES = current(TABLES)
KINDS = [recipe.kind for recipe in RECIPES]


def account(name: str = "", website: str = "", country: str = "", **others: str) -> dict[str, str]:
    return {"name": name, "website": website, "country": country, **others}


def keys(cells: dict[str, str]) -> dict[str, set[str]]:
    """Kind -> the keys that a list of this account alone commits."""
    frame = keys_of(pd.DataFrame([cells], dtype="str"), RECIPES, TABLES).frame
    rows = merge(frame, np.zeros(1, np.uint8), pd.Series(["a"], dtype="str"), KINDS).rows
    return {KINDS[kind]: set(found["key"]) for kind, found in rows.groupby("kind")}


def tier_of(one: dict[str, str], other: dict[str, str]) -> int:
    mine, theirs = keys(one), keys(other)
    agree = {kind for kind in mine if mine[kind] & theirs.get(kind, set())}
    return tier(frozenset(agree), frozenset(mine.keys() & theirs.keys() - agree))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (account("Domino's Pizza", "dominos.com.au", ""), account("Domino's Pizza", "dominos.com", "")),
        (account("Acme Labs GmbH", "acme.de", "DE"), account("ACME LABS", "https://www.acme.de/impressum", "")),
        (account("Acme Labs", "acme.com"), account("Acme Laboratories", "acme.com")),
        (account("AMERICAN STAT.WTR DL 2,50"), account("American States Water Company", country="")),
        (account("Ajax (formerly Acme Labs)", "ajax.com", "US"), account("Acme Labs", "", "US")),
        (account("A", lei="213800KUD8LAJWSQ9D15"), account("B", "b.com", "DE", lei="2138 00KUD8-LAJWSQ9D15")),
        (account("A", register="01234567", country="GB"), account("B", register="GB 1234567")),
        (account("Apple", ticker="NASDAQ:AAPL"), account("Apple Inc.", "apple.com", "US", ticker="AAPL US")),
        (account("Acme", email="x@acme.com"), account("Acme", "acme.com")),
    ],
)
def test_one_company(one: dict[str, str], other: dict[str, str]) -> None:
    assert tier_of(one, other) >= LIKELY
    assert tier_of(other, one) == tier_of(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (account("Coop", "coop.ch", "CH"), account("Coop", "coop.dk", "DK")),  # the same of another country
        (account("Coop", "coop.ch"), account("Coop", "coop.dk")),  # which their websites say
        (account("Acme", "https://github.com/acme"), account("Zenith", "https://github.com/zenith")),
        (account("Acme", "acme.github.io"), account("Zenith", "zenith.github.io")),
        (account("Acme", email="acme@gmail.com"), account("Zenith", email="zenith@gmail.com")),
        (account("unknown", "", "US"), account("Unknown", "", "US")),
        (
            account("Acme", "acme.com", "GB", lei="213800KUD8LAJWSQ9D15"),
            account("Acme", "acme.com", "GB", lei="529900T8BM49AURSDO55"),
        ),
        (
            account("Acme", "acme.com", "GB", register="01234567"),
            account("Acme", "acme.com", "GB", register="SC123456"),
        ),
        (account("A", register="1234567", country="GB"), account("B", register="1234567", country="IT")),
        (account("AT"), account("T", ticker="T")),
    ],
)
def test_two_companies(one: dict[str, str], other: dict[str, str]) -> None:
    assert tier_of(one, other) == NONE
    assert tier_of(other, one) == NONE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (account("Acme", "acme.com", "US"), account("Acme", "acme.com", "US")),
        (account("Acme", "", "US"), account("ACME, Inc.", "", "US")),
        (account("Acme", "acme.com"), account("", "acme.com")),
    ],
)
def test_sure(one: dict[str, str], other: dict[str, str]) -> None:
    assert tier_of(one, other) == CERTAIN


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (account("Zenith", "acmegroup.com"), account("Acme", "acmegroup.com")),
        (account("Acme", ticker="NYSE:ACM"), account("Zenith", ticker="ACM US")),
    ],
)
def test_likely_only(one: dict[str, str], other: dict[str, str]) -> None:
    assert tier_of(one, other) == LIKELY
