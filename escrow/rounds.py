"""P7, the escrow's half: which matches both members may open now, and what each is shown as evidence.

A round speaks of one pair of snapshots, two policies and the cells that both agree to, all in force when it begins. It
holds the row pairs that match in those cells, that no earlier round of the epoch has opened, and whose order both
agents can see to be right (`_in_order`). Each member is shown the other side's rows, with their paths to the roots that
were signed; the pairs are in one order for both, that of their tags.

A round ends when both openings are here (`exchanged`), when what it stands on is overtaken (`void`), or when one
opening was not answered in 72 hours (`lapsed`): then no other round begins before the members have signed new terms.

Nothing here is believed by an agent: it checks all of it against what it holds itself (`cleanroom.agent.opening`).
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd
from sqlalchemy import select

from cleanroom.domain.vocabulary import IDENTIFIER_KINDS, PartnerId, RoundState
from cleanroom.messages.documents import read_document
from cleanroom.messages.lists import Evaluation
from cleanroom.messages.openings import Evidence, decode_evidence, encode_evidence
from cleanroom.messages.signing import SignedDocument
from escrow import evaluated_rows, policies, purge, rooms
from escrow.consent_tables import EvidenceChunk, OpeningRecord, PolicyRecord, RoundRecord
from escrow.evaluated_rows import Evaluated, Located
from escrow.rooms import EnteredRoom, WorkingRoom
from escrow.tables import EvaluationRecord, SnapshotRecord
from matching import merkle
from matching.overlap import matched_rows, side_of

ANSWER_WITHIN: Final = timedelta(hours=72)
CHUNK_PAIRS: Final = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a round stands on, in the order of the terms' members. `cells` are (first's segment, second's segment)."""

    snapshots: tuple[SnapshotRecord, SnapshotRecord]
    policies: tuple[PolicyRecord, PolicyRecord]
    cells: frozenset[tuple[int, int]]

    def cells_text(self) -> str:
        """The cells, as a round keeps them."""
        return json.dumps(sorted(self.cells))

    def is_of(self, record: RoundRecord) -> bool:
        """Whether the round stands on exactly this."""
        return (record.first_snapshot, record.second_snapshot, record.first_policy, record.second_policy) == (
            *(snapshot.digest for snapshot in self.snapshots),
            *(policy.digest for policy in self.policies),
        ) and record.cells == self.cells_text()


def newest(room: EnteredRoom, epoch: int) -> RoundRecord | None:
    """The epoch's newest round that is or was something to open."""
    return room.session.scalar(
        select(RoundRecord)
        .where(
            RoundRecord.room == room.id,
            RoundRecord.epoch == epoch,
            RoundRecord.state.not_in((RoundState.EMPTY, RoundState.VOID)),
        )
        .order_by(RoundRecord.number.desc())
        .limit(1)
    )


def have_lapsed(room: WorkingRoom) -> bool:
    """Whether an opening was left unanswered under the terms in force: then this room opens nothing more."""
    query = select(RoundRecord.number).where(
        RoundRecord.room == room.id, RoundRecord.terms == room.digest, RoundRecord.state == RoundState.LAPSED
    )
    return room.session.scalar(query.limit(1)) is not None


def provers(room: EnteredRoom, record: RoundRecord) -> tuple[PartnerId, ...]:
    """Who has delivered an opening of the round."""
    query = select(OpeningRecord.prover).where(OpeningRecord.room == room.id, OpeningRecord.number == record.number)
    return tuple(PartnerId(prover) for prover in sorted(room.session.scalars(query)))


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
        rooms.touched(room)
        return
    basis = _basis(room)
    if basis is None or have_lapsed(room) or _is_known(room, basis):
        return
    waiting_since = None
    if current is not None and current.state == RoundState.OPEN:
        current.state = RoundState.VOID
        if basis.policies[0].digest == current.first_policy and basis.policies[1].digest == current.second_policy:
            # Who pushes a new list does not thereby gain time to answer.
            waiting_since = current.first_opened_at
        purge.round_content(room, current.number)
    _begin(room, basis, waiting_since)
    rooms.touched(room)


def evidence(room: EnteredRoom, record: RoundRecord, partner: PartnerId) -> list[Evidence]:
    """What a member is shown in a round, in the round's order."""
    query = (
        select(EvidenceChunk.data)
        .where(EvidenceChunk.room == room.id, EvidenceChunk.number == record.number, EvidenceChunk.partner == partner)
        .order_by(EvidenceChunk.chunk)
    )
    return [item for data in room.session.scalars(query) for item in decode_evidence(data)]


