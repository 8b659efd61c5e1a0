"""P5: which rows of an evaluated list an answer counts. Where the terms say so, what is new waits for the next epoch.

Then an answer counts the keys that were in the epoch's first batch, under whatever handle they are now: a list that
grows inside an epoch, by guesses or by accounts, tells nothing before the next one. A correction counts the list as it
is; what one has counted goes on counting in its epoch, else the next answer would undo it.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from sqlalchemy import bindparam, func, select

from cleanroom.domain.vocabulary import PartnerId
from escrow import evaluated_rows
from escrow.counting_tables import SpendRecord
from escrow.edges import Pair
from escrow.evaluated_rows import Evaluated
from escrow.rooms import WorkingRoom
from escrow.tables import AnswerRecord, SnapshotRecord
from matching.rows import Bytes, Rows, concatenated, is_in

_CORRECTED: Final = (
    select(func.max(SnapshotRecord.number))
    .join(AnswerRecord, AnswerRecord.room == SnapshotRecord.room)
    .join(SpendRecord, (SpendRecord.room == AnswerRecord.room) & (SpendRecord.number == AnswerRecord.number))
    .where(
        SpendRecord.correction,
        SnapshotRecord.digest.in_((AnswerRecord.first, AnswerRecord.second)),
        SnapshotRecord.room == bindparam("room"),
        SnapshotRecord.epoch == bindparam("epoch"),
        SnapshotRecord.owner == bindparam("owner"),
    )
)


def states(
    room: WorkingRoom, pair: Pair, *, in_full: bool, known: Mapping[tuple[Evaluated, int], Rows]
) -> tuple[Rows, Rows]:
    """The evaluated rows of a pair that count now. `known` are states of lists that need not be read again."""
    one, two = (_state(room, snapshot, in_full=in_full, known=known) for snapshot in pair)
    return one, two


def evaluation_of(room: WorkingRoom, snapshot: SnapshotRecord) -> Evaluated:
    """Whose evaluation a snapshot's is."""
    evaluator = room.terms.other(PartnerId(snapshot.owner)).partner
    return Evaluated(room=room.id, epoch=snapshot.epoch, evaluator=evaluator)


def _state(
    room: WorkingRoom, snapshot: SnapshotRecord, *, in_full: bool, known: Mapping[tuple[Evaluated, int], Rows]
) -> Rows:
    address = evaluation_of(room, snapshot)
    state = known.get((address, snapshot.number))
    if state is None:
        state = evaluated_rows.state_after(room.session, address, snapshot.number)
    if in_full or room.terms.new_tokens.count_from == "next_answer":
        return state
    counts = _counts_from(room, snapshot)
    if counts >= snapshot.number:
        return state
    batches = evaluated_rows.batches(room.session, address, up_to=counts)
    old = concatenated([evaluated_rows.of_batch(room.session, address, batch).added() for batch in batches])
    return state.take(is_in(_keys(state), _keys(old)))


def _counts_from(room: WorkingRoom, snapshot: SnapshotRecord) -> int:
    """Up to which batch of the list its keys count: the first, or that of the epoch's newest correction."""
    place = {"room": room.id, "epoch": snapshot.epoch, "owner": snapshot.owner}
    return room.session.scalar(_CORRECTED, place) or 1


def _keys(rows: Rows) -> Bytes:
    """Tag and kind of each row: (n, 17) bytes."""
    return np.concatenate([rows.value, rows.kind[:, np.newaxis]], axis=1)
