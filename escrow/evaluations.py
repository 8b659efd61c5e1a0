"""P4: what one member made of the other's list: signed roots first, then rows, then the check that they fit."""

import numpy as np
from sqlalchemy import delete, select
from sqlalchemy.orm import aliased

from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.batches import BatchRefused, chunk_count, chunk_rows, decode
from cleanroom.messages.documents import instant, read_document
from cleanroom.messages.entries import EvaluationDelivered, EvaluationSigned
from cleanroom.messages.lists import Evaluation, Snapshot
from cleanroom.messages.signing import SignedDocument
from escrow import evaluated_rows, keys, ledger, overlaps, rooms, rounds
from escrow.addresses import digest_of_bytes, is_repeat
from escrow.errors import (
    AnotherRoot,
    ChunksMissing,
    EscrowError,
    EvaluationRefused,
    HistogramDiffers,
    NotFound,
    OutOfOrder,
    RepeatedTags,
    RootDiffers,
    RootOfOtherSideMissing,
    RowsRefused,
)
from escrow.evaluated_rows import Evaluated
from escrow.identity import EscrowKey
from escrow.rooms import EnteredRoom, WorkingRoom
from escrow.tables import EvaluatedBatchRecord, EvaluatedChunk, EvaluationRecord, SnapshotRecord
from matching import merkle
from matching.histogram import Shape, moved
from matching.refusal import Refusal
from matching.rows import TAG_BYTES, Bytes, Rows, applied, is_in, order_of, words_of


def put(entered: EnteredRoom, epoch: int, pair: tuple[Digest, Digest], signed: SignedDocument) -> Digest:
    """Keep the caller's signed roots for the pair (of, against) of snapshots.

    Raises:
        DocumentRefused, EvaluationRefused: the document is not what it must be.
        AnotherRoot: it signs another root than before for a batch.
        Conflict: another document is at this address.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    digest = signed.digest()
    if is_repeat(_held(entered, epoch, pair), digest):
        return digest
    room = rooms.working(entered)
    evaluation = room.opened(Evaluation, signed)
    _check(room, epoch, pair, evaluation)
    _sign_batches(room, evaluation)
    room.session.add(
        EvaluationRecord(
            room=room.id,
            epoch=epoch,
            evaluator=room.caller,
            of=evaluation.of,
            against=evaluation.against,
            covers=len(evaluation.batches),
            digest=digest,
            signed=signed.model_dump_json(),
        )
    )
    ledger.enter(
        room,
        EvaluationSigned(
            at=instant(room.now),
            against=evaluation.against,
            document=digest,
            epoch=epoch,
            evaluator=room.caller,
            of=evaluation.of,
        ),
    )
    rooms.touched(room)
    return digest


def put_chunk(entered: EnteredRoom, epoch: int, number: int, index: int, data: bytes) -> Digest:
    """Keep a chunk of evaluated rows.

    Raises:
        NotFound: the caller signed no such batch.
        RootOfOtherSideMissing: not both sides' roots are here for a pair of snapshots that includes this batch.
        BatchRefused, RowsRefused: the bytes are not such rows, or not sorted.
        Conflict: another chunk is at this address.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    digest = digest_of_bytes(data)
    held = entered.session.get(EvaluatedChunk, (entered.id, epoch, entered.caller, number, index))
    if is_repeat(held.digest if held else None, digest):
        return digest
    room = rooms.working(entered)
    _require_both_roots(room, epoch, number)
    batch = _batch(room, epoch, number)
    rows = decode(data, value_bytes=TAG_BYTES, rows=chunk_rows(batch.rows, index))
    try:
        rows.well_formed(segments=len(room.terms.segments), kinds=len(room.terms.kinds))
    except Refusal as refusal:
        raise BatchRefused(f"batch: {refusal}") from None
    if not _is_sorted(rows):
        raise RowsRefused("rows: not sorted by pseudonym, removals first")
    room.session.add(
        EvaluatedChunk(
            room=room.id, epoch=epoch, evaluator=room.caller, number=number, chunk=index, digest=digest, data=data
        )
    )
    return digest


