"""P3: sealed chunks, and committing a snapshot of them. The escrow opens no chunk; it checks what is said of it."""

from typing import Final

from sqlalchemy import func, select

from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.batches import MAX_BYTES, chunk_count
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import SnapshotCommitted
from cleanroom.messages.lists import Snapshot
from cleanroom.messages.signing import SignedDocument
from escrow import keys, ledger, overlaps, purge, rooms
from escrow.addresses import digest_of_bytes, is_repeat
from escrow.errors import ChunksMissing, NotFound, OutOfOrder, QuotaExceeded, ShapeTooRare, SnapshotRefused
from escrow.identity import EscrowKey
from escrow.rooms import EnteredRoom, WorkingRoom
from escrow.tables import SealedChunk, SnapshotRecord
from matching.disclosure.bands import band

MAX_SEALED_BYTES: Final = MAX_BYTES + 4096
MAX_CHUNKS: Final = 100_000


def put_chunk(entered: EnteredRoom, epoch: int, number: int, index: int, data: bytes) -> Digest:
    """Keep a sealed chunk of the caller's next snapshot. Nobody sees it before the snapshot is committed.

    Raises:
        Conflict: another chunk is at this address.
        EpochNotCurrent, OutOfOrder: it is not for the next snapshot of this epoch.
        SnapshotRefused: it is empty, or too large.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    digest = digest_of_bytes(data)
    session, address = entered.session, (entered.id, epoch, entered.caller, number, index)
    held = session.get(SealedChunk, address)
    if is_repeat(held.digest if held else None, digest):
        return digest
    room = rooms.working(entered)
    keys.require_current(room, epoch)
    if number != _last_number(room, epoch) + 1:
        raise OutOfOrder("snapshot: chunks are accepted for the next one only")
    if not 0 < len(data) <= MAX_SEALED_BYTES or index >= MAX_CHUNKS:
        raise SnapshotRefused("snapshot: no chunk has this size or place")
    session.add(
        SealedChunk(room=room.id, epoch=epoch, owner=room.caller, number=number, chunk=index, digest=digest, data=data)
    )
    return digest


def held_chunks(room: EnteredRoom, epoch: int, number: int) -> tuple[Digest, ...]:
    """The digests of the caller's chunks that are here, in their order."""
    return tuple(Digest(digest) for _, digest in _chunks(room, epoch, number))


def chunk(room: EnteredRoom, epoch: int, owner: PartnerId, number: int, index: int) -> bytes:
    """A chunk of the other member's committed snapshot. Raises NotFound."""
    session = room.session
    committed = session.get(SnapshotRecord, (room.id, epoch, owner, number))
    if owner == room.caller or committed is None:
        raise NotFound
    query = select(SealedChunk.data).where(
        SealedChunk.room == room.id,
        SealedChunk.epoch == epoch,
        SealedChunk.owner == owner,
        SealedChunk.number == number,
        SealedChunk.chunk == index,
    )
    data = session.scalar(query)
    if data is None:
        raise NotFound
    return data


