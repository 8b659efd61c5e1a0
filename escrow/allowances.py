"""P5: what two people of a member have allowed: terms that count in a weaker way, or answers before their time."""

from typing import Final

from sqlalchemy import bindparam, select

from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.counting import Allowance, AllowanceRefused, approver_of
from cleanroom.messages.documents import instant, read_document
from cleanroom.messages.entries import AllowanceGiven
from cleanroom.messages.rooms import Terms
from cleanroom.messages.signing import SignedDocument
from escrow import budgets, edges, ledger, rooms, rosters
from escrow.addresses import is_repeat
from escrow.counting_tables import AllowanceRecord
from escrow.errors import CountingRefused, OutOfOrder
from escrow.rooms import EnteredRoom, WorkingRoom, asked_once

_OF_ROOM: Final = (
    select(AllowanceRecord)
    .where(AllowanceRecord.room == bindparam("room"))
    .order_by(AllowanceRecord.partner, AllowanceRecord.number)
)


def put(entered: EnteredRoom, partner: PartnerId, number: int, signed: SignedDocument) -> Digest:
    """Put on record what two people of the caller allow; answers more can be given from now on.

    Raises:
        NotFound: not the caller's address.
        Conflict: another allowance has this number.
        DocumentRefused, AllowanceRefused: it is not what it must be.
        CountingRefused: it allows what cannot be allowed now.
        OutOfOrder: another allowance comes first.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`; terms that are not in force can be allowed.
    """
    rooms.own(entered, partner)
    digest, held = signed.digest(), entered.session.get(AllowanceRecord, (entered.id, partner, number))
    if is_repeat(held.digest if held else None, digest):
        return digest
    rooms.require_open(entered)
    allowance, approver = _opened(entered, signed)
    if (allowance.room, allowance.partner, allowance.number) != (entered.id, partner, number):
        raise CountingRefused("allowance: room, partner and number differ from the address")
    rooms.not_in_the_future(allowance.created, entered, CountingRefused)
    if number != len([item for item in _all(entered) if item.partner == partner]) + 1:
        raise OutOfOrder("allowance: it does not follow the newest one")
    if allowance.act == "refill":
        room = _under_its_terms(entered, allowance)
        budgets.refill(room, number, allowance.units, edges.seconds(room.now))
    elif allowance.terms not in {item.digest for item in entered.versions() if item.in_force_since is None}:
        raise CountingRefused("allowance: its terms are no proposal that waits for signatures in this room")
    entered.session.add(
        AllowanceRecord(
            room=entered.id,
            partner=partner,
            number=number,
            act=allowance.act,
            terms=allowance.terms,
            digest=digest,
            signed=signed.model_dump_json(),
        )
    )
    ledger.enter(
        entered,
        AllowanceGiven(
            at=instant(entered.now),
            act=allowance.act,
            approver=approver,
            author=allowance.author,
            document=digest,
            partner=partner,
            units=allowance.units,
        ),
    )
    rooms.touched(entered)
    return digest


def of_terms(room: EnteredRoom, digest: Digest) -> frozenset[PartnerId]:
    """The members whose people have allowed that exactly these terms count in a weaker way."""
    return frozenset(
        PartnerId(item.partner) for item in _all(room) if (item.act, item.terms) == ("weaker_counting", digest)
    )


def documents(room: EnteredRoom) -> tuple[SignedDocument, ...]:
    """All allowances of both members."""
    return tuple(SignedDocument.model_validate_json(item.signed) for item in _all(room))


def _opened(entered: EnteredRoom, signed: SignedDocument) -> tuple[Allowance, str]:
    """The allowance, seen to be signed by two people of the caller's newest roster; and the approver of the two."""
    terms = read_document(Terms, entered.versions()[-1].document)
    key = bytes.fromhex(terms.member(entered.caller).identity_key)
    newest = rosters.of(entered.session, entered.caller)[-1:]
    if not newest:
        raise AllowanceRefused("allowance: it takes two people, and this member has published none")
    approver = approver_of(signed, partner=entered.caller, key=key, rosters=newest)
    return read_document(Allowance, signed.document), approver


def _under_its_terms(entered: EnteredRoom, allowance: Allowance) -> WorkingRoom:
    room = rooms.working(entered)
    if allowance.terms != room.digest:
        raise CountingRefused("allowance: answers are refilled under the terms in force, which it does not name")
    return room


@asked_once
def _all(room: EnteredRoom) -> tuple[AllowanceRecord, ...]:
    return tuple(room.session.scalars(_OF_ROOM, {"room": room.id}))
