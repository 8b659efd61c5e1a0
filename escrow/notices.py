"""Words between the members, sealed: who wrote to whom, which kind of notice, about which match. Not what they say.

The escrow keeps them in order and hands them to the other member at once. What a dispute means for releases is the
agents' business.
"""

from typing import Final

from sqlalchemy import bindparam, func, select

from cleanroom.domain.vocabulary import Digest
from cleanroom.messages.api import NoticeBody
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import NoticeSent
from cleanroom.messages.notices import Notice
from cleanroom.messages.signing import SignedDocument
from escrow import ledger, rooms
from escrow.addresses import is_repeat
from escrow.consent_tables import NoticeRecord
from escrow.errors import NoticeRefused, OutOfOrder
from escrow.rooms import EnteredRoom

_OF_ROOM: Final = (
    select(NoticeRecord)
    .where(NoticeRecord.room == bindparam("room"))
    .order_by(NoticeRecord.sender, NoticeRecord.number)
)


def put(entered: EnteredRoom, number: int, body: NoticeBody) -> Digest:
    """Keep the caller's next notice, with its sealed words.

    Raises:
        DocumentRefused, NoticeRefused: the document, or its words, are not what they must be.
        OutOfOrder: another notice comes first.
        Conflict: another notice has this number.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    digest, words = body.notice.digest(), bytes.fromhex(body.words)
    held = entered.session.get(NoticeRecord, (entered.id, entered.caller, number))
    if is_repeat(held.digest if held else None, digest):
        return digest
    room = rooms.working(entered)
    notice = room.opened(Notice, body.notice)
    named = (notice.room, notice.sender, notice.recipient, notice.number)
    if named != (room.id, room.caller, room.other.partner, number):
        raise NoticeRefused("notice: room, sender, recipient and number differ from the address")
    if not notice.fits(words):
        raise NoticeRefused("notice: its words are not those that were signed, or not padded")
    rooms.not_in_the_future(notice.created, room, NoticeRefused)
    if number != _last_number(room) + 1:
        raise OutOfOrder("notice: it does not follow the newest one")
    room.session.add(
        NoticeRecord(
            room=room.id,
            sender=room.caller,
            number=number,
            digest=digest,
            signed=body.notice.model_dump_json(),
            words=words,
        )
    )
    entry = NoticeSent(at=instant(room.now), document=digest, kind=notice.kind, number=number, sender=room.caller)
    ledger.enter(room, entry)
    rooms.touched(room)
    return digest


def of_room(room: EnteredRoom) -> tuple[NoticeBody, ...]:
    """All notices of both members."""
    return tuple(
        NoticeBody(notice=SignedDocument.model_validate_json(record.signed), words=record.words.hex())
        for record in room.session.scalars(_OF_ROOM, {"room": room.id})
    )


def _last_number(room: EnteredRoom) -> int:
    query = select(func.max(NoticeRecord.number)).where(
        NoticeRecord.room == room.id, NoticeRecord.sender == room.caller
    )
    return room.session.scalar(query) or 0