def commit(entered: EnteredRoom, epoch: int, number: int, signed: SignedDocument, *, escrow_key: EscrowKey) -> Digest:
    """Commit the caller's next snapshot, and with the first one of an epoch forget the epochs before.

    Raises:
        DocumentRefused: the document is not what it must be.
        Conflict: another snapshot has this number.
        EpochNotCurrent, OutOfOrder, ChunksMissing, SnapshotRefused, ShapeTooRare, QuotaExceeded: a rule is broken.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    digest = signed.digest()
    held = entered.session.get(SnapshotRecord, (entered.id, epoch, entered.caller, number))
    if is_repeat(held.digest if held else None, digest):
        return digest
    room = rooms.working(entered)
    snapshot = room.opened(Snapshot, signed)
    _check_place(room, epoch, number, snapshot)
    _check_shapes(room, snapshot)
    announced = list(enumerate(snapshot.chunks))
    if len(announced) != chunk_count(snapshot.rows) or _chunks(room, epoch, number) != announced:
        raise ChunksMissing("snapshot: its chunks are not those that are here")
    # An answer that is due is given before anything it rests on goes away.
    overlaps.settle(room, escrow_key=escrow_key)
    room.session.add(
        SnapshotRecord(
            room=room.id,
            epoch=epoch,
            owner=room.caller,
            number=number,
            digest=digest,
            rows=snapshot.rows,
            signed=signed.model_dump_json(),
            committed_at=room.now,
        )
    )
    room.session.flush()
    _begin(room, epoch, number)
    ledger.enter(
        room,
        SnapshotCommitted(
            at=instant(room.now),
            document=digest,
            entries=band(sum(shape.entries for shape in snapshot.shapes)),
            epoch=epoch,
            number=number,
            owner=room.caller,
        ),
    )
    rooms.touched(room)
    return digest


def _check_place(room: WorkingRoom, epoch: int, number: int, snapshot: Snapshot) -> None:
    if (snapshot.room, snapshot.epoch, snapshot.owner, snapshot.number) != (room.id, epoch, room.caller, number):
        raise SnapshotRefused("snapshot: room, epoch, owner and number differ from the address")
    if snapshot.terms not in room.accepted:
        raise SnapshotRefused("snapshot: made under other terms")
    keys.require_current(room, epoch)
    last = _last(room, epoch)
    if (number, snapshot.previous) != ((last.number + 1, last.digest) if last else (1, "")):
        raise OutOfOrder("snapshot: it does not follow the newest one")
    key = keys.of(room, epoch, room.caller)
    if key is None or key.key != snapshot.key:
        raise SnapshotRefused("snapshot: not under the owner's key of this epoch")
    rooms.not_in_the_future(snapshot.created, room, SnapshotRefused)


def _check_shapes(room: WorkingRoom, snapshot: Snapshot) -> None:
    terms, shapes = room.terms, [(shape.segment, shape.keys) for shape in snapshot.shapes]
    if shapes != sorted(set(shapes)):
        raise SnapshotRefused("snapshot: shapes are sorted and do not repeat")
    for place, shape in enumerate(snapshot.shapes):
        fits = shape.segment < len(terms.segments) and len(shape.keys) == len(terms.kinds) and any(shape.keys)
        if not fits:
            raise SnapshotRefused(f"snapshot: shape {place}: not one that these terms allow")
        if shape.entries < terms.minimum_population:
            raise ShapeTooRare(f"snapshot: shape {place}: fewer entries than the minimum population")
    entries = sum(shape.entries for shape in snapshot.shapes)
    if entries > terms.quota + terms.probes:
        raise QuotaExceeded("snapshot: more entries than the terms' quota")
    rows = sum(shape.entries * sum(shape.keys) for shape in snapshot.shapes)
    if snapshot.number == 1 and rows != snapshot.rows:
        raise SnapshotRefused("snapshot: its shapes do not add up to its rows")


def _begin(room: WorkingRoom, epoch: int, number: int) -> None:
    """What the first snapshot of an epoch, or of a room, brings with it."""
    others = select(func.max(SnapshotRecord.epoch)).where(
        SnapshotRecord.room == room.id, SnapshotRecord.owner == room.other.partner
    )
    newest_of_other = room.session.scalar(others)
    if room.row.anchor is None and newest_of_other is not None:
        room.row.anchor = room.now
    if number > 1:
        return
    if newest_of_other == epoch:
        purge.epochs_before(room, epoch)
    else:
        purge.epochs_of_one_before(room, room.caller, epoch)


def _last(room: EnteredRoom, epoch: int) -> SnapshotRecord | None:
    query = (
        select(SnapshotRecord)
        .where(SnapshotRecord.room == room.id, SnapshotRecord.epoch == epoch, SnapshotRecord.owner == room.caller)
        .order_by(SnapshotRecord.number.desc())
        .limit(1)
    )
    return room.session.scalar(query)


def _last_number(room: EnteredRoom, epoch: int) -> int:
    last = _last(room, epoch)
    return last.number if last else 0


def _chunks(room: EnteredRoom, epoch: int, number: int) -> list[tuple[int, str]]:
    query = (
        select(SealedChunk.chunk, SealedChunk.digest)
        .where(
            SealedChunk.room == room.id,
            SealedChunk.epoch == epoch,
            SealedChunk.owner == room.caller,
            SealedChunk.number == number,
        )
        .order_by(SealedChunk.chunk)
    )
    return [(row.chunk, row.digest) for row in room.session.execute(query)]
