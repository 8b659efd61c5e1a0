"""What the escrow forgets, and when: at the end of an epoch, and at once when a member leaves.

It never forgets what answers have cost, what was refilled, and their noise (`escrow.counting_tables`): else whoever
left a room and made it anew would have its budget again, and nobody could replay an answer.
"""

from typing import Final

from sqlalchemy import delete, select

from cleanroom.domain.vocabulary import PartnerId
from escrow.consent_tables import (
    EvidenceChunk,
    NoticeRecord,
    OpeningPart,
    OpeningRecord,
    PolicyRecord,
    ProposalRecord,
    ReleaseBatch,
    ReleaseRecord,
    RoundRecord,
)
from escrow.counting_tables import AllowanceRecord, CorrectionRecord, ProbesRecord, WishRecord
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
    ProbesRecord,
    ReleaseBatch,
    ReleaseRecord,
)


def everything(room: EnteredRoom) -> None:
    """All but signed terms and withdrawals, which say that it is over, and what may not be used again."""
    of_a_room = (AnswerRecord, EvidenceChunk, OpeningPart, OpeningRecord, RoundRecord, NoticeRecord)
    of_consent = (PolicyRecord, ProposalRecord, WishRecord, AllowanceRecord, CorrectionRecord)
    for table in (*_OF_AN_EPOCH, *of_a_room, *of_consent):
        room.session.execute(delete(table).where(table.room == room.id))


def round_content(room: EnteredRoom, number: int) -> None:
    """What was shown and delivered in a round of opening that is over; the round itself stays, to be seen."""
    for table in (EvidenceChunk, OpeningPart, OpeningRecord):
        room.session.execute(delete(table).where(table.room == room.id, table.number == number))


def pending_terms(room: EnteredRoom, pending: TermsVersion) -> None:
    """A version that was declined, with its signatures: its number is free again."""
    room.session.execute(
        delete(TermsSignature).where(TermsSignature.room == room.id, TermsSignature.version == pending.version)
    )
    room.session.delete(pending)


def epochs_before(room: EnteredRoom, epoch: int) -> None:
    """All of older epochs but the answers: both members have begun this one."""
    ended = select(RoundRecord.number).where(RoundRecord.room == room.id, RoundRecord.epoch < epoch)
    for number in room.session.scalars(ended).all():
        round_content(room, number)
    for table in _OF_AN_EPOCH:
        room.session.execute(delete(table).where(table.room == room.id, table.epoch < epoch))


def epochs_of_one_before(room: EnteredRoom, partner: PartnerId, epoch: int) -> None:
    """What one member gave in older epochs: sealed rows and fields, evaluations, evaluated rows. It has begun this one.

    The records of its snapshots stay until the other member begins the epoch too: they say which pair was in force.
    """
    session = room.session
    session.execute(
        delete(SealedChunk).where(SealedChunk.room == room.id, SealedChunk.owner == partner, SealedChunk.epoch < epoch)
    )
    for table in (EvaluatedChunk, EvaluatedBatchRecord, EvaluationRecord):
        session.execute(delete(table).where(table.room == room.id, table.evaluator == partner, table.epoch < epoch))
    for released in (ReleaseBatch, ReleaseRecord):
        session.execute(
            delete(released).where(released.room == room.id, released.sender == partner, released.epoch < epoch)
        )
