"""P5: how counts are shown in a room, from this partner's side: made stricter, corrected, and what it costs so far."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from cleanroom.agent.allowances import pending, weaker_terms
from cleanroom.agent.ledger import load
from cleanroom.agent.overlap import NoAnswerYet
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.witness import witness
from cleanroom.domain.errors import NotPossibleNow
from cleanroom.domain.vocabulary import CountingMode, RoomId
from cleanroom.messages.counting import Allowance, Correction, CountingWish
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import CountsReleased, MemberNamed
from cleanroom.messages.rooms import CappedCounting, Terms


class NotStricter(NotPossibleNow):
    """A member alone makes counting stricter only; weaker takes new terms, and two people of every member."""

    code = "not_stricter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was answered between this partner and another one, over all rooms that this agent has witnessed.

    `units` of the budget by mode, `answers` and `exact_cells` (cells of answers without noise) as numbers.
    """

    units: Mapping[str, int]
    answers: int
    exact_cells: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How counting stands in a room. `rule` is in force (None before the first terms are), `weaker` terms that wait.

    `allowed_by`: the members whose two people have allowed those; `draft` waits for a second person here. `largest` is
    the most that a cell can hold: the entries of the smaller list.
    """

    room: Room
    rule: CappedCounting | None
    weaker: Terms | None
    allowed_by: frozenset[str]
    draft: Allowance | None
    told: Told
    largest: int


def look(agent: Agent, room_id: RoomId) -> Look:
    """How counting stands."""
    room = open_room(agent, room_id)
    weaker = weaker_terms(room)
    return Look(
        room=room,
        rule=room.counting.rule,
        weaker=weaker if room.in_force else None,
        allowed_by=room.counting.allowed(weaker.digest()) if weaker else frozenset(),
        draft=pending(agent, room),
        told=told(agent, room),
        largest=_largest(room),
    )


def tighten(agent: Agent, room_id: RoomId, mode: CountingMode) -> Room:
    """Have counts shown by no weaker mode than this from now on. It is seen to be on record.

    Raises:
        NotStricter: the mode is weaker than the one in force.
        RoomNotActive: the room is not in force.
        NotOnRecord: the escrow has not put it into the log.
    """
    with agent.locked("counting"):
        room = open_room(agent, room_id)
        room.require_active()
        rule = room.counting.rule or room.terms.counting
        if mode.is_weaker_than(rule.mode):
            raise NotStricter(
                f"room {room.terms.title}: mode {rule.mode} is in force, and {mode} is weaker. That takes new terms, "
                "and two people of each side: cleanroom counting change"
            )
        if mode is rule.mode:
            return room
        number = len(room.counting.wishes[agent.me]) + 1
        wish = CountingWish(room=room.id, partner=agent.me, number=number, mode=mode, created=instant(agent.clock()))
        agent.escrow.put_wish(room.id, agent.me, number, agent.sign(wish))
        # Once witnessed it holds here, whatever the escrow shows later.
        witness(agent, open_room(agent, room_id))
        return open_room(agent, room_id)


def correct(agent: Agent, room_id: RoomId) -> Room:
    """Ask for one answer more, because a list was wrong. It is given once both lists are evaluated anew.

    Raises:
        NoAnswerYet: there is nothing to correct.
        RoomNotActive: the room is not in force.
        EscrowProblem: the budget does not give one.
    """
    with agent.locked("counting"):
        room = open_room(agent, room_id)
        room.require_active()
        if room.answer is None:
            raise NoAnswerYet(f"room {room.terms.title}: there is no answer yet that could be corrected")
        after = room.answer.number
        if any(item.after == after for item in room.counting.corrections[agent.me]):
            return room
        asked = Correction(room=room.id, partner=agent.me, after=after, created=instant(agent.clock()))
        agent.escrow.put_correction(room.id, agent.me, agent.sign(asked))
        return open_room(agent, room_id)


def told(agent: Agent, room: Room) -> Told:
    """What was answered so far between the two members, in this room and all others whose log this agent keeps."""
    units: Counter[str] = Counter()
    answers = exact_cells = 0
    both = {agent.me, room.other.partner}
    cells = len(list(product(room.terms.segments, repeat=2)))
    for kept in _rooms(agent):
        entries = load(agent, kept).entries
        if {entry.partner for entry in entries if isinstance(entry, MemberNamed)} != both:
            continue
        for entry in entries:
            if isinstance(entry, CountsReleased):
                units[str(entry.mode)] += max(entry.cost, 1)
                answers += 1
                exact_cells += cells if entry.mode is CountingMode.EXACT else 0
    return Told(units=dict(units), answers=answers, exact_cells=exact_cells)


def _rooms(agent: Agent) -> list[RoomId]:
    return sorted({RoomId(address.split("/")[1]) for address in agent.vault.addresses("ledger/") if "/" in address})


def _largest(room: Room) -> int:
    heads = [room.head(member.partner) for member in room.terms.members]
    return min((sum(shape.entries for shape in head.shapes) if head else 0) for head in heads)