def _open_for_work(entered: EnteredRoom) -> WorkingRoom | None:
    room = rooms.in_force(entered)
    closed = room is None or entered.row.closed is not None or rooms.is_expired(room)
    return None if closed else room


def _is_late(room: WorkingRoom, record: RoundRecord) -> bool:
    since = record.first_opened_at
    return since is not None and room.now >= since + ANSWER_WITHIN and len(provers(room, record)) == 1


def _is_known(room: WorkingRoom, basis: Basis) -> bool:
    query = select(RoundRecord).where(
        RoundRecord.room == room.id, RoundRecord.epoch == room.epoch, RoundRecord.state != RoundState.VOID
    )
    return any(basis.is_of(record) for record in room.session.scalars(query))


def _basis(room: WorkingRoom) -> Basis | None:
    """What a round could stand on now; None while lists, evaluations, policies or agreement are missing."""
    first, second = (policies.newest(room, member.partner) for member in room.terms.members)
    if first is None or second is None:
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
    return Basis(snapshots=(heads[0], heads[1]), policies=(first, second), cells=cells)


def _head(room: WorkingRoom, owner: PartnerId) -> SnapshotRecord | None:
    return room.session.scalar(
        select(SnapshotRecord)
        .where(SnapshotRecord.room == room.id, SnapshotRecord.epoch == room.epoch, SnapshotRecord.owner == owner)
        .order_by(SnapshotRecord.number.desc())
        .limit(1)
    )


def _is_evaluated(room: WorkingRoom, evaluator: PartnerId, of: SnapshotRecord, against: SnapshotRecord) -> bool:
    signed = room.session.scalar(
        select(EvaluationRecord.seq).where(
            EvaluationRecord.room == room.id,
            EvaluationRecord.epoch == room.epoch,
            EvaluationRecord.evaluator == evaluator,
            EvaluationRecord.of == of.digest,
            EvaluationRecord.against == against.digest,
        )
    )
    address = Evaluated(room=room.id, epoch=room.epoch, evaluator=evaluator)
    return signed is not None and evaluated_rows.are_complete(room.session, address, up_to=of.number)


def _begin(room: WorkingRoom, basis: Basis, waiting_since: datetime | None) -> None:
    one, two = (_located(room, snapshot) for snapshot in basis.snapshots)
    pairs = _pairs(room, basis, one, two)
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
        rows=len(pairs),
        state=RoundState.OPEN if len(pairs) else RoundState.EMPTY,
        started_at=room.now,
        first_opened_at=waiting_since,
    )
    room.session.add(record)
    first, second = room.terms.members
    # The first member's own evaluation is of the second's list (`two`); it is shown the second's of its own (`one`).
    _keep(room, record, first.partner, _shown(room, second.partner, mine=two, theirs=one, pairs=pairs, turned=True))
    _keep(room, record, second.partner, _shown(room, first.partner, mine=one, theirs=two, pairs=pairs, turned=False))


def _located(room: WorkingRoom, snapshot: SnapshotRecord) -> Located:
    evaluator = room.terms.other(PartnerId(snapshot.owner)).partner
    address = Evaluated(room=room.id, epoch=room.epoch, evaluator=evaluator)
    return evaluated_rows.located_after(room.session, address, snapshot.number)


def _pairs(room: WorkingRoom, basis: Basis, one: Located, two: Located) -> pd.DataFrame:
    """Row pairs (`first` in `one`, `second` in `two`) of agreed cells, in order, and not opened in this epoch yet."""
    identifiers = frozenset(i for i, recipe in enumerate(room.terms.kinds) if recipe.kind in IDENTIFIER_KINDS)
    pairs = matched_rows(side_of(one.rows), side_of(two.rows), identifier_kinds=identifiers)
    a, b = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    segments = len(room.terms.segments)
    agreed = np.zeros((segments, segments), bool)
    for i, j in basis.cells:
        agreed[i, j] = True
    keep = agreed[one.rows.segment[a], two.rows.segment[b]] & _in_order(room, one.batch[a], two.batch[b])
    places = list(zip(one.batch[a], one.index[a], two.batch[b], two.index[b], strict=True))
    done = _opened_before(room)
    fresh = np.array([tuple(map(int, place)) not in done for place in places], bool)
    kept: pd.DataFrame = pairs[keep & fresh]
    return kept


