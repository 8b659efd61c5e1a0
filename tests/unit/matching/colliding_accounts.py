"""Made-up lists in which everything collides, as the keys frame that `merge` takes; what comes out as plain sets."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from hypothesis import strategies as st

from matching.entries import NO_SEGMENT, Entries, merge

KINDS = (
    *("lei", "duns", "isin", "ticker", "domain", "site_name"),
    *("name_country", "name", "name_outline", "first_word"),
)
Key = tuple[str, str]
"""(kind, key)."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account by what it holds."""

    id: str
    keys: frozenset[Key]
    segment: int = 0


Readable = dict[str, tuple[int, frozenset[str], frozenset[Key], frozenset[tuple[str, Key]]]]
"""Anchor -> (segment, ids of the accounts, keys, (account, key) that the accounts' frame says are held)."""


def holding(account_id: str, *keys: str, segment: int = 0) -> Account:
    """An account that holds "kind:key" ..., no more."""
    pairs = [key.partition(":")[::2] for key in keys]
    return Account(account_id, frozenset((kind, key) for kind, key in pairs), segment)


def company(account_id: str, name: str = "", site: str = "", country: str = "", *others: str, **more: int) -> Account:
    """An account as `keys_of` would read it; `others` are "kind:key"."""
    found = {f"domain:{site}"} if site else set()
    words = name.split()
    spelt = site.partition(".")[0] if site else "".join(words)
    found |= {f"site_name:{spelt}"} if spelt else set()
    if words:
        whole, rest = "".join(words), words[1:]
        found |= {f"name:{whole}", f"first_word:{words[0]}", f"name_outline:^{words[0]} {rest[0][0] if rest else ''}"}
        found |= {f"name_country:{whole}|{country}"} if country else set()
        found |= {"name_outline:" + " ".join([words[0], *(word[:3] for word in rest)])} if rest else set()
    return holding(account_id, *found, *others, **more)


def keys_frame(accounts: Sequence[Account]) -> pd.DataFrame:
    """Their keys, in an order that says nothing."""
    rows = [
        (at, KINDS.index(kind), key)
        for at, account in enumerate(accounts)
        for kind, key in sorted(account.keys, reverse=len(account.keys) % 2 == 0)
    ]
    frame = pd.DataFrame(rows, columns=["account", "kind", "key"])
    return frame.astype({"account": "int32", "kind": "uint8", "key": "str"})


def merged(accounts: Sequence[Account], *, crowded: npt.NDArray[np.bool_] | None = None) -> Entries:
    """What `merge` makes of them."""
    segments = np.array([account.segment for account in accounts], dtype=np.uint8)
    ids = pd.Series([account.id for account in accounts], dtype="str")
    return merge(keys_frame(accounts), segments, ids, KINDS, crowded)


def readable(found: Entries, accounts: Sequence[Account]) -> Readable:
    """Entries as plain sets, each under its anchor."""
    members, keys, held = defaultdict(set), defaultdict(set), defaultdict(set)
    for account, entry in zip(accounts, found.entry_of.tolist(), strict=True):
        members[entry].add(account.id)
    segment = {}
    for row in found.rows.itertuples():
        keys[row.entry].add((KINDS[row.kind], row.key))
        segment[row.entry] = row.segment
    for (_, row), is_held in zip(keys_frame(accounts).iterrows(), found.held.tolist(), strict=True):
        if is_held:
            entry = int(found.entry_of[row["account"]])
            held[entry].add((accounts[row["account"]].id, (KINDS[row["kind"]], row["key"])))
    return {
        anchor: (segment[entry], frozenset(members[entry]), frozenset(keys[entry]), frozenset(held[entry]))
        for entry, anchor in enumerate(found.anchor.tolist())
        if entry in keys
    }


SEGMENTS = st.sampled_from([0, 0, 1, 2, NO_SEGMENT])
_NAMES = ("", "ab", "ab cd", "ab ce", "ef", "ef ab", "gh ij")
_SITES = ("", "", "ab.com", "ab.de", "abcd.com", "ef.com", "zz.net")
_COMPANIES = st.builds(
    lambda name, site, country, others, segment: company("", name, site, country, *others, segment=segment),
    st.sampled_from(_NAMES),
    st.sampled_from(_SITES),
    st.sampled_from(["", "DE", "US"]),
    st.lists(st.sampled_from(["lei:1", "lei:2", "duns:1", "duns:2", "isin:1", "ticker:1"]), max_size=2),
    SEGMENTS,
)
_SITE_KINDS = ("domain", "site_name")


def _of_one_site(keys: frozenset[Key]) -> frozenset[Key]:
    """An account has one website."""
    first = {min((key for key in keys if key[0] == kind), default=None) for kind in _SITE_KINDS}
    return frozenset(key for key in keys if key[0] not in _SITE_KINDS or key in first)


_ANYTHING = st.builds(
    lambda keys, segment: Account("", _of_one_site(keys), segment),
    st.frozensets(st.tuples(st.sampled_from(KINDS), st.sampled_from(["ab", "ef", "1", "^ab "])), max_size=5),
    SEGMENTS,
)


@st.composite
def lists(draw: st.DrawFn, *, smallest: int = 0, largest: int = 30) -> list[Account]:
    """Accounts as lists have them, and some that hold whatever may be; ids in no order."""
    found = draw(
        st.lists(st.one_of(_COMPANIES, _COMPANIES, _COMPANIES, _ANYTHING), min_size=smallest, max_size=largest)
    )
    ids = draw(st.permutations([f"{number:02}" for number in range(len(found))]))
    return [Account(number, account.keys, account.segment) for number, account in zip(ids, found, strict=True)]
