"""P3: which of a list's own accounts are one company, and whose a key is that several hold.

The rule, which depends on sets only and never on the order of rows:

1. A key on more than 50 accounts is no key.
2. Accounts are one entry if they share an identifier; a name and a website; or a name and the name that their websites
   spell, where an account without a website counts as one whose website spells its name. And an account without a
   website is in the entry of its name, if all accounts of that name that have a website are one entry. Countries keep
   nothing apart here: they do in the rule, and where accounts are released (`matching.rule`).
3. Accounts whose identifiers differ stay apart: an identifier whose own holders differ in another exclusive kind is
   dropped; where accounts joined over several steps still differ, only shared identifiers join them, and where that is
   not enough, nothing does.
4. A key that several entries hold is that of the one of them whose website spells its name; if none does, of the one
   whose website spells the first word of its name; else it is nobody's. An identifier is nobody's in any case.
5. An outline that only a rare first word earns counts if no other entry has an account that begins with that word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from matching.normalise.name_outline import RARE
from matching.normalise.tables import FIRST_WORD
from matching.rule import EXCLUSIVE, IDENTIFIERS

MOST_ACCOUNTS: Final = 50

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_HIGHEST: Final = np.iinfo(np.int64).max
_NOBODY: Final = -1
_SEVERAL: Final = -2


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Who holds what: one item per (account, key), ordered by key. Keys are numbered over all kinds.

    `first`: position in the keys frame, `kind_of`: index in `kinds`, both per key. `item`: the item of each row of the
    keys frame. `accounts`: how many there are.
    """

    account: Ints
    key: Ints
    kind_of: npt.NDArray[np.uint8]
    first: Ints
    item: Ints
    accounts: int
    kinds: Sequence[str]

    def items(self, *names: str) -> Bools:
        """Which items are of these kinds."""
        return self.keys(*names)[self.key]

    def keys(self, *names: str) -> Bools:
        """Which keys are of these kinds."""
        return np.isin(self.kind_of, [index for index, kind in enumerate(self.kinds) if kind in names])

    def only(self, value: Ints, *, among: Bools) -> Ints:
        """Per key: the one value (per item) that its items `among` have; _NOBODY if there are none, _SEVERAL values."""
        lowest = np.full(len(self.first), _HIGHEST, np.int64)
        highest = np.full(len(self.first), -1, np.int64)
        np.minimum.at(lowest, self.key[among], value[among])
        np.maximum.at(highest, self.key[among], value[among])
        return np.where(highest < 0, _NOBODY, np.where(lowest == highest, highest, _SEVERAL))


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """`component`: per account the smallest account of its entry. `kept`: per item, whether the account's entry has it.

    `dropped`: reason -> keys.
    """

    component: Ints
    kept: Bools
    dropped: dict[str, int]


def held_of(keys: pd.DataFrame, positions: Ints, count: int, kinds: Sequence[str]) -> Held:
    """Distinct keys numbered from 0; repeated rows out. `positions`: the account of each row of `keys`."""
    index = keys["kind"].to_numpy(dtype=np.uint8)
    codes = np.empty(len(keys), dtype=np.int64)
    kind_of: list[npt.NDArray[np.uint8]] = []
    total = 0
    for kind in np.unique(index):
        at = np.flatnonzero(index == kind)
        numbers, distinct = pd.factorize(keys["key"].take(at))
        codes[at] = numbers + total
        total += len(distinct)
        kind_of.append(np.full(len(distinct), kind, dtype=np.uint8))
    _, order, item = np.unique(codes * count + positions, return_index=True, return_inverse=True)
    first = np.zeros(total, dtype=np.int64)
    first[codes] = np.arange(len(codes), dtype=np.int64)
    return Held(
        account=positions[order],
        key=codes[order],
        kind_of=np.concatenate(kind_of) if kind_of else np.empty(0, dtype=np.uint8),
        first=first,
        item=item,
        accounts=count,
        kinds=kinds,
    )


def owned(held: Held, texts: "pd.Series[str]", crowded: Bools | None = None) -> Owned:
    """Rules 1 to 5. Per row of the keys frame: its key in `texts`; whether rule 1 holds of it anyhow in `crowded`."""
    dropped: dict[str, int] = {}
    alive = np.bincount(held.key, minlength=len(held.first)) <= MOST_ACCOUNTS
    known = np.zeros(len(held.first), bool)
    if crowded is not None:
        known[held.key[held.item[crowded]]] = True
    dropped["too_many_accounts"] = int((~alive & ~known & ~held.keys(FIRST_WORD)).sum())
    alive &= ~known
    differ = _disputed(held, alive)
    alive &= ~differ
    dropped["own_identifiers_differ"] = int(differ.sum())
    lone, bears = _first_keys(held, alive, texts)
    component = _joined(held, alive, lone)

    of_item = component[held.account]
    holder = held.only(of_item, among=alive[held.key])
    owner, undecided = holder, (holder == _SEVERAL) & ~held.keys(*IDENTIFIERS, "ticker")
    for spelt in bears:
        one = held.only(of_item, among=alive[held.key] & spelt[held.account])
        owner = np.where(undecided & (one >= 0), one, owner)
        undecided &= one == _NOBODY
    rare = _rare(held, texts, holder)
    lost = alive & (owner < 0) & ~held.keys(FIRST_WORD)
    dropped["namesakes"] = int(lost.sum())
    kept = alive[held.key] & (owner[held.key] == of_item) & rare & ~held.items(FIRST_WORD)
    return Owned(component=component, kept=kept, dropped=dropped)


