"""P2 and P5 over HTTP: rooms, terms, keys, answers."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Body
from sqlalchemy.orm import Session

from api.service import examples
from api.service.desk import AtEpoch, Caller, Desk, PartnerPath, RoomPath, TheDesk, ThePage, VersionPath
from cleanroom.domain.vocabulary import Digest, PartnerId, RoomId
from cleanroom.messages.api import Accepted, AnswerPage, RoomPage, RoomView, SignatureBody
from cleanroom.messages.signing import SignedDocument
from escrow import keys, overlaps, rooms, rounds, terms, views
from escrow.rooms import EnteredRoom
from escrow.terms import Operator

KEYS = "/v1/rooms/{room}/epochs/{epoch}/keys/{partner}"

router = APIRouter(tags=["rooms"])

T = TypeVar("T")
Signed = Annotated[SignedDocument, Body(openapi_examples=examples.DOCUMENT)]


@router.get("/v1/rooms", summary="My rooms")
def read_rooms(desk: TheDesk, caller: Caller, page: ThePage) -> RoomPage:
    """Oldest first."""
    return desk.read(lambda session: rooms.mine(session, caller, page, desk.clock()))


@router.get("/v1/rooms/{room}", summary="A room")
def read_room(desk: TheDesk, caller: Caller, room: RoomPath) -> RoomView:
    """All that a member may see of it."""
    return _settled(desk, caller, room, views.room_view)


@router.put("/v1/rooms/{room}/terms/{version}", summary="Propose terms")
def put_terms(desk: TheDesk, caller: Caller, room: RoomPath, version: VersionPath, signed: Signed) -> Accepted:
    """Version 1 makes the room; later versions renew or amend it. Signed by the proposer."""
    operator = Operator(key=desk.key.public, host=desk.host)

    def work(session: Session) -> Digest:
        if version == 1 and terms.reserve(session, room, caller):
            return terms.create(rooms.reserved(session, room, caller, desk.clock()), signed, operator=operator)
        entered = rooms.locked(session, room, caller, desk.clock())
        return terms.propose(entered, version, signed, operator=operator)

    return desk.write(work)


@router.put("/v1/rooms/{room}/terms/{version}/signatures/{partner}", summary="Sign terms")
def put_signature(  # noqa: PLR0913, PLR0917 - the parts of an address are parameters
    desk: TheDesk,
    caller: Caller,
    room: RoomPath,
    version: VersionPath,
    partner: PartnerPath,
    body: Annotated[SignatureBody, Body(openapi_examples=examples.SIGNATURE)],
) -> Accepted:
    """The version is in force when all members have signed."""
    return desk.write_room(room, caller, lambda entered: terms.sign(entered, version, partner, body))


@router.put("/v1/rooms/{room}/withdrawals/{partner}", summary="Decline or leave")
def put_withdrawal(desk: TheDesk, caller: Caller, room: RoomPath, partner: PartnerPath, signed: Signed) -> Accepted:
    """Leaving purges all lists, evaluations and answers of the room."""
    return desk.write_room(room, caller, lambda entered: terms.withdraw(entered, partner, signed))


@router.put(KEYS, summary="Publish an epoch key")
def put_key(desk: TheDesk, caller: Caller, at: AtEpoch, signed: Signed) -> Accepted:
    """With its proof of knowledge, for the current epoch."""
    return desk.write_room(at.room, caller, lambda room: keys.put(room, at.epoch, at.partner, signed))


@router.get("/v1/rooms/{room}/answers", summary="A room's answers")
def read_answers(desk: TheDesk, caller: Caller, room: RoomPath, page: ThePage) -> AnswerPage:
    """Oldest first, each as it was first given."""
    return _settled(desk, caller, room, lambda entered: views.answers(entered, page))


def _settled(desk: Desk, caller: PartnerId, room: RoomId, work: Callable[[EnteredRoom], T]) -> T:
    """What `work` makes of the room with the answer and the round that are due; only if one is, reading is a write."""

    def unless_due(entered: EnteredRoom) -> T | None:
        return None if overlaps.is_due(entered) or rounds.is_due(entered) else work(entered)

    def settle(entered: EnteredRoom) -> Digest:
        overlaps.settle(entered, escrow_key=desk.key)
        rounds.settle(entered)
        return Digest("0" * 64)

    found = desk.read_room(room, caller, unless_due)
    if found is not None:
        return found
    desk.write_room(room, caller, settle)
    return desk.read_room(room, caller, work)
