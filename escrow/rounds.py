"""P7, the escrow's half: when both members may open, and for how long.

A round speaks of one pair of snapshots, two policies and the cells that both agree to, all in force when it begins.
Which rows it holds, and what each member is shown of them, is in `escrow.round_evidence`.

A round ends when both openings are here (`exchanged`), when what it stands on is overtaken (`void`), or when one
opening was not answered in 72 hours (`lapsed`): then no other round begins before the members have signed new terms.

Nothing here is believed by an agent: it checks all of it against what it holds itself (`cleanroom.agent.opening`).
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, func, select

from cleanroom.domain.vocabulary import PartnerId, RoundState
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import RoundLapsed
from escrow import evaluated_rows, ledger, policies, purge, rooms, round_evidence
from escrow.consent_tables import OpeningRecord, PolicyRecord, RoundRecord
from escrow.evaluated_rows import Evaluated
from escrow.rooms import EnteredRoom, WorkingRoom, asked_once
from escrow.tables import EvaluationRecord, SnapshotRecord
from matching import rule

ANSWER_WITHIN: Final = timedelta(hours=72)

_OF_EPOCH: Final = (RoundRecord.room == bindparam("room"), RoundRecord.epoch == bindparam("epoch"))
_NEWEST: Final = (
    select(RoundRecord)
    .where(*_OF_EPOCH, RoundRecord.state.not_in((RoundState.EMPTY, RoundState.VOID)))
    .order_by(RoundRecord.number.desc())
    .limit(1)
)
_NOT_VOID: Final = select(RoundRecord).where(*_OF_EPOCH, RoundRecord.state != RoundState.VOID)
_LAPSED: Final = (
    select(RoundRecord.number)
    .where(
        RoundRecord.room == bindparam("room"),
        RoundRecord.terms == bindparam("terms"),
        RoundRecord.state == RoundState.LAPSED,
    )
    .limit(1)
)
_PROVERS: Final = select(OpeningRecord.prover).where(
    OpeningRecord.room == bindparam("room"), OpeningRecord.number == bindparam("number"), OpeningRecord.delivered
)
_HEAD: Final = (
    select(SnapshotRecord)
    .where(
        SnapshotRecord.room == bindparam("room"),
        SnapshotRecord.epoch == bindparam("epoch"),
        SnapshotRecord.owner == bindparam("owner"),
    )
    .order_by(SnapshotRecord.number.desc())
    .limit(1)
)
_TOO_NEW: Final = select(func.min(SnapshotRecord.number)).where(
    SnapshotRecord.room == bindparam("room"),
    SnapshotRecord.epoch == bindparam("epoch"),
    SnapshotRecord.owner == bindparam("owner"),
    SnapshotRecord.committed_at > bindparam("by"),
)
_EVALUATION: Final = select(EvaluationRecord.seq).where(
    EvaluationRecord.room == bindparam("room"),
    EvaluationRecord.epoch == bindparam("epoch"),
    EvaluationRecord.evaluator == bindparam("evaluator"),
    EvaluationRecord.of == bindparam("of"),
    EvaluationRecord.against == bindparam("against"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a round stands on, in the order of the terms' members. `cells` are (first's segment, second's segment).

    `mature` is up to which batch of each list rows are old enough to be opened.
    """

    snapshots: tuple[SnapshotRecord, SnapshotRecord]
    mature: tuple[int, int]
    policies: tuple[PolicyRecord, PolicyRecord]
    cells: frozenset[tuple[int, int]]

    def cells_text(self) -> str:
        """The cells, as a round keeps them (`cells_of`)."""
        return json.dumps(sorted(self.cells))

    def is_of(self, record: RoundRecord) -> bool:
        """Whether the round stands on exactly this."""
        stands_on = record.first_snapshot, record.second_snapshot, record.first_policy, record.second_policy
        mine = (*(snapshot.digest for snapshot in self.snapshots), *(policy.digest for policy in self.policies))
        mature = record.first_mature, record.second_mature
        return (stands_on, mature, record.cells) == (mine, self.mature, self.cells_text())


def cells_of(record: RoundRecord) -> tuple[tuple[int, int], ...]:
    """The cells (first member's segment, second's) that a round opens, ascending."""
    return tuple((first, second) for first, second in json.loads(record.cells))


@asked_once
def newest(room: EnteredRoom, epoch: int) -> RoundRecord | None:
    """The epoch's newest round that is or was something to open."""
    return room.session.scalar(_NEWEST, {"room": room.id, "epoch": epoch})


@asked_once
def have_lapsed(room: WorkingRoom) -> bool:
    """Whether an opening was left unanswered under the terms in force: then this room opens nothing more."""
    return room.session.scalar(_LAPSED, {"room": room.id, "terms": room.digest}) is not None


def provers(room: EnteredRoom, record: RoundRecord) -> tuple[PartnerId, ...]:
    """Who has delivered an opening of the round."""
    found = room.session.scalars(_PROVERS, {"room": room.id, "number": record.number})
    return tuple(PartnerId(prover) for prover in sorted(found))


