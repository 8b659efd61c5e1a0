"""P5: one answer more in a pair's first month, because a list was wrong.

Its edge is the moment at which it was asked for, and its pair the one in force then; it is given as soon as that is
evaluated, unless another answer was given meanwhile, which counts what is right, too: then the request is void.
"""

from typing import Final

from sqlalchemy import bindparam, select

from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.counting import Correction
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import CorrectionAsked
from cleanroom.messages.signing import SignedDocument
from escrow import budgets, counting, edges, ledger, opened, rooms
from escrow.budgets import Price
from escrow.counting_tables import CorrectionRecord
from escrow.errors import CorrectionRefused
from escrow.rooms import EnteredRoom, WorkingRoom, asked_once
from escrow.tables import AnswerRecord
from matching.disclosure.budget import Refused

_OF_ROOM: Final = (
    select(CorrectionRecord).where(CorrectionRecord.room == bindparam("room")).order_by(CorrectionRecord.after)
)


def put(entered: EnteredRoom, partner: PartnerId, signed: SignedDocument) -> Digest:
    """Ask for a correction of the newest answer.

    Raises:
        NotFound: not the caller's address.
        DocumentRefused, CorrectionRefused: it is not what it must be, or none can be given.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    rooms.own(entered, partner)
    digest = signed.digest()
    if any((item.partner, item.digest) == (partner, digest) for item in _all(entered)):
        return digest
    room = rooms.working(entered)
    correction = room.opened(Correction, signed)
    last = edges.latest(room)
    if (correction.room, correction.partner) != (room.id, partner):
        raise CorrectionRefused("correction: room and partner differ from the address")
    rooms.not_in_the_future(correction.created, room, CorrectionRefused)
    if last is None or correction.after != last.number:
        raise CorrectionRefused("correction: it names another answer than the newest one")
    _require_possible(room, last)
    room.session.add(
        CorrectionRecord(
            room=room.id,
            after=last.number,
            partner=partner,
            digest=digest,
            signed=signed.model_dump_json(),
            edge=room.now,
        )
    )
    room.session.flush()
    ledger.enter(room, CorrectionAsked(at=instant(room.now), document=digest, partner=partner))
    rooms.touched(room)
    return digest


def pending(room: EnteredRoom, last: AnswerRecord | None) -> CorrectionRecord | None:
    """What was asked for after the newest answer."""
    return next((item for item in _all(room) if last is not None and item.after == last.number), None)


def documents(room: EnteredRoom) -> tuple[SignedDocument, ...]:
    """All corrections that were asked for, in their order."""
    return tuple(SignedDocument.model_validate_json(item.signed) for item in _all(room))


def _require_possible(room: WorkingRoom, last: AnswerRecord) -> None:
    if pending(room, last) is not None:
        raise CorrectionRefused("correction: one is asked for already; both sides evaluate, then it is given")
    rule = counting.at(room, room.now)
    if rule.caps != "budget":
        raise CorrectionRefused("correction: these terms have no budgets; the next answer comes at the next edge")
    pair = edges.pair_at(room, room.now)
    if pair is None or edges.is_answered(pair, last):
        raise CorrectionRefused(
            "correction: neither list has changed since the newest answer; push the right one first"
        )
    price = Price(mode=rule.mode, cost=opened.cost(room, last, room.now), correction=True)
    verdict = budgets.verdict(room, price, edges.seconds(room.now))
    if isinstance(verdict, Refused):
        raise CorrectionRefused(f"correction: {budgets.correction_refused(room, verdict)}")


@asked_once
def _all(room: EnteredRoom) -> tuple[CorrectionRecord, ...]:
    return tuple(room.session.scalars(_OF_ROOM, {"room": room.id}))
