"""P5: the mode in which a room counts, and what it takes to make it stricter or weaker.

The mode at an edge is the strictest of what the terms in force say and what either member had wished by then, to the
second. Stricter is one member's wish (`put`). Weaker are only terms, and only if two people of every member have
allowed exactly that version (`escrow.allowances`); once they are in force, wishes from before are void. A room that two
partners make anew is weaker, too, if it shows more than an answer that they were given in the last year.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Final

from sqlalchemy import bindparam, select

from cleanroom.domain.vocabulary import CountingMode, Digest, PartnerId
from cleanroom.messages.counting import CountingWish, in_force, is_weaker
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import CountingTightened
from cleanroom.messages.rooms import CappedCounting, Terms
from cleanroom.messages.signing import SignedDocument
from escrow import allowances, budgets, edges, ledger, rooms
from escrow.addresses import is_repeat
from escrow.counting_tables import WishRecord
from escrow.errors import CountingRefused, NotStricter, OutOfOrder, TwoPeopleNeeded
from escrow.rooms import EnteredRoom, WorkingRoom, asked_once
from escrow.tables import TermsVersion

_WISHES: Final = (
    select(WishRecord).where(WishRecord.room == bindparam("room")).order_by(WishRecord.partner, WishRecord.number)
)


def at(room: WorkingRoom, edge: datetime) -> CappedCounting:
    """The counting rule at an edge, under the terms in force now."""
    by_then = [wish for wish in _wishes(room) if instant(wish.received_at) <= instant(edge)]
    return in_force(room.terms.counting, _modes(by_then, since=_loosened(room)))


def put(entered: EnteredRoom, partner: PartnerId, number: int, signed: SignedDocument) -> Digest:
    """Make the caller's room count in a stricter mode from now on.

    Raises:
        NotFound: not the caller's address.
        Conflict: another wish has this number.
        DocumentRefused, CountingRefused: the document is not what it must be.
        OutOfOrder: another wish comes first.
        NotStricter: the mode is not stricter than what is in force.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    rooms.own(entered, partner)
    digest, held = signed.digest(), entered.session.get(WishRecord, (entered.id, partner, number))
    if is_repeat(held.digest if held else None, digest):
        return digest
    room = rooms.working(entered)
    wish = room.opened(CountingWish, signed)
    if (wish.room, wish.partner, wish.number) != (room.id, partner, number):
        raise CountingRefused("counting wish: room, partner and number differ from the address")
    rooms.not_in_the_future(wish.created, room, CountingRefused)
    if number != len([item for item in _wishes(room) if item.partner == partner]) + 1:
        raise OutOfOrder("counting wish: it does not follow the newest one")
    if not at(room, room.now).mode.is_weaker_than(wish.mode):
        raise NotStricter(
            "counting wish: not stricter than the mode in force; a weaker one takes new terms, and two people of every "
            "member who allow them"
        )
    room.session.add(
        WishRecord(
            room=room.id,
            partner=partner,
            number=number,
            mode=wish.mode.value,
            terms=room.terms.version,
            digest=digest,
            signed=signed.model_dump_json(),
            received_at=room.now,
        )
    )
    entry = CountingTightened(at=instant(room.now), document=digest, mode=wish.mode, partner=partner)
    ledger.enter(room, entry)
    rooms.touched(room)
    return digest


def wishes(room: EnteredRoom) -> tuple[SignedDocument, ...]:
    """All wishes of both members, those that are void included."""
    return tuple(SignedDocument.model_validate_json(wish.signed) for wish in _wishes(room))


def require_allowed(room: EnteredRoom, version: TermsVersion, terms: Terms) -> None:
    """Nothing, unless this version would show more than what is in force, and not every member has allowed it.

    Raises:
        TwoPeopleNeeded: naming whose allowance is missing.
    """
    before = _before(room, terms)
    if before is None or not is_weaker(terms.counting, before):
        return
    given = allowances.of_terms(room, Digest(version.digest))
    missing = [
        "yours" if member.partner == room.caller else "the other member's"
        for member in terms.members
        if member.partner not in given
    ]
    if missing:
        raise TwoPeopleNeeded(
            "terms: they count in a weaker way than what is in force, or than an answer of the last 365 days; it takes "
            f"an allowance by two people of every member, and these are missing: {', '.join(missing)}"
        )


def _before(room: EnteredRoom, terms: Terms) -> CappedCounting | None:
    """What a version is compared with: what is in force, or what these two were last shown in another room."""
    current = rooms.in_force(room)
    if current is not None:
        return at(current, room.now)
    first, second = (member.partner for member in terms.members)
    mode = budgets.strictest_of_a_year(room.session, first, second, edges.seconds(room.now))
    return CappedCounting(mode=mode, floor=1, caps="budget") if mode else None


def _loosened(room: WorkingRoom) -> int:
    """The newest version of the terms that made counting weaker, if any did: earlier wishes are void."""
    loosened, every = 0, _wishes(room)
    for before, after in pairwise(room.versions_in_force):
        by_then = [wish for wish in every if wish.terms < after.version]
        if is_weaker(after.counting, in_force(before.counting, _modes(by_then, since=loosened))):
            loosened = after.version
    return loosened


def _modes(held: Iterable[WishRecord], *, since: int) -> list[CountingMode]:
    """The modes that are wished, of wishes that came under version `since` of the terms or a later one."""
    return [CountingMode(wish.mode) for wish in held if wish.terms >= since]


@asked_once
def _wishes(room: EnteredRoom) -> tuple[WishRecord, ...]:
    return tuple(room.session.scalars(_WISHES, {"room": room.id}))
