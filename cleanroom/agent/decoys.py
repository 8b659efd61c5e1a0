"""Decoys: accounts that exist in nobody's CRM, committed beside a partner's own to catch a list that is guessed.

A decoy goes into a room's entries like any other account, so neither escrow nor partner can tell it. It is in no list:
what releases, shows or lints accounts asks the lists, and never finds it. A decoy that shares a key with an account of
this partner is refused; if such an account is pushed later, the decoy stays out of what is committed from then on.
"""

import secrets
from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Field, ValidationError

from cleanroom.agent import lists
from cleanroom.agent.list_keys import KeyedList, added_keys, made
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import InputRefused
from cleanroom.messages.documents import Bytes16, Instant, Label, Wire, as_tuple, instant
from matching.keys import KINDS, keys_of
from matching.normalise import tables
from matching.normalise.tables import Recipe

ADDRESS: Final = "decoys/accounts"
MOST: Final = 1_000
ONE_IN: Final = 1_000
"""How likely an honest list is supposed to have a decoy's key, unless somebody says otherwise: one in so many."""

_COLUMNS: Final = ["account_id", "name", "website", "country", "lei", "duns", "vat", "segment"]
_PREFIX: Final = "\x1fdecoy\x1f"  # before every name that a list can have

Text = Annotated[str, Field(max_length=200)]
Key = tuple[str, str]
"""The name of a kind, and a key of it."""


class DecoyRefused(InputRefused):
    """This cannot be a decoy; the message says why."""

    code = "decoy_refused"


class Decoy(Wire):
    """One account that does not exist. `one_in`: an honest list has it with a chance of one in so many."""

    id: Bytes16
    name: Text
    website: Text
    country: Text
    segment: Label
    one_in: Annotated[int, Field(ge=2, le=1_000_000_000)]
    since: Instant


class Decoys(Wire):
    """All decoys of this partner, oldest first."""

    decoys: Annotated[tuple[Decoy, ...], BeforeValidator(as_tuple)] = ()


def decoys(agent: Agent) -> tuple[Decoy, ...]:
    """The decoys of this partner."""
    return (agent.load(Decoys, ADDRESS) or Decoys()).decoys


def add(  # noqa: PLR0913 - what an account is made of
    agent: Agent, *, website: str, segment: str, name: str = "", country: str = "", one_in: int = ONE_IN
) -> Decoy:
    """Add a decoy; it leaves with the next batch of each room whose terms count its segment.

    Raises:
        DecoyRefused: it has no key, or one that an account or another decoy of this partner has.
    """
    try:
        fresh = Decoy(
            id=secrets.token_hex(16),
            name=name.strip(),
            website=website.strip(),
            country=country.strip(),
            segment=segment,
            one_in=one_in,
            since=instant(agent.clock()),
        )
    except ValidationError as error:
        places = sorted({str(item["loc"][0]) for item in error.errors()})
        raise DecoyRefused(f"decoy: {', '.join(places)} cannot be such a value") from None
    keys = keys_by_decoy(agent, [fresh])[fresh.id]
    if not keys:
        raise DecoyRefused("decoy: website, name and country give no match key")
    if keys & _own_keys(agent):
        raise DecoyRefused("decoy: an account of yours has one of its keys, so it would be no decoy")
    with agent.vault.transaction():
        known = decoys(agent)
        if len(known) >= MOST:
            raise DecoyRefused(f"decoy: at most {MOST:,}")
        if keys & frozenset().union(*keys_by_decoy(agent, known).values()):
            raise DecoyRefused("decoy: another decoy has one of its keys")
        agent.save(ADDRESS, Decoys(decoys=(*known, fresh)))
        lists.touch(agent)
    return fresh


def remove(agent: Agent, which: Iterable[str]) -> tuple[Decoy, ...]:
    """Take decoys out by the beginnings of their ids (at least 6 characters); the next batch takes them back.

    Raises:
        DecoyRefused: if none, or several, have such an id.
    """
    with agent.vault.transaction():
        known = decoys(agent)
        gone = [_named(known, text) for text in which]
        agent.save(ADDRESS, Decoys(decoys=tuple(item for item in known if item not in gone)))
        lists.touch(agent)
    return tuple(gone)


