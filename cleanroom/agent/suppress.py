"""Accounts that are never committed, and so never counted, matched or shared, whatever the policy says.

A suppression belongs to the home and names an account's id: pushing the list again changes nothing about it. What was
committed before is taken out with the next batch; until the next epoch `must_wait` keeps this agent from opening more.
"""

from collections.abc import Sequence

import pandas as pd

from cleanroom.agent import lists, room_lists
from cleanroom.agent.committed import retired_tokens, state
from cleanroom.agent.epochs import epoch_secrets
from cleanroom.agent.list_keys import KeyedList
from cleanroom.agent.recipes import pinned
from cleanroom.agent.rooms import Room, room_context
from cleanroom.agent.session import Agent
from cleanroom.agent.suppressions import ADDRESS, LONGEST_REASON, Suppression, Suppressions, suppressed
from cleanroom.domain.errors import InputRefused
from cleanroom.messages.documents import instant
from matching import tokens
from matching.keys import keys_of
from matching.normalise.tables import Recipe
from matching.rows import Bytes, is_in


def suppress(agent: Agent, who: Sequence[str], reason: str) -> tuple[str, ...]:
    """Suppress accounts by id, or by name (case does not matter; every account of that name). Gives their ids.

    Raises:
        InputRefused: if a name or id is nobody's in any list, or the reason is too long.
    """
    if len(reason) > LONGEST_REASON:
        raise InputRefused(f"reason: at most {LONGEST_REASON} characters")
    found = tuple(dict.fromkeys(account for item in who for account in _accounts(agent, item)))
    since = instant(agent.clock())
    with agent.vault.transaction():
        known = suppressed(agent)
        ids = {item.account for item in known}
        fresh = [Suppression(account=item, reason=reason, since=since) for item in found if item not in ids]
        agent.save(ADDRESS, Suppressions(accounts=(*known, *fresh)))
        lists.touch(agent)
    return found


def unsuppress(agent: Agent, who: Sequence[str]) -> tuple[str, ...]:
    """Take suppressions by id or name back. Gives the ids. What a list's own column suppresses stays so.

    Raises:
        InputRefused: if a name or id is not among the suppressed.
    """
    with agent.vault.transaction():
        known = suppressed(agent)
        ids = {item.account for item in known}
        gone: list[str] = []
        for item in who:
            mine = [item] if item in ids else [account for account in _named(agent, item) if account in ids]
            if not mine:
                raise InputRefused("no suppressed account has that id or name")
            gone += mine
        agent.save(ADDRESS, Suppressions(accounts=tuple(item for item in known if item.account not in gone)))
        lists.touch(agent)
    return tuple(dict.fromkeys(gone))


def must_wait(agent: Agent, room: Room) -> bool:
    """Whether a key of a suppressed account that no other account of mine has was committed in this epoch.

    Also if it was taken out since: an escrow that lies could show the row that it had.
    """
    committed, retired = state(agent, room), retired_tokens(agent, room)
    recipes = pinned(agent, room.terms)
    serving = room_lists.serving(agent, room.id, recipes=recipes)
    some = (part for part in serving if part.accounts["suppressed"].any())
    hidden = [found for part in some if not (found := _keys_of_suppressed(agent, part, recipes)).empty]
    if (committed.empty and not len(retired)) or not hidden:
        return False
    gone = pd.concat(hidden, ignore_index=True).drop_duplicates(ignore_index=True)
    live = pd.concat([_keys_of_live(part, recipes) for part in serving], ignore_index=True).drop_duplicates()
    lost = gone.merge(live, how="left", on=["kind", "key"], indicator=True).query("_merge == 'left_only'")
    if len(lost[["kind", "key"]].merge(committed[["kind", "key"]], on=["kind", "key"])):
        return True
    return bool(len(retired) and len(lost) and is_in(_tokens(agent, room, lost), retired).any())


def _tokens(agent: Agent, room: Room, keys: pd.DataFrame) -> Bytes:
    """The tokens that these keys have in this epoch: what was taken out is remembered by them alone."""
    contexts = [
        tokens.key_context(room_context(room.id), room.epoch, str(item.kind), item.normaliser, item.tables)
        for item in room.terms.kinds
    ]
    scalar = epoch_secrets(agent, room).scalar
    return tokens.blind(keys["key"].tolist(), [contexts[kind] for kind in keys["kind"]], scalar)


def _keys_of_suppressed(agent: Agent, part: KeyedList, recipes: tuple[Recipe, ...]) -> pd.DataFrame:
    """`kind` (index in the recipes) and `key`. A list's own column kept their keys from being made; now they are."""
    accounts = part.accounts[part.accounts["suppressed"].to_numpy(dtype=bool)]
    alone = accounts.assign(suppressed=False).reset_index(drop=True)
    keys: pd.DataFrame = keys_of(alone, recipes, agent.tables).frame[["kind", "key"]]
    return keys


def _keys_of_live(part: KeyedList, recipes: tuple[Recipe, ...]) -> pd.DataFrame:
    live = ~part.accounts["suppressed"].to_numpy(dtype=bool)
    held = part.keys_by(recipes)
    keys: pd.DataFrame = held[live[held["account"].to_numpy()]][["kind", "key"]]
    return keys


def _accounts(agent: Agent, item: str) -> list[str]:
    for part in _all(agent):
        if part.accounts["account_id"].eq(item).any():
            return [item]
    named = _named(agent, item)
    if not named:
        raise InputRefused("no account in any list has that id or name")
    return named


def _named(agent: Agent, name: str) -> list[str]:
    wanted = name.strip().casefold()
    return [
        account
        for part in _all(agent)
        for account in part.accounts["account_id"][part.accounts["name"].str.casefold() == wanted]
    ]


def _all(agent: Agent) -> list[KeyedList]:
    return [lists.load(agent, item.name) for item in lists.stored(agent)]
