"""P8's result: matches that this agent has verified itself. Nothing else can be released.

A `VerifiedMatch` is made in `cleanroom.agent.openings_received` and read back from the vault here, and nowhere else.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator

from cleanroom.agent.epochs import epoch_prefix
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.messages.documents import Bytes16, Count, Wire, as_tuple


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedMatch:
    """One of my entries and one of theirs, by their handles in this epoch (16 bytes each).

    `kinds` are the kinds of key that are proven to agree, `keys` those keys of my entry: (index of the kind, key).
    """

    epoch: int
    round: int
    mine: bytes
    theirs: bytes
    my_segment: int
    their_segment: int
    kinds: frozenset[int]
    keys: frozenset[tuple[int, str]] = field(repr=False)


class StoredMatch(Wire):
    """A verified row, as the vault keeps it."""

    mine: Bytes16
    theirs: Bytes16
    my_segment: Count
    their_segment: Count
    kind: Count
    key: str


class StoredRound(Wire):
    """All that was verified in one round."""

    round: Count
    rows: Annotated[tuple[StoredMatch, ...], BeforeValidator(as_tuple)]


def verified(agent: Agent, room: Room) -> tuple[VerifiedMatch, ...]:
    """The verified matches of the room's epoch, all rounds together, in the order of their handles."""
    rows: dict[tuple[str, str], list[StoredMatch]] = defaultdict(list)
    first_round: dict[tuple[str, str], int] = {}
    for stored in _rounds(agent, room):
        for row in stored.rows:
            rows[row.mine, row.theirs].append(row)
            first_round.setdefault((row.mine, row.theirs), stored.round)
    return tuple(_match(room.epoch, first_round[pair], rows[pair]) for pair in sorted(rows))


def is_verified(agent: Agent, room: Room, number: int) -> bool:
    """Whether a round was verified."""
    return agent.vault.get(_address(room, number)) is not None


def keep(agent: Agent, room: Room, number: int, rows: Iterable[StoredMatch]) -> None:
    """Remember what P8 has verified in a round. Only P8 calls this."""
    agent.save(_address(room, number), StoredRound(round=number, rows=tuple(rows)))


def _match(epoch: int, number: int, rows: list[StoredMatch]) -> VerifiedMatch:
    first = rows[0]
    return VerifiedMatch(
        epoch=epoch,
        round=number,
        mine=bytes.fromhex(first.mine),
        theirs=bytes.fromhex(first.theirs),
        my_segment=first.my_segment,
        their_segment=first.their_segment,
        kinds=frozenset(row.kind for row in rows),
        keys=frozenset((row.kind, row.key) for row in rows),
    )


def _rounds(agent: Agent, room: Room) -> list[StoredRound]:
    addresses = agent.vault.addresses(epoch_prefix(room.id, room.epoch) + "verified/")
    found = [agent.load(StoredRound, address) for address in addresses]
    return sorted((item for item in found if item is not None), key=lambda item: item.round)


def _address(room: Room, number: int) -> str:
    return epoch_prefix(room.id, room.epoch) + f"verified/{number}"
