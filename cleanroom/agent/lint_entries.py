"""What hurts between accounts: duplicates, several companies on one website, keys that are lost by being shared.

All of it is read off the entries that `matching.entries.merge` makes, never judged a second time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from cleanroom.agent.lint_listed import Bools, Found, Ints, Listed
from matching.keys import IDENTIFIER_KINDS
from matching.owners import MOST_ACCOUNTS

_NAMES: Final = ("name_country", "name")
_NOT_FILLED: Final = frozenset({"account_id", "segment", "suppressed"})  # says nothing of how well an account is kept


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kind:
    """The keys of one kind: one item for each of its rows. `left`: whether it is among its entry's keys.

    `key`: number of the key. `holders`: accounts that hold it. `entries`: whether more than one entry does.
    """

    account: Ints
    key: Ints
    left: Bools
    holders: Ints
    entries: Bools

    @property
    def too_often(self) -> Bools:
        """Lost because it is on too many accounts."""
        return ~self.left & (self.holders > MOST_ACCOUNTS)

    @property
    def lost(self) -> Bools:
        """Lost because another entry holds it too."""
        return ~self.left & self.entries & (self.holders <= MOST_ACCOUNTS)


def entry_findings(listed: Listed) -> Iterator[Found]:
    """The findings between accounts. Accounts that share something stand together."""
    kinds = {kind: _kind(listed, kind) for kind in (*sorted(IDENTIFIER_KINDS), "domain", *_NAMES)}
    domain, names = kinds["domain"], [kinds[kind] for kind in _NAMES]
    yield listed.at("domain_too_often", "website", _in_groups(domain, domain.too_often))
    yield listed.at("names_on_domain", "website", _in_groups(domain, domain.entries & ~domain.too_often))
    often = [_in_groups(kind, kind.too_often) for kind in names]
    yield listed.at("name_too_often", "name", _once(often))
    yield listed.at("name_lost", "name", _once([_in_groups(kind, kind.lost) for kind in names], but=often))
    for kind in sorted(IDENTIFIER_KINDS):
        found = kinds[kind]
        yield listed.at("identifier_shared", kind, _in_groups(found, found.too_often | found.lost))
    yield _duplicates(listed)


def _kind(listed: Listed, kind: str) -> _Kind:
    number = listed.kinds.index(kind) if kind in listed.kinds else -1
    at = np.flatnonzero(listed.keys["kind"].to_numpy() == number)
    account = listed.keys["account"].to_numpy(dtype=np.int64)[at]
    key, distinct = pd.factorize(listed.keys["key"].take(at))
    key = key.astype(np.int64)
    entry = listed.entries.entry_of[account].astype(np.int64)
    entry = np.where(entry < 0, -1 - account, entry)  # an account in no entry is alone
    lowest = np.full(len(distinct), np.iinfo(np.int64).max)
    highest = np.full(len(distinct), np.iinfo(np.int64).min)
    np.minimum.at(lowest, key, entry)
    np.maximum.at(highest, key, entry)
    return _Kind(
        account=account,
        key=key,
        left=listed.entries.held[at],
        holders=np.bincount(key, minlength=len(distinct))[key],
        entries=(lowest != highest)[key],
    )


def _in_groups(kind: _Kind, chosen: Bools) -> Ints:
    """The accounts of chosen keys, those of one key together, in the order of the list."""
    accounts, keys = kind.account[chosen], kind.key[chosen]
    first = np.full(int(keys.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, keys, accounts)
    return accounts[np.lexsort((accounts, first[keys]))]


def _once(parts: list[Ints], *, but: list[Ints] | None = None) -> Ints:
    """The accounts of all parts, each where it comes first, without those of `but`."""
    every = pd.unique(np.concatenate(parts))
    return every[~np.isin(every, np.concatenate(but))] if but else every


def _duplicates(listed: Listed) -> Found:
    """The accounts of entries with several, but for the likely master of each: where the others may go.

    That is the account whose website spells its name; else the one with the most cells filled; else the first.
    """
    entry = listed.entries.entry_of
    counts = np.bincount(entry[entry >= 0], minlength=1)
    members = np.flatnonzero((entry >= 0) & (counts[entry] > 1))
    accounts = listed.accounts.take(members)
    filled = np.zeros(len(members), dtype=np.int64)
    for column in accounts.columns.difference(sorted(_NOT_FILLED)):
        filled += (accounts[column] != "").to_numpy()
    order = np.lexsort((members, -filled, ~_spelled(listed)[members], entry[members]))
    ordered = members[order]
    starts = np.ones(len(ordered), dtype=bool)
    starts[1:] = entry[ordered][1:] != entry[ordered][:-1]
    masters = ordered[starts][np.cumsum(starts) - 1] if len(ordered) else ordered
    masters, others = masters[~starts], ordered[~starts]
    by_master = np.lexsort((others, masters))
    return replace(listed.at("duplicate", "account_id", others[by_master]), masters=masters[by_master])


def _spelled(listed: Listed) -> Bools:
    """The accounts whose own website spells their name."""
    kind, keys = listed.keys["kind"].to_numpy(), listed.keys
    columns = ["account", "key"]
    of_site = keys.loc[kind == listed.kinds.index("site_name"), columns]
    of_name = keys.loc[kind == listed.kinds.index("name"), columns]
    spelled = np.zeros(len(listed.accounts), dtype=np.bool_)
    spelled[of_site.merge(of_name, on=columns)["account"].to_numpy()] = True
    return spelled & listed.with_key(frozenset({"domain"}))
