"""This partner's accounts as people call them: by the id in their list, LIST/ID, or name.

Inside, an account's id is the list's name, a separator, and the id that the list gives it; nobody can type that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import pandas as pd

from cleanroom.agent import lists
from cleanroom.agent.reading.accounts import SEPARATOR
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import InputRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountNames:
    """All accounts of the lists in the vault: `names` by full id."""

    names: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, agent: Agent) -> Self:
        """Those that the vault holds now; a home without a list has none."""
        frames = [lists.load(agent, item.name).accounts[["account_id", "name"]] for item in lists.stored(agent)]
        if not frames:
            return cls(names={})
        every = pd.concat(frames, ignore_index=True)
        return cls(names=dict(zip(every["account_id"], every["name"], strict=True)))

    def find(self, text: str, *, also: Iterable[str] = ()) -> tuple[str, ...]:
        """The full ids of the accounts that are meant; those in `also` need not be in a list any more.

        An id goes before a name. One id or name may be several accounts': then it means all of them.

        Raises:
            InputRefused: if there is none.
        """
        every = dict.fromkeys([*self.names, *also])
        wanted = text.strip()
        found = [item for item in every if wanted in (item, spoken(item), in_list(item))]
        found = found or [item for item in every if self.names.get(item, "").casefold() == wanted.casefold() != ""]
        if not found:
            raise InputRefused("no account of yours has that id or name; LIST/ID and names are understood too")
        return tuple(found)

    def find_all(self, texts: Sequence[str], *, also: Iterable[str] = ()) -> tuple[str, ...]:
        """`find` for several, each account once. Raises InputRefused."""
        known = tuple(also)
        return tuple(dict.fromkeys(item for text in texts for item in self.find(text, also=known)))

    def name(self, account: str) -> str:
        """The account's name; "" if it has none, or is in no list any more."""
        return self.names.get(account, "")


def in_list(account: str) -> str:
    """The id that the list gives an account."""
    return account.rpartition(SEPARATOR)[2]


def spoken(account: str) -> str:
    """An account's id that names its list too: LIST/ID."""
    return account.replace(SEPARATOR, "/")
