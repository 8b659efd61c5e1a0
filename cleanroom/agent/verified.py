"""P8's result: matches that this agent has verified itself. Nothing else can be released.

A `VerifiedMatch` is made in `cleanroom.agent.openings_received` and read back from the vault here, and nowhere else.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from pydantic import BeforeValidator

from cleanroom.agent.epochs import epoch_prefix
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import Tier
from cleanroom.messages.documents import Bytes16, Count, Wire, as_tuple
from matching.cases import Judge
from matching.rule import CERTAIN

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedMatch:
    """One of my entries and one of theirs, by their handles in this epoch (16 bytes each).

    `kinds` are the kinds of key that are proven to agree, by index in the terms, `keys` those keys of my entry: (index
    of the kind, key); `differ` are the kinds of which both have keys and none agrees, `their_kinds` all of theirs.
    """

    epoch: int
    round: int
    mine: bytes
    theirs: bytes
    my_segment: int
    their_segment: int
    kinds: frozenset[int]
    differ: frozenset[int]
    their_kinds: frozenset[int]
    tier: Tier
    keys: frozenset[tuple[int, str]] = field(repr=False)


class StoredMatch(Wire):
    """A verified row, as the vault keeps it. `my_kinds`, `their_kinds`: what both entries had keys of, as bit masks."""

    mine: Bytes16
    theirs: Bytes16
    my_segment: Count
    their_segment: Count
    my_kinds: Count
    their_kinds: Count
    kind: Count
    key: str


class PastMatch(Wire):
    """A pair of entries that was proven in a round, and that was no match any more when I verified it.

    Nothing of mine is released for it. The other side, which may have verified it before, may have released something.
    """

    mine: Bytes16
    theirs: Bytes16
    my_segment: Count
    their_segment: Count


class StoredRound(Wire):
    """All that was verified in one round."""

    round: Count
    rows: Annotated[tuple[StoredMatch, ...], BeforeValidator(as_tuple)]
    past: Annotated[tuple[PastMatch, ...], BeforeValidator(as_tuple)]


def verified(agent: Agent, room: Room, *, through: int | None = None) -> tuple[VerifiedMatch, ...]:
    """The verified matches of the room's epoch, all rounds (or those up to `through`) together, by their handles.

    A round has all rows of a pair or none: an entry that changes is taken out and put in again as a whole. So of a
    pair that was opened again, the newest round says what is so now.
    """
    rows: dict[tuple[str, str], list[StoredMatch]] = {}
    first_round: dict[tuple[str, str], int] = {}
    for stored in _rounds(agent, room, through):
        of_round: dict[tuple[str, str], list[StoredMatch]] = defaultdict(list)
        for row in stored.rows:
            of_round[row.mine, row.theirs].append(row)
            first_round.setdefault((row.mine, row.theirs), stored.round)
        rows |= of_round
    found = (_match(room, first_round[pair], rows[pair]) for pair in sorted(rows))
    return tuple(match for match in found if match is not None)


def past(agent: Agent, room: Room, *, through: int) -> tuple[PastMatch, ...]:
    """Pairs that were proven in the epoch's rounds up to `through`, and were no match any more."""
    return tuple(item for stored in _rounds(agent, room, through) for item in stored.past)


def is_verified(agent: Agent, room: Room, number: int) -> bool:
    """Whether a round was verified."""
    return agent.vault.get(_address(room, number)) is not None


def keep(agent: Agent, room: Room, number: int, rows: Iterable[StoredMatch], gone: Iterable[PastMatch]) -> None:
    """Remember what P8 has verified in a round. Only P8 calls this."""
    agent.save(_address(room, number), StoredRound(round=number, rows=tuple(rows), past=tuple(gone)))


def kinds_in(mask: int) -> frozenset[int]:
    """The kinds of a bit mask, by index."""
    return frozenset(kind for kind in range(mask.bit_length()) if mask >> kind & 1)


def kinds_of(names: Iterable[Name], kinds: Iterable[int]) -> dict[Name, int]:
    """Per name, the kinds beside it as a bit mask."""
    found: dict[Name, int] = {}
    for name, kind in zip(names, kinds, strict=True):
        found[name] = found.get(name, 0) | 1 << kind
    return found


def tier_of(judge: Judge, agree: frozenset[int], differ: frozenset[int]) -> Tier | None:
    """How sure a pair is that agrees and differs in these kinds; None if it does not count under the terms."""
    found = judge.tier(agree, differ)
    return None if not found else Tier.CERTAIN if found == CERTAIN else Tier.LIKELY


def _match(room: Room, number: int, rows: list[StoredMatch]) -> VerifiedMatch | None:
    """None if the rule of the terms does not call it a match any more."""
    first = rows[0]
    kinds, theirs = frozenset(row.kind for row in rows), kinds_in(first.their_kinds)
    differ = (kinds_in(first.my_kinds) & theirs) - kinds
    tier = tier_of(room.judge, kinds, differ)
    if tier is None:
        return None
    return VerifiedMatch(
        epoch=room.epoch,
        round=number,
        mine=bytes.fromhex(first.mine),
        theirs=bytes.fromhex(first.theirs),
        my_segment=first.my_segment,
        their_segment=first.their_segment,
        kinds=kinds,
        differ=differ,
        their_kinds=theirs,
        tier=tier,
        keys=frozenset((row.kind, row.key) for row in rows),
    )


def _rounds(agent: Agent, room: Room, through: int | None) -> list[StoredRound]:
    addresses = agent.vault.addresses(epoch_prefix(room.id, room.epoch) + "verified/")
    found = [agent.load(StoredRound, address) for address in addresses]
    wanted = (item for item in found if item is not None and (through is None or item.round <= through))
    return sorted(wanted, key=lambda item: item.round)


def _address(room: Room, number: int) -> str:
    return epoch_prefix(room.id, room.epoch) + f"verified/{number}"