def complete(entered: EnteredRoom, epoch: int, number: int, *, escrow_key: EscrowKey) -> Digest | EscrowError:
    """Check a batch as a whole; it then counts. An answer that this makes possible is given in the same transaction.

    Returns:
        The batch's root; or why its rows are refused: then they are dropped, which must be committed, so this is
        returned and not raised.

    Raises:
        NotFound: the caller signed no such batch.
        OutOfOrder: an earlier batch is not complete.
        ChunksMissing: not all chunks are here.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    batch = _batch(entered, epoch, number)
    if batch.complete:
        return Digest(batch.root)
    room = rooms.working(entered)
    address = _address(room, epoch)
    if not evaluated_rows.are_complete(room, address, up_to=number - 1):
        raise OutOfOrder("evaluation: an earlier batch is not complete")
    if len(evaluated_rows.chunk_indices(room.session, address, number)) != chunk_count(batch.rows):
        raise ChunksMissing("evaluation: not all chunks of this batch are here")
    after = _checked(room, address, batch)
    refusal = after if isinstance(after, EscrowError) else None
    if not isinstance(after, EscrowError):
        batch.complete = True
        room.session.flush()
        entry = EvaluationDelivered(
            at=instant(room.now), epoch=epoch, evaluator=room.caller, number=number, root=batch.root
        )
        ledger.enter(room, entry)
        overlaps.settle(room, escrow_key=escrow_key, known={(address, number): after})
        rounds.settle(room)
    else:
        _drop_chunks(room, address, number)
    rooms.touched(room)
    return refusal or Digest(batch.root)


def _checked(room: WorkingRoom, address: Evaluated, batch: EvaluatedBatchRecord) -> Rows | EscrowError:
    """The evaluated list after a batch; or why its rows are not what they must be."""
    rows = evaluated_rows.of_batch(room.session, address, batch)
    if merkle.root(rows.leaves(), rows.leaf_width).hex() != batch.root:
        return RootDiffers("evaluation: the rows are not those whose root was signed")
    if not _is_sorted(rows):
        return RowsRefused("rows: not sorted by pseudonym, removals first")
    try:
        before = evaluated_rows.state_after(room.session, address, batch.number - 1)
        after = applied(before, rows)
        # The evaluation of the batch before was complete, so it had the shapes that were signed.
        shown = _shapes(room, address, batch.number - 1) if batch.number > 1 else {}
        shapes = moved(shown, before, rows, len(room.terms.kinds))
    except Refusal as refusal:
        return RowsRefused(f"rows: {refusal.rule}")
    added = rows.added()
    kept = after.take(slice(len(after) - len(added)))
    if order_of(*words_of(added.value), added.kind)[1].any() or is_in(_tagged(added), _tagged(kept)).any():
        return RepeatedTags("rows: two carry the same tag")
    if _shapes(room, address, batch.number) != shapes:
        return HistogramDiffers("evaluation: its shapes are not those of the list's snapshot")
    return after


def _tagged(rows: Rows) -> Bytes:
    """Tag and kind of each row: (n, 17) bytes."""
    return np.concatenate([rows.value, rows.kind[:, np.newaxis]], axis=1)


def _shapes(room: WorkingRoom, address: Evaluated, number: int) -> dict[Shape, int]:
    """The shapes that the list's owner signed with a batch."""
    query = select(SnapshotRecord.signed).where(
        SnapshotRecord.room == room.id,
        SnapshotRecord.epoch == address.epoch,
        SnapshotRecord.owner == room.other.partner,
        SnapshotRecord.number == number,
    )
    committed = SignedDocument.model_validate_json(room.session.scalars(query).one())
    snapshot = read_document(Snapshot, committed.document)
    return {(shape.segment, shape.keys): shape.entries for shape in snapshot.shapes}


def _check(room: WorkingRoom, epoch: int, pair: tuple[Digest, Digest], evaluation: Evaluation) -> None:
    if (evaluation.room, evaluation.epoch, (evaluation.of, evaluation.against)) != (room.id, epoch, pair):
        raise EvaluationRefused("evaluation: room, epoch and pair differ from the address")
    if (evaluation.evaluator, evaluation.owner) != (room.caller, room.other.partner):
        raise EvaluationRefused("evaluation: not the caller's of the other member's list")
    if evaluation.terms not in room.accepted:
        raise EvaluationRefused("evaluation: made under other terms")
    key = keys.of(room, epoch, room.caller)
    if key is None or key.key != evaluation.key:
        raise EvaluationRefused("evaluation: not under the evaluator's key of this epoch")
    rooms.not_in_the_future(evaluation.created, room, EvaluationRefused)
    theirs, mine = _snapshots(room, epoch, room.other.partner), _snapshots(room, epoch, room.caller)
    of = next((snapshot for snapshot in theirs if snapshot.digest == evaluation.of), None)
    if of is None or evaluation.against not in {snapshot.digest for snapshot in mine}:
        raise EvaluationRefused("evaluation: not of two snapshots that are committed in this epoch")
    announced = [(batch.number, batch.rows) for batch in evaluation.batches]
    if announced != [(snapshot.number, snapshot.rows) for snapshot in theirs[: of.number]]:
        raise EvaluationRefused("evaluation: its batches are not those of the snapshot")