def is_due(entered: EnteredRoom) -> bool:
    """Whether `settle` would change anything now."""
    room = _open_for_work(entered)
    if room is None:
        return False
    current = newest(room, room.epoch)
    if current is not None and current.state == RoundState.OPEN and _is_late(room, current):
        return True
    basis = _basis(room)
    return basis is not None and not have_lapsed(room) and not _is_known(room, basis)


def settle(entered: EnteredRoom) -> None:
    """End the round that is late or overtaken, and begin the one that is due. The room is locked."""
    room = _open_for_work(entered)
    if room is None:
        return
    current = newest(room, room.epoch)
    if current is not None and current.state == RoundState.OPEN and _is_late(room, current):
        current.state = RoundState.LAPSED
        purge.round_content(room, current.number)
        ledger.enter(room, RoundLapsed(at=instant(room.now), epoch=current.epoch, round=current.number))
        rooms.touched(room)
        return
    basis = _basis(room)
    if basis is None or have_lapsed(room) or _is_known(room, basis):
        return
    waiting_since = None
    if current is not None and current.state == RoundState.OPEN:
        current.state = RoundState.VOID
        if basis.cells_text() == current.cells:
            # Who pushes a new list, or signs the same consent again, does not thereby gain time to answer.
            waiting_since = current.first_opened_at
        purge.round_content(room, current.number)
    _begin(room, basis, waiting_since)
    rooms.touched(room)


def _open_for_work(entered: EnteredRoom) -> WorkingRoom | None:
    room = rooms.in_force(entered)
    closed = room is None or entered.row.closed is not None or rooms.is_expired(room)
    return None if closed else room


def _is_late(room: WorkingRoom, record: RoundRecord) -> bool:
    since = record.first_opened_at
    return since is not None and room.now >= since + ANSWER_WITHIN and len(provers(room, record)) == 1


def _is_known(room: WorkingRoom, basis: Basis) -> bool:
    found = room.session.scalars(_NOT_VOID, {"room": room.id, "epoch": room.epoch})
    return any(basis.is_of(record) for record in found)


def _basis(room: WorkingRoom) -> Basis | None:
    """What a round could stand on now; None while lists, evaluations, policies or agreement are missing."""
    first, second = (policies.newest(room, member.partner) for member in room.terms.members)
    if first is None or second is None or room.terms.rule != rule.VERSION:
        return None
    cells = policies.sides(room, room.terms.members[0].partner).agreed_cells(room.now)
    if not cells:
        return None
    heads = [_head(room, member.partner) for member in room.terms.members]
    if heads[0] is None or heads[1] is None:
        return None
    for of, against in ((heads[0], heads[1]), (heads[1], heads[0])):
        evaluator = PartnerId(against.owner)
        if not _is_evaluated(room, evaluator, of, against):
            return None
    mature = _mature(room, heads[0]), _mature(room, heads[1])
    if not all(mature):
        return None
    return Basis(snapshots=(heads[0], heads[1]), mature=mature, policies=(first, second), cells=cells)


def _head(room: WorkingRoom, owner: PartnerId) -> SnapshotRecord | None:
    return room.session.scalar(_HEAD, {"room": room.id, "epoch": room.epoch, "owner": owner})


def _mature(room: WorkingRoom, head: SnapshotRecord) -> int:
    """Up to which batch the rows of a list may be opened: here for long enough, and committed often enough since.

    The first batch of an epoch is the whole list: it has to be here for long enough, no more.
    """
    rule = room.terms.new_tokens
    since = {"epoch": head.epoch, "owner": head.owner, "by": room.now - timedelta(hours=rule.open_after_hours)}
    too_new = room.session.scalar(_TOO_NEW, {"room": room.id, **since})
    old_enough = head.number if too_new is None else too_new - 1
    return min(old_enough, max(1, head.number - rule.open_after_snapshots + 1))


def _is_evaluated(room: WorkingRoom, evaluator: PartnerId, of: SnapshotRecord, against: SnapshotRecord) -> bool:
    place = {"room": room.id, "epoch": room.epoch, "evaluator": evaluator, "of": of.digest, "against": against.digest}
    signed = room.session.scalar(_EVALUATION, place)
    address = Evaluated(room=room.id, epoch=room.epoch, evaluator=evaluator)
    return signed is not None and evaluated_rows.are_complete(room, address, up_to=of.number)


def _begin(room: WorkingRoom, basis: Basis, waiting_since: datetime | None) -> None:
    found = round_evidence.found(room, basis.snapshots, basis.cells, basis.mature)
    last = room.session.scalar(
        select(RoundRecord.number).where(RoundRecord.room == room.id).order_by(RoundRecord.number.desc()).limit(1)
    )
    record = RoundRecord(
        room=room.id,
        number=(last or 0) + 1,
        epoch=room.epoch,
        terms=room.digest,
        first_snapshot=basis.snapshots[0].digest,
        second_snapshot=basis.snapshots[1].digest,
        first_policy=basis.policies[0].digest,
        second_policy=basis.policies[1].digest,
        cells=basis.cells_text(),
        rows=len(found.pairs),
        state=RoundState.OPEN if len(found.pairs) else RoundState.EMPTY,
        started_at=room.now,
        first_opened_at=waiting_since,
        first_mature=basis.mature[0],
        second_mature=basis.mature[1],
        exchanged_after=None,
    )
    room.session.add(record)
    round_evidence.keep(room, record, found)
