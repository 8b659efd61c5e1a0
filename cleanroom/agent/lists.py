"""The partner's account lists in the vault, each with the match keys that were made of it.

A list has a name; pushing it again replaces it, pushing changes alters it. A list serves every room, or only those
it was pushed for. Keys are made once per push, for every kind, so that committing a change costs its size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BeforeValidator

from cleanroom.agent.frames import from_bytes, to_bytes
from cleanroom.agent.session import Agent
from cleanroom.agent.suppressions import suppressed_ids
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import Count, Instant, RoomName, Title, Wire, as_tuple, instant
from matching.entries import NO_SEGMENT
from matching.keys import KINDS, keys_of

INDEX = "lists/index"
NEWEST = "lists/newest/"


class UnknownList(InputRefused):
    """There is no list of that name."""

    code = "unknown_list"


class StoredList(Wire):
    """What the vault's index says of a list. `rooms` is None for a list that serves every room."""

    number: Count
    name: Title
    rooms: Annotated[tuple[RoomName, ...], BeforeValidator(as_tuple)] | None
    accounts: Count
    pushed: Instant


class ListIndex(Wire):
    """All lists of this agent. `revision` counts what was stored: two pushes within a second are two."""

    revision: Count = 0
    lists: Annotated[tuple[StoredList, ...], BeforeValidator(as_tuple)] = ()