def _sign_batches(room: WorkingRoom, evaluation: Evaluation) -> None:
    address = _address(room, evaluation.epoch)
    known = {batch.number: batch.root for batch in evaluated_rows.all_batches(room, address)}
    for batch in evaluation.batches:
        if known.get(batch.number, batch.root) != batch.root:
            raise AnotherRoot(f"evaluation: batch {batch.number}: another root was signed before")
        if batch.number not in known:
            room.session.add(
                EvaluatedBatchRecord(
                    room=room.id,
                    epoch=evaluation.epoch,
                    evaluator=room.caller,
                    number=batch.number,
                    rows=batch.rows,
                    root=batch.root,
                    complete=False,
                )
            )


def _require_both_roots(room: WorkingRoom, epoch: int, number: int) -> None:
    mine, theirs = aliased(EvaluationRecord), aliased(EvaluationRecord)
    query = (
        select(mine.seq)
        .join(
            theirs,
            (theirs.room == mine.room)
            & (theirs.epoch == mine.epoch)
            & (theirs.of == mine.against)
            & (theirs.against == mine.of),
        )
        .where(
            mine.room == room.id,
            mine.epoch == epoch,
            mine.evaluator == room.caller,
            theirs.evaluator == room.other.partner,
            mine.covers >= number,
        )
        .limit(1)
    )
    if room.session.scalar(query) is None:
        raise RootOfOtherSideMissing("evaluation: rows come after both sides' roots for the same pair of snapshots")


def _batch(room: EnteredRoom, epoch: int, number: int) -> EvaluatedBatchRecord:
    batch = room.session.get(EvaluatedBatchRecord, (room.id, epoch, room.caller, number))
    if batch is None:
        raise NotFound
    return batch


def _held(room: EnteredRoom, epoch: int, pair: tuple[Digest, Digest]) -> str | None:
    query = select(EvaluationRecord.digest).where(
        EvaluationRecord.room == room.id,
        EvaluationRecord.epoch == epoch,
        EvaluationRecord.evaluator == room.caller,
        EvaluationRecord.of == pair[0],
        EvaluationRecord.against == pair[1],
    )
    return room.session.scalar(query)


def _snapshots(room: WorkingRoom, epoch: int, owner: PartnerId) -> list[SnapshotRecord]:
    query = (
        select(SnapshotRecord)
        .where(SnapshotRecord.room == room.id, SnapshotRecord.epoch == epoch, SnapshotRecord.owner == owner)
        .order_by(SnapshotRecord.number)
    )
    return list(room.session.scalars(query))


def _drop_chunks(room: WorkingRoom, address: Evaluated, number: int) -> None:
    room.session.execute(
        delete(EvaluatedChunk).where(
            EvaluatedChunk.room == address.room,
            EvaluatedChunk.epoch == address.epoch,
            EvaluatedChunk.evaluator == address.evaluator,
            EvaluatedChunk.number == number,
        )
    )


def _address(room: EnteredRoom, epoch: int) -> Evaluated:
    return Evaluated(room=room.id, epoch=epoch, evaluator=room.caller)


def _is_sorted(rows: Rows) -> bool:
    """Whether rows are ordered by name, and removals come before additions of the same name."""
    words = np.ascontiguousarray(rows.name).view(">u8")
    high, low, op = words[:, 0], words[:, 1], rows.op
    same_high, same_low = high[1:] == high[:-1], low[1:] == low[:-1]
    later = (high[1:] > high[:-1]) | (same_high & (low[1:] > low[:-1])) | (same_high & same_low & (op[1:] >= op[:-1]))
    return bool(later.all())
