"""P9, rule 1: of a verified match, which of my accounts it speaks of, and how sure that is of each.

Entries are accounts that my own list merges. What the other side has proven of an entry need not be true of each: a
sibling in another country may be one of them. So every account is judged by its own keys.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cleanroom.agent import room_lists
from cleanroom.agent.committed import state
from cleanroom.agent.frames import records, tuples
from cleanroom.agent.recipes import pinned
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import VerifiedMatch, tier_of
from cleanroom.domain.fields import COLUMN_OF
from cleanroom.domain.vocabulary import Tier
from matching.cases import Judge

MOST_ACCOUNTS: Final = 100

Key = tuple[int, str]
"""Index of the terms' kind, and the key."""

Holders = Mapping[Key, Sequence["OwnAccount"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccount:
    """One of my accounts, with the columns of its list, and those of its keys that are committed to the room."""

    id: str
    columns: Mapping[str, str] = field(repr=False)
    keys: frozenset[Key] = field(default=frozenset(), repr=False)

    def value(self, name: str) -> str:
        """The value of a field of the catalogue; "" where the list has none."""
        return self.columns.get(COLUMN_OF.get(name, name), "")

    def tier(self, match: VerifiedMatch, judge: Judge) -> Tier | None:
        """How sure it is that the other side's entry is this account; None if it is not enough to count.

        Proven keys that it holds agree. A kind of which it holds a key, and the other side's entry has one, differs.
        The match itself bounds it: what its entry leaves open, an account of it does not settle.
        """
        agree = frozenset(kind for kind, _ in self.keys & match.keys)
        differ = (frozenset(kind for kind, _ in self.keys) & match.their_kinds) - agree
        found = tier_of(judge, agree, differ)
        return match.tier if found is Tier.CERTAIN else found


def own_accounts(agent: Agent, room: Room, keys: Iterable[Key]) -> Holders:
    """The live accounts of the lists that serve this room, by those of these keys that they hold."""
    wanted = set(keys)
    texts = {key for _, key in wanted}
    recipes = pinned(agent, room.terms)
    parts = []
    for part in room_lists.serving(agent, room.id, recipes=recipes):
        live, all_keys = ~part.accounts["suppressed"].to_numpy(dtype=bool), part.keys_by(recipes)
        named = all_keys["key"].isin(texts).to_numpy() & live[all_keys["account"].to_numpy()]
        positions = np.unique(all_keys["account"].to_numpy()[named])
        parts.append((part.accounts.iloc[positions], _keys_of(all_keys, positions)))
    committed = _committed(agent, room, {key for _, held in parts for pairs in held.values() for _, key in pairs})
    found: dict[Key, list[OwnAccount]] = defaultdict(list)
    for accounts, held in parts:
        columns = [name for name in accounts.columns if name != "suppressed"]
        for row, pairs in zip(records(accounts[columns]), held.values(), strict=True):
            account = OwnAccount(id=row["account_id"], columns=row, keys=frozenset(pairs & committed))
            for key in pairs & wanted:
                found[key].append(account)
    return {key: tuple(accounts) for key, accounts in found.items()}


def accounts_of(match: VerifiedMatch, holders: Holders, judge: Judge) -> tuple[OwnAccount, ...]:
    """The accounts that are a match that counts by their own keys, by id."""
    held = {account.id: account for key in match.keys for account in holders.get(key, ())}
    judged = (held[name] for name in sorted(held))
    return tuple(account for account in judged if account.tier(match, judge) is not None)[:MOST_ACCOUNTS]


def _keys_of(keys: pd.DataFrame, positions: npt.NDArray[np.int32]) -> dict[int, set[Key]]:
    """The keys of the accounts at these positions, ordered as they are."""
    found: dict[int, set[Key]] = {position: set() for position in positions.tolist()}
    for account, kind, key in tuples(keys[keys["account"].isin(positions)], ["account", "kind", "key"]):
        found[account].add((kind, key))
    return found


def _committed(agent: Agent, room: Room, texts: set[str]) -> set[Key]:
    """Those of my committed keys that are written so."""
    rows = state(agent, room)
    return set(tuples(rows[rows["key"].isin(texts)], ["kind", "key"]))
