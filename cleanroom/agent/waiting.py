"""What stands between a room and its next answer: who has to do what, and since when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cleanroom.agent.rooms import Room
from cleanroom.domain.vocabulary import RoomState
from cleanroom.messages.documents import instant, moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """`what` in words; `mine` if it is this partner's turn; `since` an instant, None where nothing is waited for."""

    what: str
    mine: bool
    since: str | None


NOTHING = Waiting(what="Up to date.", mine=False, since=None)


def waiting(room: Room) -> Waiting:
    """The first thing that a room waits for."""
    match room.state:
        case RoomState.PROPOSED:
            return _signature(room)
        case RoomState.ACTIVE:
            return _list(room) or _evaluation(room) or _renewal(room) or _edge(room)
        case _:
            return Waiting(what="Nothing: the room has ended.", mine=False, since=None)


def epoch_begun(room: Room) -> datetime:
    """When the epoch in force began: with its period, or with the newest policy that began one.

    Where a change of the terms began it, that was later: signatures do not say when.
    """
    fresh = [item.since for chain in room.policies.values() for item in chain if item.document.fresh_epoch]
    return max([period_begun(room), *fresh])


def period_begun(room: Room) -> datetime:
    """When the period of the terms began that the epoch in force lies in."""
    return _period(room, room.epoch - room.fresh)


def next_epoch(room: Room) -> str | None:
    """When the next period begins; None if the terms end before. A policy that narrows begins an epoch sooner."""
    begins = _period(room, room.epoch - room.fresh + 1)
    return instant(begins) if begins < moment(room.terms.expires) else None


def _period(room: Room, number: int) -> datetime:
    return moment(room.terms.starts) + timedelta(days=room.terms.epoch_days * number)


def _signature(room: Room) -> Waiting:
    proposer = room.terms.members[0]
    if proposer.partner == room.me:
        return Waiting(what=f"{room.other.name} has not accepted.", mine=False, since=room.terms.starts)
    accept = f"cleanroom room accept {room.id[:8]}"
    return Waiting(what=f"{proposer.name} proposes it: {accept}", mine=True, since=room.terms.starts)


def _list(room: Room) -> Waiting | None:
    begun = instant(epoch_begun(room))
    if room.head(room.me) is None:
        return Waiting(what="You have committed no list in this epoch: cleanroom push FILE", mine=True, since=begun)
    if room.head(room.other.partner) is None:
        return Waiting(what=f"{room.other.name} has committed no list in this epoch.", mine=False, since=begun)
    return None


def _evaluation(room: Room) -> Waiting | None:
    for evaluator, owner in ((room.me, room.other.partner), (room.other.partner, room.me)):
        newest = room.head(owner)
        if newest is not None and (evaluator, newest.number) not in room.complete:
            mine = evaluator == room.me
            who = "Your agent" if mine else f"{room.other.name}'s agent"
            hint = ": cleanroom sync" if mine else "."
            return Waiting(what=f"{who} has not evaluated the newest list{hint}", mine=mine, since=newest.created)
    return None


def _renewal(room: Room) -> Waiting | None:
    if room.pending is None:
        return None
    what = (
        f"A change of the terms, until {room.pending.expires}, waits for a signature: cleanroom room show {room.id[:8]}"
    )
    return Waiting(what=what, mine=False, since=None)


def _edge(room: Room) -> Waiting:
    if room.next_answer is None:
        return NOTHING
    return Waiting(what=f"Up to date; the next answer is due {room.next_answer}.", mine=False, since=None)
