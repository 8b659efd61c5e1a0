"""Evaluated rows as arrays: from the chunks that were uploaded to the state of a list after a batch.

Chunks are decoded one by one into arrays of the final size, so that a list of a million rows is in memory once.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cleanroom.messages.batches import CHUNK_ROWS, chunk_rows, decode
from escrow.rooms import EnteredRoom, asked_once
from escrow.tables import EvaluatedBatchRecord, EvaluatedChunk
from matching.rows import ADD, NAME_BYTES, TAG_BYTES, Rows, applied, concatenated, empty, is_in

CHUNKS_AT_ONCE: Final = 4
_MOST: Final = 2**31 - 1

_BATCHES: Final = (
    select(EvaluatedBatchRecord)
    .where(
        EvaluatedBatchRecord.room == bindparam("room"),
        EvaluatedBatchRecord.epoch == bindparam("epoch"),
        EvaluatedBatchRecord.evaluator == bindparam("evaluator"),
        EvaluatedBatchRecord.number <= bindparam("up_to"),
    )
    .order_by(EvaluatedBatchRecord.number)
)
_OF_BATCH: Final = (
    EvaluatedChunk.room == bindparam("room"),
    EvaluatedChunk.epoch == bindparam("epoch"),
    EvaluatedChunk.evaluator == bindparam("evaluator"),
    EvaluatedChunk.number == bindparam("number"),
)
_CHUNKS: Final = select(EvaluatedChunk.chunk).where(*_OF_BATCH).order_by(EvaluatedChunk.chunk)
_DATA: Final = (
    select(EvaluatedChunk.chunk, EvaluatedChunk.data)
    .where(*_OF_BATCH)
    .order_by(EvaluatedChunk.chunk)
    .execution_options(yield_per=CHUNKS_AT_ONCE)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """Whose evaluation, in which room and epoch."""

    room: str
    epoch: int
    evaluator: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Located:
    """Rows of a state, with the number of the batch that each came in and its index there (int64)."""

    rows: Rows
    batch: npt.NDArray[np.int64]
    index: npt.NDArray[np.int64]


def batches(session: Session, address: Evaluated, *, up_to: int) -> list[EvaluatedBatchRecord]:
    """What was signed of batches 1 to `up_to`, in order; those that are missing are not in it."""
    return list(session.scalars(_BATCHES, {**asdict(address), "up_to": up_to}))


@asked_once
def all_batches(room: EnteredRoom, address: Evaluated) -> tuple[EvaluatedBatchRecord, ...]:
    """What was signed of an evaluation, in order."""
    return tuple(batches(room.session, address, up_to=_MOST))


def are_complete(room: EnteredRoom, address: Evaluated, *, up_to: int) -> bool:
    """Whether all rows of batches 1 to `up_to` are here and checked."""
    found = [batch for batch in all_batches(room, address) if batch.number <= up_to]
    return len(found) == up_to and all(batch.complete for batch in found)


def chunk_indices(session: Session, address: Evaluated, number: int) -> tuple[int, ...]:
    """Which chunks of a batch are here."""
    return tuple(session.scalars(_CHUNKS, {**asdict(address), "number": number}))


def of_batch(session: Session, address: Evaluated, batch: EvaluatedBatchRecord) -> Rows:
    """The rows of a batch whose chunks are all here, in their order.

    Raises:
        BatchRefused: a chunk does not decode.
    """
    n = batch.rows
    rows = Rows(
        name=np.empty((n, NAME_BYTES), np.uint8),
        op=np.empty(n, np.uint8),
        segment=np.empty(n, np.uint8),
        kind=np.empty(n, np.uint8),
        value=np.empty((n, TAG_BYTES), np.uint8),
    )
    for index, data in _stored(session, address, batch.number):
        start, size = index * CHUNK_ROWS, chunk_rows(n, index)
        chunk = decode(data, value_bytes=TAG_BYTES, rows=size)
        for column in ("name", "op", "segment", "kind", "value"):
            getattr(rows, column)[start : start + size] = getattr(chunk, column)
    return rows


def state_after(session: Session, address: Evaluated, number: int) -> Rows:
    """The evaluated list after batches 1 to `number`, which are complete: additions only.

    Raises:
        Refusal: the batches do not follow from each other.
    """
    state = empty(TAG_BYTES)
    for batch in batches(session, address, up_to=number):
        state = applied(state, of_batch(session, address, batch))
    return state


def located_after(session: Session, address: Evaluated, number: int) -> Located:
    """As `state_after`, and where each row of the state stands in its batch."""
    state, places = empty(TAG_BYTES), np.zeros((0, 2), np.int64)
    for batch in batches(session, address, up_to=number):
        rows = of_batch(session, address, batch)
        stays = ~is_in(state.name, rows.removed())
        adds = np.flatnonzero(rows.op == ADD)
        added = np.stack([np.full(len(adds), batch.number, np.int64), adds], axis=1)
        state = concatenated([state.take(stays), rows.take(adds)])
        places = np.concatenate([places[stays], added])
    return Located(rows=state, batch=places[:, 0], index=places[:, 1])


def _stored(session: Session, address: Evaluated, number: int) -> Iterator[tuple[int, bytes]]:
    for row in session.execute(_DATA, {**asdict(address), "number": number}):
        yield row.chunk, row.data
