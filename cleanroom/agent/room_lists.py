"""What the account lists give to one room: keys by the recipes that its terms pin, segments as they number them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from cleanroom.agent.decoys import meets, with_decoys
from cleanroom.agent.frames import from_bytes
from cleanroom.agent.list_keys import KeyedList, added_keys, kept_recipes, read
from cleanroom.agent.lists import NEWEST, NewestChange, StoredList, prefix_of, revision, stored, with_keys
from cleanroom.agent.session import Agent
from cleanroom.agent.suppressions import suppressed_ids
from cleanroom.domain.vocabulary import RoomId
from matching.entries import NO_SEGMENT
from matching.normalise.tables import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomInput:
    """What all lists together give to one room.

    `keys`: `account`, `kind` (index in `kinds`, which begin with the terms'), `key`. `segments`: uint8 per account,
    NO_SEGMENT for a segment that the terms don't name. `ids`: account ids.
    """

    keys: pd.DataFrame
    segments: npt.NDArray[np.uint8]
    ids: "pd.Series[str]"
    kinds: tuple[str, ...]

    def only(self, which: npt.NDArray[np.bool_]) -> "RoomInput":
        """What some accounts (bool per account) give."""
        position = np.cumsum(which, dtype=np.int32) - np.int32(1)
        keys = self.keys[which[self.keys["account"]]]
        return RoomInput(
            keys=keys.assign(account=position[keys["account"]]).reset_index(drop=True),
            segments=self.segments[which],
            ids=self.ids[which].reset_index(drop=True),
            kinds=self.kinds,
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


def serving(
    agent: Agent, room: RoomId, *, recipes: Sequence[Recipe] = (), instead: KeyedList | None = None
) -> list[KeyedList]:
    """The lists that serve a room, with keys of these recipes at least; accounts suppressed by hand are marked so.

    `instead` as in `room_input`. Keys that are missing are made, and kept: not inside a transaction of the vault.

    Raises:
        Refusal: `recipe_unknown` for a recipe that this agent does not have.
    """
    parts = [with_keys(agent, item, recipes) for item in _serving(agent, room)]
    if instead:
        instead = added_keys(agent, instead, recipes)
        parts = [part for part in parts if part.name != instead.name] + [instead]
    by_hand = suppressed_ids(agent)
    return [_suppressed(part, by_hand) for part in parts] if by_hand else parts


def room_input(
    agent: Agent,
    room: RoomId,
    *,
    recipes: tuple[Recipe, ...],
    segments: tuple[str, ...],
    instead: KeyedList | None = None,
) -> RoomInput:
    """What the lists that serve a room, and decoys, give to it. `instead` stands in for the stored list of its name.

    Raises:
        Refusal: `recipe_unknown` for a recipe that this agent does not have.
    """
    parts = serving(agent, room, recipes=recipes, instead=instead)
    return _input(with_decoys(agent, parts, recipes), recipes, segments)


def room_change(
    agent: Agent, room: RoomId, *, since: int, recipes: tuple[Recipe, ...], segments: tuple[str, ...]
) -> RoomChange | None:
    """What changed of what the lists give to a room since the index had this revision.

    None if that can't be told: more was changed than by one delta, a decoy shares a key with an account, or keys of
    these recipes are still to be made. The lists stay still only inside a transaction.
    """
    change = agent.load(NewestChange, NEWEST + "change")
    upserted = agent.vault.get(NEWEST + "upserted")
    if change is None or upserted is None or not since + 1 == change.revision == revision(agent):
        return None
    places = [NEWEST, *(prefix_of(item) for item in _serving(agent, room))]
    if any(not set(recipes) <= set(kept_recipes(agent, place)) for place in places):
        return None
    before, parts = read(agent, NEWEST, name=""), serving(agent, room, recipes=recipes)
    if meets(agent, [before, *parts], recipes):
        return None
    now = _input(with_decoys(agent, parts, recipes), recipes, segments)
    by_hand = suppressed_ids(agent)
    return RoomChange(
        now=now,
        altered=now.ids.isin(from_bytes(upserted)["account_id"]).to_numpy(),
        before=_input([_suppressed(before, by_hand) if by_hand else before], recipes, segments),
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
        kinds=parts[0].kinds,
    )


def _input(parts: Sequence[KeyedList], recipes: tuple[Recipe, ...], segments: tuple[str, ...]) -> RoomInput:
    index_of = {segment: number for number, segment in enumerate(segments)}
    kinds = tuple(recipe.kind for recipe in recipes)
    keys, codes, ids, offset = [], [], [], 0
    for part in parts:
        live = ~part.accounts["suppressed"].to_numpy(dtype=bool)
        frame = part.keys_by(recipes)
        frame = frame[live[frame["account"]]]
        keys.append(frame.assign(account=(frame["account"] + offset).astype(np.int32)))
        number, names = pd.factorize(part.accounts["segment"])
        # Number -1 stands for a missing value, and takes the last code.
        codes.append(np.array([*(index_of.get(name, NO_SEGMENT) for name in names), NO_SEGMENT], np.uint8)[number])
        ids.append(part.accounts["account_id"])
        offset += len(part.accounts)
    if not parts:
        none = pd.DataFrame({"account": np.zeros(0, np.int32), "kind": np.zeros(0, np.uint8)})
        none["key"] = pd.Series([], dtype="str")
        return RoomInput(keys=none, segments=np.zeros(0, np.uint8), ids=pd.Series([], dtype="str"), kinds=kinds)
    return RoomInput(
        keys=pd.concat(keys, ignore_index=True),
        segments=np.concatenate(codes),
        ids=pd.concat(ids, ignore_index=True),
        kinds=kinds,
    )


def _suppressed(part: KeyedList, ids: frozenset[str]) -> KeyedList:
    marked = part.accounts["suppressed"].to_numpy(dtype=bool) | part.accounts["account_id"].isin(ids).to_numpy()
    return replace(part, accounts=part.accounts.assign(suppressed=marked))


def _serving(agent: Agent, room: RoomId) -> list[StoredList]:
    return [item for item in stored(agent) if item.rooms is None or room in item.rooms]
