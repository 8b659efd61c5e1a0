"""P5: when answers may be given, and from which pair of snapshots.

*Edges* are `anchor + n * interval`, where the anchor is the moment at which both first snapshots of the room were
here. The pair *in force* at a moment is: in the newest epoch in which both lists had a committed snapshot by then, the
newest snapshot of each committed by then.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, func, select

from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages.documents import moment
from escrow.rooms import EnteredRoom, WorkingRoom, asked_once
from escrow.tables import AnswerRecord, SnapshotRecord

Pair = tuple[SnapshotRecord, SnapshotRecord]
"""In the order of the terms' members."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = (
    select(AnswerRecord).where(AnswerRecord.room == bindparam("room")).order_by(AnswerRecord.number.desc()).limit(1)
)
_BY_THEN: Final = (SnapshotRecord.room == bindparam("room"), SnapshotRecord.committed_at <= bindparam("edge"))
_EPOCH_BY_THEN: Final = (
    select(SnapshotRecord.epoch)
    .where(*_BY_THEN)
    .group_by(SnapshotRecord.epoch)
    .having(func.count(SnapshotRecord.owner.distinct()) == bindparam("members"))
    .order_by(SnapshotRecord.epoch.desc())
    .limit(1)
)
_HEAD_BY_THEN: Final = (
    select(SnapshotRecord)
    .where(*_BY_THEN, SnapshotRecord.epoch == bindparam("epoch"), SnapshotRecord.owner == bindparam("owner"))
    .order_by(SnapshotRecord.number.desc())
    .limit(1)
)


def newest(room: WorkingRoom) -> datetime | None:
    """The newest edge, if there is one. After the terms expire no new edge is reached."""
    anchor, interval = room.row.anchor, room.terms.answer_interval
    if anchor is None:
        return None
    until = min(room.now, moment(room.terms.expires))
    if interval == "unsafe_every_push":
        return until
    step = timedelta(seconds=interval)
    edge = anchor + (until - anchor) // step * step
    return edge if edge >= anchor else None


def following(room: WorkingRoom, start: datetime) -> datetime | None:
    """The first edge that is not before `start`, if there will be one; `start` itself where every push is answered."""
    interval, anchor = room.terms.answer_interval, room.row.anchor
    if anchor is None or room.row.closed is not None:
        return None
    if interval == "unsafe_every_push":
        edge = start
    else:
        step = timedelta(seconds=interval)
        edge = anchor + max(0, -((anchor - start) // step)) * step
    return edge if edge < moment(room.terms.expires) else None


def pair_at(room: WorkingRoom, edge: datetime) -> Pair | None:
    """The pair in force at a moment."""
    by_then = {"room": room.id, "edge": edge}
    epoch = room.session.scalar(_EPOCH_BY_THEN, {**by_then, "members": len(room.terms.members)})
    if epoch is None:
        return None

    def head(owner: PartnerId) -> SnapshotRecord:
        return room.session.scalars(_HEAD_BY_THEN, {**by_then, "epoch": epoch, "owner": owner}).one()

    first, second = room.terms.members
    return head(first.partner), head(second.partner)


def is_answered(pair: Pair, last: AnswerRecord | None) -> bool:
    """Whether the newest answer is of exactly this pair."""
    return last is not None and (last.first, last.second) == (pair[0].digest, pair[1].digest)


@asked_once
def latest(room: EnteredRoom) -> AnswerRecord | None:
    """The newest answer."""
    return room.session.scalar(_LATEST, {"room": room.id})


def next_second(at: datetime) -> datetime:
    """The first whole second that is not before a moment: whoever asks then is not too early."""
    return at if not at.microsecond else at.replace(microsecond=0) + timedelta(seconds=1)


def seconds(at: datetime) -> int:
    """A moment as budgets count: whole unix seconds, as documents write it too."""
    return (at - _EPOCH) // timedelta(seconds=1)


def moment_of(at: int) -> datetime:
    """The moment of unix seconds."""
    return _EPOCH + timedelta(seconds=at)
