"""Disputed matches: what is frozen until the side that disputed says that it is resolved.

A dispute names handles, which live for one epoch. Each agent remembers which of its own accounts the match was about,
so that the dispute holds in later epochs too, whatever the handles are then. Both sides may dispute the same match; it
is free once every dispute about it is resolved.
"""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator

from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import Bytes16, Count, Number, PartnerName, Wire, as_tuple


class Dispute(Wire):
    """An open dispute: who opened it, in which notice, about which match, and which of my accounts it is about."""

    by: PartnerName
    number: Number
    epoch: Count
    mine: Bytes16
    theirs: Bytes16
    accounts: Annotated[tuple[str, ...], BeforeValidator(as_tuple)]


class Disputes(Wire):
    """All open disputes of a room, and how many notices of each side they have seen."""

    seen: dict[PartnerName, Count]
    open: Annotated[tuple[Dispute, ...], BeforeValidator(as_tuple)] = ()

    def about(self, *, epoch: int, mine: str, theirs: str, accounts: Iterable[str]) -> tuple[Dispute, ...]:
        """The disputes that freeze a match: about these handles of that epoch, or about one of these accounts."""
        held = set(accounts)
        return tuple(
            item
            for item in self.open
            if (item.epoch, item.mine, item.theirs) == (epoch, mine, theirs) or not held.isdisjoint(item.accounts)
        )


def disputes(agent: Agent, room: RoomId) -> Disputes:
    """What is disputed in a room, as far as this agent has read its notices."""
    return agent.load(Disputes, address(room)) or Disputes(seen={})


def address(room: RoomId) -> str:
    """Where the vault keeps a room's disputes."""
    return f"disputes/{room}"
