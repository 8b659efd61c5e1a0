"""What the escrow forgets, and when: at the end of an epoch, and at once when a member leaves."""

from typing import Final

from sqlalchemy import delete

from cleanroom.domain.vocabulary import PartnerId
from escrow.rooms import EnteredRoom
from escrow.tables import (
    AnswerRecord,
    EpochKeyRecord,
    EvaluatedBatchRecord,
    EvaluatedChunk,
    EvaluationRecord,
    SealedChunk,
    SnapshotRecord,
    TermsSignature,
    TermsVersion,
)

_OF_AN_EPOCH: Final = (
    EvaluatedChunk,
    EvaluatedBatchRecord,
    EvaluationRecord,
    SealedChunk,
    SnapshotRecord,
    EpochKeyRecord,
)


def everything(room: EnteredRoom) -> None:
    """Lists, evaluations, keys and answers. Signed terms and withdrawals stay: they say that it is over."""
    for table in (*_OF_AN_EPOCH, AnswerRecord):
        room.session.execute(delete(table).where(table.room == room.id))


def pending_terms(room: EnteredRoom, pending: TermsVersion) -> None:
    """A version that was declined, with its signatures: its number is free again."""
    room.session.execute(
        delete(TermsSignature).where(TermsSignature.room == room.id, TermsSignature.version == pending.version)
    )
    room.session.delete(pending)


def epochs_before(room: EnteredRoom, epoch: int) -> None:
    """All of older epochs but the answers: both members have begun this one."""
    for table in _OF_AN_EPOCH:
        room.session.execute(delete(table).where(table.room == room.id, table.epoch < epoch))


def epochs_of_one_before(room: EnteredRoom, partner: PartnerId, epoch: int) -> None:
    """What one member gave in older epochs: sealed rows, evaluations, evaluated rows. It has begun this one.

    The records of its snapshots stay until the other member begins the epoch too: they say which pair was in force.
    """
    session = room.session
    session.execute(
        delete(SealedChunk).where(SealedChunk.room == room.id, SealedChunk.owner == partner, SealedChunk.epoch < epoch)
    )
    for table in (EvaluatedChunk, EvaluatedBatchRecord, EvaluationRecord):
        session.execute(delete(table).where(table.room == room.id, table.evaluator == partner, table.epoch < epoch))