class NewestChange(Wire):
    """That the newest push was a delta to a list that serves the same rooms as before; the index's revision since."""

    revision: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedList:
    """A list with its keys.

    `accounts` is the accounts frame. `keys` has columns `account` (int32 position), `kind` (uint8 index in
    `matching.keys.KINDS`) and `key`; `refused` has `account`, `column` and `rule`. `change`: what a delta
    made of the stored list.
    """

    name: str
    accounts: pd.DataFrame
    keys: pd.DataFrame
    refused: pd.DataFrame
    change: "Change | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a delta made of a list: the last `upserted` accounts are new or replaced; `before` are those that went.

    `since`: the index's revision when the list was read.
    """

    since: int
    upserted: int
    before: KeyedList


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomInput:
    """What all lists together give to one room.

    `keys`: `account`, `kind` (index in terms' kinds), `key`. `segments`: uint8 per account, NO_SEGMENT for a segment
    that the terms don't name. `ids`: account ids.
    """

    keys: pd.DataFrame
    segments: npt.NDArray[np.uint8]
    ids: "pd.Series[str]"

    def only(self, which: npt.NDArray[np.bool_]) -> "RoomInput":
        """What some accounts (bool per account) give."""
        position = np.cumsum(which, dtype=np.int32) - np.int32(1)
        keys = self.keys[which[self.keys["account"]]]
        return RoomInput(
            keys=keys.assign(account=position[keys["account"]]).reset_index(drop=True),
            segments=self.segments[which],
            ids=self.ids[which].reset_index(drop=True),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomChange:
    """What the newest push changed of what the lists give to a room.

    `now`: what they give; `altered` (bool per account of `now`): whose accounts were replaced or added. `before`: the
    replaced and the deleted accounts as they were.
    """

    now: RoomInput
    altered: npt.NDArray[np.bool_]
    before: RoomInput


def keyed(agent: Agent, name: str, accounts: pd.DataFrame) -> KeyedList:
    """Make the match keys of a list. Nothing is stored."""
    with agent.progress.stage("match keys"):
        keys = keys_of(accounts, KINDS, agent.tables)
    return KeyedList(name=name, accounts=accounts, keys=keys.frame, refused=keys.refused)


def changed(agent: Agent, name: str, upserts: pd.DataFrame, deleted: "pd.Series[str]") -> KeyedList:
    """A stored list after changes: accounts replaced or added by id, and deleted. Nothing is stored.

    Raises:
        UnknownList: if the list was never pushed.
    """
    since, before = revision(agent), load(agent, name)
    fresh = keyed(agent, name, upserts)
    gone = before.accounts["account_id"].isin(pd.concat([upserts["account_id"], deleted])).to_numpy()
    goes = gone[before.keys["account"]]
    position = np.where(gone, np.cumsum(gone), np.cumsum(~gone)).astype(np.int32) - np.int32(1)
    moved = before.keys.assign(account=position[before.keys["account"]])
    stay = int((~gone).sum())
    columns = list(dict.fromkeys([*before.accounts.columns, *upserts.columns]))
    both = [before.accounts[~gone].reindex(columns=columns), upserts.reindex(columns=columns)]
    accounts = pd.concat(both, ignore_index=True)
    text = [column for column in columns if column != "suppressed"]
    accounts[text] = accounts[text].fillna("").astype("str")
    keys = pd.concat([moved[~goes], fresh.keys.assign(account=fresh.keys["account"] + stay)], ignore_index=True).astype(
        {"account": np.int32}
    )
    went = replace(before, accounts=before.accounts[gone], keys=moved[goes])
    change = Change(since=since, upserted=len(upserts), before=went)
    return KeyedList(name=name, accounts=accounts, keys=keys, refused=fresh.refused, change=change)


def store(agent: Agent, data: KeyedList, rooms: tuple[RoomId, ...] | None) -> None:
    """Put a list into the vault in one transaction, replacing the one of the same name."""
    accounts, keys = to_bytes(data.accounts), to_bytes(data.keys)
    with agent.vault.transaction():
        index = _index(agent)
        known = {item.name: item for item in index.lists}
        number = known[data.name].number if data.name in known else max((i.number for i in index.lists), default=0) + 1
        entry = StoredList(
            number=number, name=data.name, rooms=rooms, accounts=len(data.accounts), pushed=instant(agent.clock())
        )
        every = tuple(({**known, data.name: entry}).values())
        agent.save(INDEX, ListIndex(revision=index.revision + 1, lists=every))
        agent.vault.put(f"lists/{number}/accounts", accounts)
        agent.vault.put(f"lists/{number}/keys", keys)
        agent.vault.delete_all(NEWEST)
        if (change := data.change) and change.since == index.revision and known[data.name].rooms == rooms:
            upserted = data.accounts[["account_id"]].iloc[len(data.accounts) - change.upserted :]
            agent.save(NEWEST + "change", NewestChange(revision=index.revision + 1))
            agent.vault.put(NEWEST + "upserted", to_bytes(upserted))
            agent.vault.put(NEWEST + "accounts", to_bytes(change.before.accounts))
            agent.vault.put(NEWEST + "keys", to_bytes(change.before.keys))


def load(agent: Agent, name: str) -> KeyedList:
    """A stored list.

    Raises:
        UnknownList: if there is none of that name.
    """
    return _loaded(agent, require(agent, name))


def require(agent: Agent, name: str) -> StoredList:
    """What the index says of a list.

    Raises:
        UnknownList: if there is none of that name.
    """
    for item in _index(agent).lists:
        if item.name == name:
            return item
    raise UnknownList("no list of that name was pushed; `cleanroom status` shows the names")


def stored(agent: Agent) -> tuple[StoredList, ...]:
    """The lists of this agent."""
    return _index(agent).lists


def rooms_of(agent: Agent, name: str) -> tuple[RoomId, ...] | None:
    """The rooms that a stored list serves; None for every room, also for a list that does not exist yet."""
    return next((item.rooms for item in _index(agent).lists if item.name == name), None)


def revision(agent: Agent) -> int:
    """How often anything that the lists give has changed."""
    return _index(agent).revision


def touch(agent: Agent) -> None:
    """Count a change of what the lists give that is no push, inside the caller's transaction."""
    index = _index(agent)
    agent.save(INDEX, index.model_copy(update={"revision": index.revision + 1}))


def serving(agent: Agent, room: RoomId, *, instead: KeyedList | None = None) -> list[KeyedList]:
    """The lists that serve a room, accounts that were suppressed by hand marked so. `instead` as in `room_input`."""
    parts = [_loaded(agent, item) for item in _index(agent).lists if item.rooms is None or room in item.rooms]
    if instead:
        parts = [part for part in parts if part.name != instead.name] + [instead]
    by_hand = suppressed_ids(agent)
    return [_suppressed(part, by_hand) for part in parts] if by_hand else parts


def room_input(
    agent: Agent, room: RoomId, *, kinds: tuple[str, ...], segments: tuple[str, ...], instead: KeyedList | None = None
) -> RoomInput:
    """What the lists that serve a room give to it. `instead` stands in for the stored list of its name."""
    return _input(serving(agent, room, instead=instead), kinds, segments)


def room_change(
    agent: Agent, room: RoomId, *, since: int, kinds: tuple[str, ...], segments: tuple[str, ...]
) -> RoomChange | None:
    """What changed of what the lists give to a room since the index had this revision.

    None if that can't be told: more was changed than by one delta. The lists stay still only inside a transaction.
    """
    change = agent.load(NewestChange, NEWEST + "change")
    upserted = agent.vault.get(NEWEST + "upserted")
    if change is None or upserted is None or not since + 1 == change.revision == revision(agent):
        return None
    before, now = _kept(agent, NEWEST, name=""), room_input(agent, room, kinds=kinds, segments=segments)
    by_hand = suppressed_ids(agent)
    return RoomChange(
        now=now,
        altered=now.ids.isin(from_bytes(upserted)["account_id"]).to_numpy(),
        before=_input([_suppressed(before, by_hand) if by_hand else before], kinds, segments),
    )


def joined(parts: Sequence[RoomInput]) -> RoomInput:
    """The accounts of all parts, in order. At least one part."""
    starts = np.cumsum([0, *(len(part.ids) for part in parts)])
    keys = [
        part.keys.assign(account=(part.keys["account"] + start).astype(np.int32))
        for part, start in zip(parts, starts, strict=False)
    ]
    return RoomInput(
        keys=pd.concat(keys, ignore_index=True),
        segments=np.concatenate([part.segments for part in parts]),
        ids=pd.concat([part.ids for part in parts], ignore_index=True),
    )


def _input(parts: Sequence[KeyedList], kinds: tuple[str, ...], segments: tuple[str, ...]) -> RoomInput:
    index_of = {segment: number for number, segment in enumerate(segments)}
    kind_of = np.array([kinds.index(kind) if kind in kinds else 255 for kind in KINDS], np.uint8)
    keys, codes, ids, offset = [], [], [], 0
    for part in parts:
        live = ~part.accounts["suppressed"].to_numpy(dtype=bool)
        kind = kind_of[part.keys["kind"]]
        use = (kind != 255) & live[part.keys["account"]]  # noqa: PLR2004 - kinds that the terms don't count
        frame = part.keys[use].assign(kind=kind[use])
        keys.append(frame.assign(account=(frame["account"] + offset).astype(np.int32)))
        number, names = pd.factorize(part.accounts["segment"])
        # Number -1 stands for a missing value, and takes the last code.
        codes.append(np.array([*(index_of.get(name, NO_SEGMENT) for name in names), NO_SEGMENT], np.uint8)[number])
        ids.append(part.accounts["account_id"])
        offset += len(part.accounts)
    if not parts:
        none = pd.DataFrame({"account": np.zeros(0, np.int32), "kind": np.zeros(0, np.uint8)})
        none["key"] = pd.Series([], dtype="str")
        return RoomInput(keys=none, segments=np.zeros(0, np.uint8), ids=pd.Series([], dtype="str"))
    return RoomInput(
        keys=pd.concat(keys, ignore_index=True),
        segments=np.concatenate(codes),
        ids=pd.concat(ids, ignore_index=True),
    )


def _suppressed(part: KeyedList, ids: frozenset[str]) -> KeyedList:
    marked = part.accounts["suppressed"].to_numpy(dtype=bool) | part.accounts["account_id"].isin(ids).to_numpy()
    return replace(part, accounts=part.accounts.assign(suppressed=marked))


def _index(agent: Agent) -> ListIndex:
    return agent.load(ListIndex, INDEX) or ListIndex()


def _loaded(agent: Agent, item: StoredList) -> KeyedList:
    return _kept(agent, f"lists/{item.number}/", name=item.name)


def _kept(agent: Agent, prefix: str, *, name: str) -> KeyedList:
    accounts, keys = agent.vault.get(prefix + "accounts"), agent.vault.get(prefix + "keys")
    if accounts is None or keys is None:
        raise UnknownList("a list is in the index but not in the vault")
    none = pd.DataFrame({"account": [], "column": [], "rule": []})
    return KeyedList(name=name, accounts=from_bytes(accounts), keys=from_bytes(keys), refused=none)
