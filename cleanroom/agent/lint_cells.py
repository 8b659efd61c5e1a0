"""What hurts in single cells: those that were refused, and websites and addresses that made no key."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from cleanroom.agent.lint_listed import STRONG, Bools, Found, Ints, Listed
from cleanroom.agent.reading.cleaning import by_value
from matching.keys import IDENTIFIER_KINDS, KINDS
from matching.normalise.host import host_and_rest
from matching.normalise.tables import Edition
from matching.refusal import Refusal

_RULE_OF: Final[Mapping[str, str]] = {
    **dict.fromkeys(IDENTIFIER_KINDS, "identifier_invalid"),
    "website": "website_unreadable",
    "name": "name_unreadable",
    "country": "country_unreadable",
}
_SEPARATOR: Final = ": "  # between a host and what it is


def cell_findings(listed: Listed, *, by_segment: bool) -> Iterator[Found]:
    """The findings in cells. `by_segment`: segments come from a column, so an empty one was not understood."""
    live, accounts = listed.live, listed.accounts
    shared = _on_shared_hosts(listed)
    yield from _refused_cells(listed)
    yield from _refused_keys(listed)
    yield from _without_domain(listed, shared)
    refused = listed.refused_cells
    unread = np.isin(listed.rows, refused.loc[refused["column"] == "country", "row"])
    # Some websites tell the country too.
    missing = live & ~_empty(accounts["name"]) & ~listed.with_key(frozenset({"name_country"}))
    yield listed.at("country_missing", "country", missing & _empty(accounts["country"]) & ~unread)
    if by_segment:
        yield listed.at("no_segment", "segment", live & _empty(accounts["segment"]))
    some = listed.found_by(frozenset(KINDS))
    yield listed.at("no_key", "website", live & ~some)
    yield listed.at("name_only", "website", live & some & ~listed.found_by(STRONG))


def shared_host(text: str, edition: Edition) -> str | None:
    """For a website on a shared host "HOST: what it is"; None for any other, and for one that cannot be read."""
    try:
        host = host_and_rest(text)[0]
    except Refusal:
        return None
    for name in (host, edition.registrable_domain(host)):
        if name in edition.shared_hosts:
            return f"{name}{_SEPARATOR}{edition.shared_hosts[name]}"
        if name in edition.free_mail:
            return f"{name}{_SEPARATOR}mail for everyone"
    return None


def host_of(why: str) -> tuple[str, str]:
    """(host, what it is) of what `shared_host` says."""
    host, _, reason = why.partition(_SEPARATOR)
    return host, reason


def _on_shared_hosts(listed: Listed) -> "pd.Series[str]":
    """By position, for live accounts whose website made no domain: on which shared host it is; "" for none."""
    asked = _without_key(listed, "website")
    texts, _ = by_value(
        listed.accounts["website"][asked].reset_index(drop=True), lambda text: shared_host(text, listed.edition)
    )
    return texts.set_axis(np.flatnonzero(asked))


def _without_key(listed: Listed, column: str) -> Bools:
    """Live accounts with something in a column, and no domain."""
    return listed.live & ~_empty(listed.accounts[column]) & ~listed.with_key(frozenset({"domain"}))


def _refused_cells(listed: Listed) -> Iterator[Found]:
    """What reading refused: whole rows, then cells by column."""
    position = pd.Index(listed.rows)
    for place, part in listed.refused_cells.groupby(["column", "left_out"], sort=True):
        column, out = str(place[0]), bool(place[1])
        rows = part["row"].to_numpy(dtype=np.int64)
        accounts = position.get_indexer(pd.Index(rows)).astype(np.int64)  # -1 for a row that was left out
        rule = "row_left_out" if out else _RULE_OF.get(column, "value_unreadable")
        yield Found(rule=rule, column=column, rows=rows, accounts=accounts, why=_texts(part["rule"]))


def _refused_keys(listed: Listed) -> Iterator[Found]:
    """What the normalisers refused. An address that stands in for a website is refused in its name."""
    refused, websites = listed.refused_keys, listed.accounts["website"]
    addresses = (refused["column"] == "website") & _empty(websites.take(refused["account"].to_numpy(dtype=np.int64)))
    for column, part in refused.assign(column=refused["column"].mask(addresses, "email")).groupby("column", sort=True):
        rule = _RULE_OF.get(str(column), "value_unreadable")
        found = listed.at(rule, str(column), part["account"].to_numpy(dtype=np.int64))
        yield replace(found, why=_texts(part["rule"]))


def _without_domain(listed: Listed, shared: "pd.Series[str]") -> Iterator[Found]:
    """Websites and addresses that could be read, and are nobody's own."""
    known = shared[shared != ""]
    yield replace(listed.at("shared_host", "website", _positions(known)), why=_texts(known))
    refused = listed.refused_keys
    unread = refused.loc[refused["column"] == "website", "account"]
    others = shared[(shared == "") & ~shared.index.isin(unread)]
    yield listed.at("website_unreadable", "website", _positions(others))
    if "email" in listed.accounts:
        free = _without_key(listed, "email") & _empty(listed.accounts["website"])
        free &= listed.accounts["email"].isin(listed.edition.free_mail).to_numpy()
        yield replace(listed.at("free_mail", "email", free), why=_texts(listed.accounts["email"][free]))


def _positions(by_position: "pd.Series[str]") -> Ints:
    return by_position.index.to_numpy(dtype=np.int64)


def _texts(column: "pd.Series[str]") -> "pd.Series[str]":
    return column.reset_index(drop=True)


def _empty(column: "pd.Series[str]") -> Bools:
    return np.asarray((column == "").to_numpy(), dtype=np.bool_)