def _disputed(held: Held, alive: Bools) -> Bools:
    """Identifiers whose holders differ in an exclusive kind."""
    found = np.zeros(len(held.first), bool)
    identifier = held.items(*IDENTIFIERS)
    for kind in sorted(EXCLUSIVE):
        low, high = _range(held, alive, kind)
        spread = np.where(low[held.account] == high[held.account], high[held.account], -1)
        several = held.only(spread, among=identifier & (spread >= 0)) == _SEVERAL
        found |= several & ~held.keys(kind)
    return found & alive


def _range(held: Held, alive: Bools, kind: str) -> tuple[Ints, Ints]:
    """Per account: the lowest and the highest number of its keys of a kind (high < low: it has none)."""
    low = np.full(held.accounts, _HIGHEST, dtype=np.int64)
    high = np.full(held.accounts, -1, dtype=np.int64)
    at = held.items(kind) & alive[held.key]
    np.minimum.at(low, held.account[at], held.key[at])
    np.maximum.at(high, held.account[at], held.key[at])
    return low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lone:
    """Per account its site name's and its domain's number, -1 for none."""

    site_name: Ints
    domain: Ints


def _first_keys(held: Held, alive: Bools, texts: "pd.Series[str]") -> tuple[_Lone, list[Bools]]:
    """Site name and domain per account; whether its website spells its name, and whether the first word of it."""
    lone = _Lone(site_name=_range(held, alive, "site_name")[1], domain=_range(held, alive, "domain")[1])
    words = np.flatnonzero(held.keys("name", "site_name", FIRST_WORD))
    number = np.full(len(held.first), -1, np.int64)
    number[words] = pd.factorize(texts.take(held.first[words]))[0]
    spelt = []
    for kind in ("name", FIRST_WORD):
        at = held.items(kind)
        account = held.account[at]
        same = (lone.domain[account] >= 0) & (lone.site_name[account] >= 0)
        same &= number[held.key[at]] == number[lone.site_name[account]]
        bears = np.zeros(held.accounts, bool)
        bears[account[same]] = True
        spelt.append(bears)
    return lone, spelt


def _joined(held: Held, alive: Bools, lone: _Lone) -> Ints:
    """Rules 2 and 3: the component of each account."""
    identifiers = held.items(*IDENTIFIERS) & alive[held.key]
    named = np.flatnonzero(held.items("name") & alive[held.key])
    account, name = held.account[named], held.key[named]
    size = len(held.first) + 1
    strong = (held.key[identifiers] * size, held.account[identifiers])
    pairs = [
        ((name * size + other[account] + 1)[other[account] >= 0], account[other[account] >= 0])
        for other in (lone.site_name, lone.domain)
    ]
    # Site names of accounts without one equal their names, so these pairs join them to the website that spells it.
    component = _components([strong, *pairs], held.accounts)
    sited = np.zeros(len(held.key), bool)
    sited[named] = lone.domain[account] >= 0
    only = held.only(component[held.account], among=sited)
    alone = only[name] >= 0
    weak = [*pairs, (name[alone], account[alone])]
    component = _components([strong, *weak], held.accounts)
    for groups in ([strong], []):
        conflict = np.zeros(held.accounts, bool)
        for kind in sorted(EXCLUSIVE):
            at = held.items(kind) & alive[held.key]
            conflict |= _several(component[held.account[at]], held.key[at], held.accounts)
        apart = conflict[component]
        again = _components([(group[apart[a]], a[apart[a]]) for group, a in groups], held.accounts)
        component = np.where(apart, again, component)
    return component


def _several(component: Ints, key: Ints, count: int) -> Bools:
    """Which components have more than one of these keys."""
    lowest = np.full(count, _HIGHEST, np.int64)
    highest = np.full(count, -1, np.int64)
    np.minimum.at(lowest, component, key)
    np.maximum.at(highest, component, key)
    return highest > lowest


def _components(groups: Sequence[tuple[Ints, Ints]], count: int) -> Ints:
    """Per account the smallest account it is joined to: hooking and pointer jumping (Shiloach, Vishkin 1982).

    `groups`: arrays (number of a group, account in it); numbers of different arrays have nothing to do with each other.
    """
    left, right = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for number, account in groups:
        order = np.argsort(number, kind="stable")
        follows = np.flatnonzero(np.diff(number[order]) == 0) + 1
        left.append(account[order][follows - 1])
        right.append(account[order][follows])
    one, other = np.concatenate(left), np.concatenate(right)
    label = np.arange(count, dtype=np.int64)
    while True:
        first, second = label[one], label[other]
        if np.array_equal(first, second):
            return label
        np.minimum.at(label, np.maximum(first, second), np.minimum(first, second))
        while not np.array_equal(label, further := label[label]):
            label = further


def _rare(held: Held, texts: "pd.Series[str]", holder: Ints) -> Bools:
    """Rule 5: per item, whether it counts."""
    outline = np.flatnonzero(held.keys("name_outline"))
    needs = np.zeros(len(held.first), bool)
    needs[outline] = texts.take(held.first[outline]).str.startswith(RARE).to_numpy(dtype=bool)
    rare = np.zeros(held.accounts, bool)
    words = held.items(FIRST_WORD)
    rare[held.account[words]] = True
    rare[held.account[words & (holder[held.key] < 0)]] = False
    return ~needs[held.key] | rare[held.account]
