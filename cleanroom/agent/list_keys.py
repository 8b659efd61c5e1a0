"""The match keys of account lists, and by which recipes they are: how they are made, and how the vault keeps them.

Of each list the vault has three records that are written together: `accounts`, `keys`, and `recipes`, which numbers the
recipes that the keys are by. A room that pins an older recipe, and a release of the agent that brings a newer one, need
keys that are not there yet: they are made from the accounts and join the others. Those of recipes that this agent does
not have any more go then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal

import numpy as np
import pandas as pd
from pydantic import BeforeValidator

from cleanroom.agent.frames import from_bytes, to_bytes
from cleanroom.agent.key_making import make_keys
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import InputRefused
from cleanroom.messages.documents import Label, Version, Wire, as_tuple
from matching.keys import Keys
from matching.normalise import tables
from matching.normalise.tables import Recipe

NO_KIND: Final = 255


class UnknownList(InputRefused):
    """There is no list of that name."""

    code = "unknown_list"


class KeptRecipe(Wire):
    """A recipe that keys in the vault were made by."""

    kind: Label
    normaliser: Version
    tables: Version | Literal[""]


class KeptRecipes(Wire):
    """The recipes of the keys beside it, in the order of their numbers."""

    recipes: Annotated[tuple[KeptRecipe, ...], BeforeValidator(as_tuple)]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedList:
    """A list with its keys.

    `accounts` is the accounts frame. `keys` has columns `account` (int32 position), `kind` (uint8 index in `recipes`)
    and `key`; `refused` has `account`, `column` and `rule`. `change`: what a delta made of the stored list.
    """

    name: str
    accounts: pd.DataFrame
    recipes: tuple[Recipe, ...]
    keys: pd.DataFrame
    refused: pd.DataFrame
    change: "Change | None" = None

    def keys_by(self, recipes: Sequence[Recipe]) -> pd.DataFrame:
        """The keys of these recipes only, `kind` as index in them; of those that the list has keys of."""
        numbers = [recipes.index(item) if item in recipes else NO_KIND for item in self.recipes]
        kind = np.array(numbers, np.uint8)[self.keys["kind"]]
        kept = kind != NO_KIND
        keys: pd.DataFrame = self.keys[kept].assign(kind=kind[kept])
        return keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a delta made of a list: the last `upserted` accounts are new or replaced; `before` are those that went.

    `since`: the index's revision when the list was read.
    """

    since: int
    upserted: int
    before: KeyedList


def made(agent: Agent, accounts: pd.DataFrame, recipes: Sequence[Recipe]) -> Keys:
    """The keys of accounts by these recipes.

    Raises:
        Refusal: `recipe_unknown` for a recipe that this agent does not have.
    """
    return make_keys(accounts, recipes, agent.tables, agent.progress)


def added_keys(agent: Agent, part: KeyedList, recipes: Sequence[Recipe]) -> KeyedList:
    """The list with keys of these recipes at least, and of none that this agent does not have. Nothing is stored.

    Raises:
        Refusal: `recipe_unknown` for a recipe that this agent does not have.
    """
    missing = tuple(recipe for recipe in recipes if recipe not in part.recipes)
    known = {recipe for each in tables.recipes(agent.tables).values() for recipe in each}
    stay = tuple(recipe for recipe in part.recipes if recipe in known)
    if not missing:
        return part if stay == part.recipes else replace(part, recipes=stay, keys=part.keys_by(stay))
    come = made(agent, part.accounts, missing).frame
    come = come.assign(kind=come["kind"].to_numpy(np.uint8) + np.uint8(len(stay)))
    return replace(part, recipes=stay + missing, keys=pd.concat([part.keys_by(stay), come], ignore_index=True))


def read(agent: Agent, prefix: str, *, name: str) -> KeyedList:
    """The list that the vault keeps below an address.

    Raises:
        UnknownList: if there is none.
    """
    recipes = kept_recipes(agent, prefix)
    accounts, keys = agent.vault.get(prefix + "accounts"), agent.vault.get(prefix + "keys")
    if accounts is None or keys is None:
        raise UnknownList("a list is in the index but not in the vault")
    if recipes != kept_recipes(agent, prefix):
        recipes = ()  # another process has just written others; of these keys it cannot be told what they are by
    frame = from_bytes(keys)
    return KeyedList(
        name=name,
        accounts=from_bytes(accounts),
        recipes=recipes,
        keys=frame if recipes else frame.iloc[:0],
        refused=pd.DataFrame({"account": [], "column": [], "rule": []}),
    )


def kept_recipes(agent: Agent, prefix: str) -> tuple[Recipe, ...]:
    """The recipes of the keys below an address; none for keys of a release that did not keep them."""
    kept = agent.load(KeptRecipes, prefix + "recipes")
    if kept is None:
        return ()
    return tuple(Recipe(kind=item.kind, normaliser=item.normaliser, tables=item.tables) for item in kept.recipes)


def written(data: KeyedList) -> Mapping[str, bytes]:
    """What the vault keeps of a list, by the last part of its address."""
    recipes = [KeptRecipe(kind=item.kind, normaliser=item.normaliser, tables=item.tables) for item in data.recipes]
    record = KeptRecipes(recipes=tuple(recipes))
    return {
        "accounts": to_bytes(data.accounts),
        "keys": to_bytes(data.keys),
        "recipes": record.model_dump_json().encode(),
    }


def put(agent: Agent, prefix: str, records: Mapping[str, bytes]) -> None:
    """Write what `written` gave, inside the caller's transaction."""
    for name, data in records.items():
        agent.vault.put(prefix + name, data)
