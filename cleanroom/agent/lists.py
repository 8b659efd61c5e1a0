"""The partner's account lists in the vault, each with the match keys that were made of it.

A list has a name; pushing it again replaces it, pushing changes alters it. A list serves every room, or only those
it was pushed for. Keys are made once per push, for every kind, so that committing a change costs its size; those that
are not there by the recipes that are asked for are made from the accounts once (`list_keys`).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import BeforeValidator

from cleanroom.agent.frames import to_bytes
from cleanroom.agent.list_keys import Change, KeyedList, UnknownList, added_keys, made, put, read, written
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import Count, Instant, RoomName, Title, Wire, as_tuple, instant
from matching.normalise import tables
from matching.normalise.tables import Recipe

INDEX = "lists/index"
NEWEST = "lists/newest/"


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


def keyed(agent: Agent, name: str, accounts: pd.DataFrame) -> KeyedList:
    """Make the match keys of a list. Nothing is stored."""
    recipes = tables.current(agent.tables)
    keys = made(agent, accounts, recipes)
    return KeyedList(name=name, accounts=accounts, recipes=recipes, keys=keys.frame, refused=keys.refused)


def changed(agent: Agent, name: str, upserts: pd.DataFrame, deleted: "pd.Series[str]") -> KeyedList:
    """A stored list after changes: accounts replaced or added by id, and deleted. Nothing is stored.

    Raises:
        UnknownList: if the list was never pushed.
    """
    since = revision(agent)
    before = added_keys(agent, load(agent, name), tables.current(agent.tables))
    fresh = added_keys(agent, keyed(agent, name, upserts), before.recipes)
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
    come = fresh.keys_by(before.recipes)
    keys = pd.concat([moved[~goes], come.assign(account=come["account"] + stay)], ignore_index=True).astype(
        {"account": np.int32}
    )
    went = replace(before, accounts=before.accounts[gone], keys=moved[goes])
    change = Change(since=since, upserted=len(upserts), before=went)
    return KeyedList(
        name=name, accounts=accounts, recipes=before.recipes, keys=keys, refused=fresh.refused, change=change
    )


def store(agent: Agent, data: KeyedList, rooms: tuple[RoomId, ...] | None) -> None:
    """Put a list into the vault in one transaction, replacing the one of the same name."""
    records = written(data)
    with agent.vault.transaction():
        index = _index(agent)
        known = {item.name: item for item in index.lists}
        number = known[data.name].number if data.name in known else max((i.number for i in index.lists), default=0) + 1
        entry = StoredList(
            number=number, name=data.name, rooms=rooms, accounts=len(data.accounts), pushed=instant(agent.clock())
        )
        every = tuple(({**known, data.name: entry}).values())
        agent.save(INDEX, ListIndex(revision=index.revision + 1, lists=every))
        put(agent, prefix_of(entry), records)
        agent.vault.delete_all(NEWEST)
        if (change := data.change) and change.since == index.revision and known[data.name].rooms == rooms:
            upserted = data.accounts[["account_id"]].iloc[len(data.accounts) - change.upserted :]
            agent.save(NEWEST + "change", NewestChange(revision=index.revision + 1))
            agent.vault.put(NEWEST + "upserted", to_bytes(upserted))
            put(agent, NEWEST, written(change.before))


def load(agent: Agent, name: str) -> KeyedList:
    """A stored list.

    Raises:
        UnknownList: if there is none of that name.
    """
    return read(agent, prefix_of(require(agent, name)), name=name)


def with_keys(agent: Agent, item: StoredList, recipes: Sequence[Recipe]) -> KeyedList:
    """A stored list with keys of these recipes at least. Those that are made for it are kept, all or none.

    Not inside a transaction of the vault, unless `kept_recipes` says that nothing has to be made.

    Raises:
        Refusal: `recipe_unknown` for a recipe that this agent does not have.
    """
    since, part = revision(agent), load(agent, item.name)
    whole = added_keys(agent, part, recipes)
    if whole is not part:
        records = written(whole)
        with agent.vault.transaction():
            # What was pushed meanwhile has other keys; then these are made once more when they are asked for.
            if revision(agent) == since:
                put(agent, prefix_of(item), records)
    return whole


def prefix_of(item: StoredList) -> str:
    """Where the vault keeps a list."""
    return f"lists/{item.number}/"


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


def _index(agent: Agent) -> ListIndex:
    return agent.load(ListIndex, INDEX) or ListIndex()