def _in_order(room: WorkingRoom, of_first: np.ndarray, of_second: np.ndarray) -> np.ndarray:
    """Whether each side had fixed its row before it could know the other's (ADR 11).

    An evaluator's batch n came with its first signed evaluation that covers n, which speaks against one of its own
    snapshots, number m: it held the other side's roots up to m before it uploaded. A row of batch n may be opened
    against the other side's row of batch up to m.
    """
    first, second = room.terms.members
    # Batches of the first's list are evaluated by the second, against the second's own snapshots; and the other way.
    by_second, by_first = _held(room, second.partner), _held(room, first.partner)
    held_by_second = np.array([by_second.get(int(n), 0) for n in of_first])
    held_by_first = np.array([by_first.get(int(n), 0) for n in of_second])
    return (of_second <= held_by_second) & (of_first <= held_by_first)


def _held(room: WorkingRoom, evaluator: PartnerId) -> dict[int, int]:
    """Evaluated batch -> number of the evaluator's own snapshot that its first evaluation of it speaks against."""
    numbers = {
        snapshot.digest: snapshot.number
        for snapshot in room.session.scalars(
            select(SnapshotRecord).where(
                SnapshotRecord.room == room.id, SnapshotRecord.epoch == room.epoch, SnapshotRecord.owner == evaluator
            )
        )
    }
    held: dict[int, int] = {}
    query = (
        select(EvaluationRecord.signed)
        .where(
            EvaluationRecord.room == room.id,
            EvaluationRecord.epoch == room.epoch,
            EvaluationRecord.evaluator == evaluator,
        )
        .order_by(EvaluationRecord.seq)
    )
    for text in room.session.scalars(query):
        evaluation = read_document(Evaluation, SignedDocument.model_validate_json(text).document)
        for batch in evaluation.batches:
            held.setdefault(batch.number, numbers[evaluation.against])
    return held


def _opened_before(room: WorkingRoom) -> set[tuple[int, int, int, int]]:
    """The places (first's list: batch, index; second's: batch, index) of pairs that were exchanged in this epoch."""
    query = select(RoundRecord).where(
        RoundRecord.room == room.id, RoundRecord.epoch == room.epoch, RoundRecord.state == RoundState.EXCHANGED
    )
    second = room.terms.members[1].partner
    return {
        (item.batch, item.index, item.their_batch, item.their_index)
        for record in room.session.scalars(query)
        for item in evidence(room, record, second)
    }


def _shown(  # noqa: PLR0913 - one keyword for each side of a pair
    room: WorkingRoom, other: PartnerId, *, mine: Located, theirs: Located, pairs: pd.DataFrame, turned: bool
) -> list[Evidence]:
    """Evidence for one member: `mine` are its evaluated rows, `theirs` the other's, which `other` evaluated."""
    a, b = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    my_rows, their_rows = (b, a) if turned else (a, b)
    leaves = theirs.rows.take(their_rows).leaves()
    width = theirs.rows.leaf_width
    paths = _paths(room, other, theirs.batch[their_rows], theirs.index[their_rows])
    return [
        Evidence(
            batch=int(mine.batch[my_row]),
            index=int(mine.index[my_row]),
            their_batch=int(theirs.batch[their_row]),
            their_index=int(theirs.index[their_row]),
            leaf=leaves[i * width : (i + 1) * width],
            path=paths[i],
        )
        for i, (my_row, their_row) in enumerate(zip(my_rows, their_rows, strict=True))
    ]


def _paths(room: WorkingRoom, evaluator: PartnerId, batch: np.ndarray, index: np.ndarray) -> list[bytes]:
    address = Evaluated(room=room.id, epoch=room.epoch, evaluator=evaluator)
    found: list[bytes] = [b""] * len(batch)
    for record in evaluated_rows.batches(room.session, address, up_to=int(batch.max(initial=0))):
        here = np.flatnonzero(batch == record.number)
        if len(here):
            rows = evaluated_rows.of_batch(room.session, address, record)
            paths = merkle.paths(rows.leaves(), rows.leaf_width, index[here].tolist())
            for place, path in zip(here.tolist(), paths, strict=True):
                found[place] = path
    return found


def _keep(room: WorkingRoom, record: RoundRecord, partner: PartnerId, items: list[Evidence]) -> None:
    for chunk, start in enumerate(range(0, len(items), CHUNK_PAIRS)):
        data = encode_evidence(items[start : start + CHUNK_PAIRS])
        room.session.add(EvidenceChunk(room=room.id, number=record.number, partner=partner, chunk=chunk, data=data))
