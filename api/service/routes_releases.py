"""P9 over HTTP: sealed releases, and notices between the members."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Body, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from api.service import examples
from api.service.desk import AtBatch, BatchAddress, Caller, Desk, Nothing, NumberPath, PartnerPath, RoomPath, TheDesk
from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.api import Accepted, NoticeBody
from cleanroom.messages.releases import MOST_BATCHES
from cleanroom.messages.signing import SignedDocument
from escrow import notices, releases, rooms
from escrow.rooms import EnteredRoom

SEALED = "application/octet-stream"
RELEASE = "/v1/rooms/{room}/epochs/{epoch}/releases/{partner}/{number}"

router = APIRouter(tags=["releases"])

Signed = Annotated[SignedDocument, Body(openapi_examples=examples.DOCUMENT)]
BatchPath = Annotated[int, Path(ge=0, lt=MOST_BATCHES, description="sealed batch, from 0")]


@router.put(
    RELEASE + "/batches/{batch}",
    summary="Upload a sealed batch",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {SEALED: {"schema": {"type": "string", "format": "binary", "title": "fields, sealed"}}},
        }
    },
)
async def put_release_batch(request: Request, desk: TheDesk, caller: Caller, at: AtBatch, batch: BatchPath) -> Accepted:
    """Of the release that is on record. Nobody sees it before that is delivered."""
    data = await request.body()

    def put(room: EnteredRoom) -> Digest:
        return releases.put_batch(room, at.epoch, at.number, batch, data)

    return await run_in_threadpool(_write_own, desk, caller, at, put)


@router.get(
    RELEASE + "/batches/{batch}",
    response_class=Response,
    responses={200: {"description": "Sealed bytes", "content": {SEALED: {}}}},
    summary="Download a sealed batch",
)
def read_release_batch(desk: TheDesk, caller: Caller, at: AtBatch, batch: BatchPath) -> Response:
    """Of a release of the other member, once both sides have released and while their policies are in force."""

    def found(room: EnteredRoom) -> bytes:
        return releases.batch(room, at.epoch, at.partner, at.number, batch)

    return Response(desk.read_room(at.room, caller, found), media_type=SEALED)


@router.put(RELEASE, summary="Put a release on record")
def put_release(desk: TheDesk, caller: Caller, at: AtBatch, signed: Signed) -> Accepted:
    """Before any batch of it. Until it is delivered, another one may take its place."""

    def record(room: EnteredRoom) -> Digest:
        return releases.record(room, at.epoch, at.number, signed)

    return _write_own(desk, caller, at, record)


@router.put(RELEASE + "/delivery", summary="Deliver a release")
def put_delivery(desk: TheDesk, caller: Caller, at: AtBatch, _: Nothing) -> Accepted:
    """All its batches are here. The other member reads it once it has released as much itself."""

    def deliver(room: EnteredRoom) -> Digest:
        return releases.deliver(room, at.epoch, at.number)

    return _write_own(desk, caller, at, deliver)


@router.put("/v1/rooms/{room}/notices/{partner}/{number}", summary="Send words to the other member")
def put_notice(  # noqa: PLR0913, PLR0917 - the parts of an address are parameters
    desk: TheDesk, caller: Caller, room: RoomPath, partner: PartnerPath, number: NumberPath, body: NoticeBody
) -> Accepted:
    """Requests, disputes and their resolutions: signed, their words sealed."""

    def put(entered: EnteredRoom) -> Digest:
        rooms.own(entered, partner)
        return notices.put(entered, number, body)

    return desk.write_room(room, caller, put)


def _write_own(desk: Desk, caller: PartnerId, at: BatchAddress, work: Callable[[EnteredRoom], Digest]) -> Accepted:
    """Do one write at an address of the caller's own."""

    def checked(room: EnteredRoom) -> Digest:
        rooms.own(room, at.partner)
        return work(room)

    return desk.write_room(at.room, caller, checked)