def keys_by_decoy(agent: Agent, which: Sequence[Decoy]) -> dict[str, frozenset[Key]]:
    """The keys of each decoy by its id, by this agent's newest recipes."""
    recipes = [recipe for recipe in tables.current(agent.tables) if recipe.kind in KINDS]
    return _keys(agent, which, recipes) if which else {}


def with_decoys(agent: Agent, parts: list[KeyedList], recipes: Sequence[Recipe]) -> list[KeyedList]:
    """The lists that serve a room, and the decoys that share no key with them, as one list more."""
    every = decoys(agent)
    if not every:
        return parts
    taken = _met(agent, every, parts, recipes)
    stays = [item for item in every if item.id not in taken]
    if not stays:
        return parts
    frame = _frame(stays)
    keys = made(agent, frame, recipes)
    return [*parts, KeyedList(name="", accounts=frame, recipes=tuple(recipes), keys=keys.frame, refused=keys.refused)]


def meets(agent: Agent, parts: Sequence[KeyedList], recipes: Sequence[Recipe]) -> bool:
    """Whether an account of these lists has a key of a decoy: then a change of it moves the decoy too."""
    every = decoys(agent)
    return bool(every and _met(agent, every, parts, recipes))


def recipe_names(recipes: Sequence[Recipe], kinds: "pd.Series[int]") -> list[str]:
    """The names of kinds that are given by their index in the recipes."""
    return [recipes[kind].kind for kind in kinds.tolist()]


def _met(agent: Agent, every: Sequence[Decoy], parts: Sequence[KeyedList], recipes: Sequence[Recipe]) -> set[str]:
    """The decoys, by id, that share a key with an account of these lists."""
    keys_of_each = _keys(agent, every, recipes)
    texts = {key for keys in keys_of_each.values() for _, key in keys}
    near = [keys[keys["key"].isin(texts)] for keys in _live(parts, recipes)]
    taken = {pair for keys in near for pair in zip(recipe_names(recipes, keys["kind"]), keys["key"], strict=True)}
    return {item.id for item in every if taken & keys_of_each[item.id]}


def _live(parts: Sequence[KeyedList], recipes: Sequence[Recipe]) -> Iterable[pd.DataFrame]:
    for part in parts:
        live = ~part.accounts["suppressed"].to_numpy(dtype=bool)
        keys = part.keys_by(recipes)
        yield keys[live[keys["account"].to_numpy()]]


def _own_keys(agent: Agent) -> frozenset[Key]:
    """The keys of every account in every list, suppressed or not."""
    recipes = tuple(recipe for recipe in tables.current(agent.tables) if recipe.kind in KINDS)
    found: set[Key] = set()
    for item in lists.stored(agent):
        part = added_keys(agent, lists.load(agent, item.name), recipes)
        keys = part.keys_by(recipes)
        hidden = part.accounts[part.accounts["suppressed"].to_numpy(dtype=bool)].assign(suppressed=False)
        lost = keys_of(hidden.reset_index(drop=True), recipes, agent.tables).frame
        for frame in (keys, lost):
            found |= set(zip(recipe_names(recipes, frame["kind"]), frame["key"], strict=True))
    return frozenset(found)


def _keys(agent: Agent, which: Sequence[Decoy], recipes: Sequence[Recipe]) -> dict[str, frozenset[Key]]:
    frame = keys_of(_frame(which), recipes, agent.tables).frame
    found: dict[str, set[Key]] = {item.id: set() for item in which}
    names = recipe_names(recipes, frame["kind"])
    for place, kind, key in zip(frame["account"].tolist(), names, frame["key"].tolist(), strict=True):
        if kind in KINDS:
            found[which[place].id].add((kind, key))
    return {name: frozenset(keys) for name, keys in found.items()}


def _frame(which: Sequence[Decoy]) -> pd.DataFrame:
    rows = [
        {
            **dict.fromkeys(_COLUMNS, ""),
            "account_id": _PREFIX + item.id,
            "name": item.name,
            "website": item.website,
            "country": item.country,
            "segment": item.segment,
        }
        for item in which
    ]
    return pd.DataFrame(rows, columns=_COLUMNS).astype("str").assign(suppressed=np.zeros(len(rows), np.bool_))


def _named(known: Sequence[Decoy], text: str) -> Decoy:
    shortest = 6
    found = [item for item in known if len(text) >= shortest and item.id.startswith(text.strip().lower())]
    if len(found) != 1:
        raise DecoyRefused("decoy: none, or more than one, has that id: cleanroom decoys list")
    return found[0]
