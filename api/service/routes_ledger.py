"""P10 over HTTP: the logs of a room and of the operator, as c2sp.org/tlog-tiles lays them out, and who has cosigned.

A room's log is for its members, the operator's for every partner. Every request is signed, so no cache between the two
sides will do; what never changes says so to the reader's own.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.service.desk import Caller, Desk, PartnerPath, RoomPath, TheDesk
from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.api import Accepted, LogView
from cleanroom.messages.notes import CheckpointRefused
from escrow import ledger, witnesses
from escrow.errors import NotFound
from escrow.ledger import HIGHEST_LEVEL, OPERATOR
from escrow.rooms import EnteredRoom

NOTE: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"
FOR_EVER: Final = {"Cache-Control": "private, immutable, max-age=31536000"}
NOT_KEPT: Final = {"Cache-Control": "no-cache"}
ROOM: Final = "/v1/rooms/{room}/log"
ESCROW: Final = "/v1/log"

router = APIRouter(tags=["ledger"])

LevelPath = Annotated[int, Path(ge=0, le=HIGHEST_LEVEL, description="level of the tile")]
NamePath = Annotated[str, Path(description="number of the tile, `.p/W` if not full", examples=["x001/234.p/56"])]
BundleQuery = Annotated[int, Query(ge=0, le=2**40, description="number of the bundle of entries")]
_COSIGNED = {
    "requestBody": {
        "required": True,
        "content": {"text/plain": {"schema": {"type": "string", "title": "a checkpoint, cosigned"}}},
    }
}


@router.get(ROOM, summary="A look at a room's log")
def read_log(desk: TheDesk, caller: Caller, room: RoomPath, bundle: BundleQuery = 0) -> LogView:
    """What an agent looks at each time, at one moment: its checkpoint, what the other member has cosigned, a bundle."""
    return desk.read_room(room, caller, lambda entered: witnesses.look(entered, bundle, escrow_key=desk.key))


@router.get(ROOM + "/checkpoint", summary="A room's log, as it is", response_class=Response)
def read_checkpoint(desk: TheDesk, caller: Caller, room: RoomPath) -> Response:
    """Signed now, with the members' cosignatures of exactly this."""
    return _note(
        desk.read_room(
            room,
            caller,
            lambda entered: str(
                witnesses.checkpoint(entered.session, ledger.of_room(room), escrow_key=desk.key, now=entered.now)
            ),
        )
    )


@router.get(ROOM + "/tile/entries/{name:path}", summary="Entries of a room's log", response_class=Response)
def read_entries(desk: TheDesk, caller: Caller, room: RoomPath, name: NamePath) -> Response:
    """Up to 256, each behind its length (16 bits, big-endian)."""
    log = ledger.of_room(room)
    return _bytes(desk.read_room(room, caller, lambda entered: ledger.bundle(entered.session, log, name)))


@router.get(ROOM + "/tile/{level}/{name:path}", summary="Hashes of a room's log", response_class=Response)
def read_tile(desk: TheDesk, caller: Caller, room: RoomPath, level: LevelPath, name: NamePath) -> Response:
    """Up to 256 of 32 bytes."""
    log = ledger.of_room(room)
    return _bytes(desk.read_room(room, caller, lambda entered: ledger.tile(entered.session, log, level, name)))


@router.put(ROOM + "/cosignatures/{partner}", summary="Cosign a room's log", openapi_extra=_COSIGNED)
async def put_cosignature(
    request: Request, desk: TheDesk, caller: Caller, room: RoomPath, partner: PartnerPath
) -> Accepted:
    """A checkpoint with the escrow's signatures and the caller's. It takes the place of the caller's one before."""
    text = _text(await request.body())

    def put(entered: EnteredRoom) -> Digest:
        return witnesses.cosign(
            entered.session, ledger.of_room(room), partner, text, escrow_key=desk.key, now=entered.now
        )

    _require_own(caller, partner)
    return await run_in_threadpool(desk.write_room, room, caller, put)


@router.get(ROOM + "/cosignatures/{partner}", summary="What a member has cosigned", response_class=Response)
def read_cosignature(desk: TheDesk, caller: Caller, room: RoomPath, partner: PartnerPath) -> Response:
    """Its newest, as it sent it."""
    log = ledger.of_room(room)
    return _note(desk.read_room(room, caller, lambda entered: witnesses.witnessed(entered.session, log, partner)))


@router.get(ESCROW + "/checkpoint", summary="The operator's log, as it is", response_class=Response)
def read_operators_checkpoint(desk: TheDesk) -> Response:
    """Signed now, with partners' cosignatures of exactly this."""
    return _note(
        desk.read(lambda session: str(witnesses.checkpoint(session, OPERATOR, escrow_key=desk.key, now=desk.clock())))
    )


@router.get(ESCROW + "/tile/entries/{name:path}", summary="Entries of the operator's log", response_class=Response)
def read_operators_entries(desk: TheDesk, name: NamePath) -> Response:
    """Up to 256, each behind its length (16 bits, big-endian)."""
    return _bytes(desk.read(lambda session: ledger.bundle(session, OPERATOR, name)))


@router.get(ESCROW + "/tile/{level}/{name:path}", summary="Hashes of the operator's log", response_class=Response)
def read_operators_tile(desk: TheDesk, level: LevelPath, name: NamePath) -> Response:
    """Up to 256 of 32 bytes."""
    return _bytes(desk.read(lambda session: ledger.tile(session, OPERATOR, level, name)))


@router.put(ESCROW + "/cosignatures/{partner}", summary="Cosign the operator's log", openapi_extra=_COSIGNED)
async def put_operators_cosignature(request: Request, desk: TheDesk, caller: Caller, partner: PartnerPath) -> Accepted:
    """A checkpoint with the escrow's signatures and the caller's. It takes the place of the caller's one before."""
    text = _text(await request.body())
    _require_own(caller, partner)
    return await run_in_threadpool(_cosign_operators, desk, partner, text)


@router.get(ESCROW + "/cosignatures/{partner}", summary="What a partner has cosigned", response_class=Response)
def read_operators_cosignature(desk: TheDesk, partner: PartnerPath) -> Response:
    """Its newest, as it sent it."""
    return _note(desk.read(lambda session: witnesses.witnessed(session, OPERATOR, partner)))


def _cosign_operators(desk: Desk, partner: PartnerId, text: str) -> Accepted:
    return desk.write(
        lambda session: witnesses.cosign(session, OPERATOR, partner, text, escrow_key=desk.key, now=desk.clock())
    )


def _require_own(caller: PartnerId, partner: PartnerId) -> None:
    if partner != caller:
        raise NotFound


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise CheckpointRefused("checkpoint: not in UTF-8") from None


def _note(text: str) -> Response:
    return Response(text, media_type=NOTE, headers=NOT_KEPT)


def _bytes(data: bytes) -> Response:
    return Response(data, media_type=BYTES, headers=FOR_EVER)
