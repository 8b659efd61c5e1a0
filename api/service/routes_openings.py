"""P7 over HTTP: evidence out, openings in; the other side's opening once both are here."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from api.service import examples
from api.service.desk import Caller, IndexPath, Nothing, PartnerPath, RoomPath, TheDesk
from cleanroom.domain.vocabulary import Digest
from cleanroom.messages.api import Accepted
from cleanroom.messages.signing import SignedDocument
from escrow import openings, rooms
from escrow.rooms import EnteredRoom

BYTES = "application/octet-stream"
ROUND = "/v1/rooms/{room}/rounds/{number}"
OPENING = ROUND + "/openings/{partner}"

router = APIRouter(tags=["openings"])

Signed = Annotated[SignedDocument, Body(openapi_examples=examples.DOCUMENT)]
RoundPath = Annotated[int, Path(ge=1, le=2**31 - 1, description="round of opening, from 1")]
_PART = {
    "requestBody": {
        "required": True,
        "content": {BYTES: {"schema": {"type": "string", "format": "binary", "title": "rows of an opening"}}},
    }
}


@router.get(ROUND + "/evidence/{index}", summary="Why I should open", response_class=Response)
def read_evidence(desk: TheDesk, caller: Caller, room: RoomPath, number: RoundPath, index: IndexPath) -> Response:
    """The other side's rows that match mine, with their paths."""
    data = desk.read_room(room, caller, lambda entered: openings.evidence_chunk(entered, number, index))
    return Response(data, media_type=BYTES)


@router.put(OPENING + "/parts/{index}", summary="Upload a part of an opening", openapi_extra=_PART)
async def put_part(  # noqa: PLR0913, PLR0917 - the parts of an address are parameters
    request: Request,
    desk: TheDesk,
    caller: Caller,
    room: RoomPath,
    number: RoundPath,
    partner: PartnerPath,
    index: IndexPath,
) -> Accepted:
    """Of the opening that is on record. Nobody sees it before both are here."""
    data = await request.body()

    def put(entered: EnteredRoom) -> Digest:
        rooms.own(entered, partner)
        return openings.put_part(entered, number, index, data)

    return await run_in_threadpool(desk.write_room, room, caller, put)


@router.put(OPENING, summary="Put an opening on record")
def put_opening(  # noqa: PLR0913, PLR0917 - the parts of an address are parameters
    desk: TheDesk, caller: Caller, room: RoomPath, number: RoundPath, partner: PartnerPath, signed: Signed
) -> Accepted:
    """Before any part of it. Until it is delivered, another one may take its place."""
    return desk.write_room(room, caller, lambda entered: openings.record(entered, number, partner, signed))


@router.put(OPENING + "/delivery", summary="Deliver an opening")
def put_delivery(
    desk: TheDesk, caller: Caller, room: RoomPath, number: RoundPath, partner: PartnerPath, _: Nothing
) -> Accepted:
    """All its parts are here. Checked as a whole: complete, proven, and under policies still in force."""
    # The proofs take seconds: whoever writes meanwhile, in this room or another, does not wait for them.
    checked = desk.read_room(room, caller, lambda entered: openings.check(entered, number, partner))
    return desk.write_room(room, caller, lambda entered: openings.deliver(entered, checked))


@router.get(OPENING, summary="An opening")
def read_opening(
    desk: TheDesk, caller: Caller, room: RoomPath, number: RoundPath, partner: PartnerPath
) -> SignedDocument:
    """Once both are here."""
    return desk.read_room(room, caller, lambda entered: openings.read(entered, number, partner))


@router.get(OPENING + "/parts/{index}", summary="A part of an opening", response_class=Response)
def read_part(  # noqa: PLR0913, PLR0917 - the parts of an address are parameters
    desk: TheDesk, caller: Caller, room: RoomPath, number: RoundPath, partner: PartnerPath, index: IndexPath
) -> Response:
    """Once both openings are here."""
    data = desk.read_room(room, caller, lambda entered: openings.read_part(entered, number, partner, index))
    return Response(data, media_type=BYTES)
