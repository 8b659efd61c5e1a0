"""P3 and P4 over HTTP: sealed snapshots and their evaluation. An evaluation can be put, not read."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from starlette.concurrency import run_in_threadpool

from api.service import examples
from api.service.desk import (
    AtBatch,
    AtEpoch,
    BatchAddress,
    Caller,
    Desk,
    DigestPath,
    EpochAddress,
    IndexPath,
    Nothing,
    TheDesk,
)
from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.api import Accepted, ChunkList
from cleanroom.messages.batches import MEDIA_TYPE
from cleanroom.messages.signing import SignedDocument
from escrow import evaluations, probes, rooms, snapshots
from escrow.errors import EscrowError
from escrow.rooms import EnteredRoom

SEALED = "application/octet-stream"
SNAPSHOT = "/v1/rooms/{room}/epochs/{epoch}/snapshots/{partner}/{number}"
PROBES = "/v1/rooms/{room}/epochs/{epoch}/probes/{partner}"
EVALUATION = "/v1/rooms/{room}/epochs/{epoch}/evaluations/{partner}"

router = APIRouter(tags=["lists"])

Signed = Annotated[SignedDocument, Body(openapi_examples=examples.DOCUMENT)]


def _bytes_of(media_type: str, title: str) -> dict[str, object]:
    content = {media_type: {"schema": {"type": "string", "format": "binary", "title": title}}}
    return {"requestBody": {"required": True, "content": content}}


@router.put(
    SNAPSHOT + "/chunks/{index}",
    summary="Upload a sealed chunk",
    openapi_extra=_bytes_of(SEALED, "rows, sealed to the other member"),
)
async def put_sealed_chunk(request: Request, desk: TheDesk, caller: Caller, at: AtBatch, index: IndexPath) -> Accepted:
    """Nobody sees it before its snapshot is committed."""
    data = await request.body()

    def put(room: EnteredRoom) -> Digest:
        return snapshots.put_chunk(room, at.epoch, at.number, index, data)

    return await run_in_threadpool(_write_own, desk, caller, at, put)


@router.get(SNAPSHOT + "/chunks", summary="Which chunks are here")
def read_chunk_list(desk: TheDesk, caller: Caller, at: AtBatch) -> ChunkList:
    """For their owner, to resume an upload."""

    def held(room: EnteredRoom) -> ChunkList:
        rooms.own(room, at.partner)
        return ChunkList(held=snapshots.held_chunks(room, at.epoch, at.number))

    return desk.read_room(at.room, caller, held)


@router.get(
    SNAPSHOT + "/chunks/{index}",
    response_class=Response,
    responses={200: {"description": "Sealed bytes", "content": {SEALED: {}}}},
    summary="Download a sealed chunk",
)
def read_sealed_chunk(desk: TheDesk, caller: Caller, at: AtBatch, index: IndexPath) -> Response:
    """Of a committed snapshot of the other member."""

    def chunk(room: EnteredRoom) -> bytes:
        return snapshots.chunk(room, at.epoch, at.partner, at.number, index)

    return Response(desk.read_room(at.room, caller, chunk), media_type=SEALED)


@router.put(SNAPSHOT, summary="Commit a snapshot")
def put_snapshot(desk: TheDesk, caller: Caller, at: AtBatch, signed: Signed) -> Accepted:
    """All its chunks are here. Number 1 is the whole list, later numbers are changes."""

    def commit(room: EnteredRoom) -> Digest:
        return snapshots.commit(room, at.epoch, at.number, signed, escrow_key=desk.key)

    return _write_own(desk, caller, at, commit)


@router.put(
    EVALUATION + "/batches/{number}/chunks/{index}",
    summary="Upload evaluated rows",
    openapi_extra=_bytes_of(MEDIA_TYPE, "Arrow IPC stream of rows with tags"),
)
async def put_evaluated_chunk(
    request: Request, desk: TheDesk, caller: Caller, at: AtBatch, index: IndexPath
) -> Accepted:
    """Once both sides' roots for the same pair of snapshots are here."""
    data = await request.body()

    def put(room: EnteredRoom) -> Digest:
        return evaluations.put_chunk(room, at.epoch, at.number, index, data)

    return await run_in_threadpool(_write_own, desk, caller, at, put)


@router.put(EVALUATION + "/batches/{number}", summary="Complete an evaluated batch")
def put_batch(
    desk: TheDesk,
    caller: Caller,
    at: AtBatch,
    _: Nothing,
) -> Accepted:
    """The rows are checked against the signed root and the snapshot's shapes; if they fail, they are dropped."""

    def complete(room: EnteredRoom) -> Digest | EscrowError:
        return evaluations.complete(room, at.epoch, at.number, escrow_key=desk.key)

    return _write_own(desk, caller, at, complete)


@router.put(EVALUATION + "/{of}/{against}", summary="Sign an evaluation")
def put_evaluation(  # noqa: PLR0913, PLR0917 - the parts of an address are parameters
    desk: TheDesk, caller: Caller, at: AtEpoch, of: DigestPath, against: DigestPath, signed: Signed
) -> Accepted:
    """The roots, before any row."""

    def put(room: EnteredRoom) -> Digest:
        return evaluations.put(room, at.epoch, (of, against), signed)

    return _write_own(desk, caller, at, put)


@router.put(PROBES, summary="Tell one's probes")
def put_probes(desk: TheDesk, caller: Caller, at: AtEpoch, signed: Signed) -> Accepted:
    """Once the other member has evaluated the batch that they are in."""

    def put(room: EnteredRoom) -> Digest:
        return probes.put(room, at.epoch, at.partner, signed, escrow_key=desk.key)

    return _write_own(desk, caller, at, put)


def _write_own(
    desk: Desk,
    caller: PartnerId,
    at: EpochAddress | BatchAddress,
    work: Callable[[EnteredRoom], Digest | EscrowError],
) -> Accepted:
    """Do one write at an address of the caller's own."""

    def checked(room: EnteredRoom) -> Digest | EscrowError:
        rooms.own(room, at.partner)
        return work(room)

    return desk.write_room(at.room, caller, checked)
