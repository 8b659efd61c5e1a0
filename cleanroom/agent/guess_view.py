"""What people are shown of the limits to guessing in a room: used, allowed, held back, and lifted by whom."""

from collections.abc import Mapping
from dataclasses import dataclass

from cleanroom.agent.guess_records import Accepted, Allowed, Restored
from cleanroom.agent.guesses import HeldBack, grounds_of, held_back
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import PartnerId, RoomId
from cleanroom.messages.lists import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessesOfRoom:
    """One room: its other member's account, which is the same in every room with it, and what is of this room alone.

    `used`: new keys by kind in 30 days; `allowed` is how many may be, of which people have allowed `lifted`. `entries`
    is their list as it was evaluated last, None if it never was. `sources` are as its owner states them.
    """

    room: RoomId
    title: str
    partner: PartnerId
    name: str
    used: Mapping[str, int]
    limit: int
    allowed: int
    declared: int
    entries: int | None
    held: HeldBack | None
    accepted: tuple[Accepted, ...]
    lifted: tuple[Allowed, ...]
    restored: Restored | None
    sources: tuple[Source, ...]


def guesses_of(agent: Agent, room: Room) -> GuessesOfRoom:
    """The figures of a room now."""
    grounds = grounds_of(agent, room)
    known, head = grounds.known, room.head(room.other.partner)
    return GuessesOfRoom(
        room=room.id,
        title=room.terms.title,
        partner=room.other.partner,
        name=room.other.name,
        used=grounds.used(),
        limit=grounds.limit(),
        allowed=grounds.allowed(),
        declared=room.terms.declared_by(room.other.partner),
        entries=known.sizes[-1].entries if known and known.sizes else None,
        held=held_back(agent, room),
        accepted=known.accepted if known else (),
        lifted=grounds.account.allowed,
        restored=grounds.restored,
        sources=head.sources if head else (),
    )
