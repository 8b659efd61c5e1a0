"""P7, the escrow's half: the rows of a round, and what each member is shown of them.

The row pairs that match in agreed cells, whose rows are old enough by the terms, that no earlier round of the epoch has
opened, and whose order both agents can see to be right (`_in_order`). Each member is shown the other side's rows, with
their paths to the roots that were signed; the pairs are in one order for both, that of their tags.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import select

from cleanroom.domain.vocabulary import PartnerId, RoundState
from cleanroom.messages.documents import read_document
from cleanroom.messages.lists import Evaluation
from cleanroom.messages.openings import Evidence, decode_evidence, encode_evidence
from cleanroom.messages.signing import SignedDocument
from escrow import evaluated_rows
from escrow.consent_tables import EvidenceChunk, RoundRecord
from escrow.evaluated_rows import Evaluated, Located
from escrow.rooms import EnteredRoom, WorkingRoom
from escrow.tables import EvaluationRecord, SnapshotRecord
from matching import merkle
from matching.overlap import matched_rows, side_of

CHUNK_PAIRS: Final = 8_192

_Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """The row pairs of a round: `first` in `one` (the first member's list), `second` in `two` (the second's)."""

    pairs: pd.DataFrame
    one: Located
    two: Located


def found(
    room: WorkingRoom,
    snapshots: tuple[SnapshotRecord, SnapshotRecord],
    cells: frozenset[tuple[int, int]],
    mature: tuple[int, int],
) -> Found:
    """What there is to open of a pair of snapshots, in these cells (first's segment, second's).

    Of each list only rows up to its batch `mature`: which entries match is decided by all of them.
    """
    one, two = (_located(room, snapshot) for snapshot in snapshots)
    pairs = _pairs(room, cells, one, two)
    is_mature = (one.batch[pairs["first"]] <= mature[0]) & (two.batch[pairs["second"]] <= mature[1])
    return Found(pairs=pairs[is_mature], one=one, two=two)


def keep(room: WorkingRoom, record: RoundRecord, given: Found) -> None:
    """Keep, for each member, what it is shown in a round."""
    first, second = room.terms.members
    one, two, pairs = given.one, given.two, given.pairs
    # The first member's own evaluation is of the second's list (`two`); it is shown the second's of its own (`one`).
    for_first = _shown(room, second.partner, mine=two, theirs=one, pairs=pairs, turned=True)
    for_second = _shown(room, first.partner, mine=one, theirs=two, pairs=pairs, turned=False)
    _keep_chunks(room, record, first.partner, for_first)
    _keep_chunks(room, record, second.partner, for_second)


def evidence(room: EnteredRoom, record: RoundRecord, partner: PartnerId) -> list[Evidence]:
    """What a member is shown in a round, in the round's order."""
    query = (
        select(EvidenceChunk.data)
        .where(EvidenceChunk.room == room.id, EvidenceChunk.number == record.number, EvidenceChunk.partner == partner)
        .order_by(EvidenceChunk.chunk)
    )
    return [item for data in room.session.scalars(query) for item in decode_evidence(data)]


def _located(room: WorkingRoom, snapshot: SnapshotRecord) -> Located:
    evaluator = room.terms.other(PartnerId(snapshot.owner)).partner
    address = Evaluated(room=room.id, epoch=room.epoch, evaluator=evaluator)
    return evaluated_rows.located_after(room.session, address, snapshot.number)


def _pairs(room: WorkingRoom, cells: frozenset[tuple[int, int]], one: Located, two: Located) -> pd.DataFrame:
    """Row pairs (`first` in `one`, `second` in `two`) of agreed cells, in order, and not opened in this epoch yet."""
    terms = room.terms
    pairs = matched_rows(side_of(one.rows), side_of(two.rows), kinds=terms.kind_names, least=terms.least)
    a, b = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    segments = len(terms.segments)
    agreed = np.zeros((segments, segments), bool)
    for i, j in cells:
        agreed[i, j] = True
    keep = agreed[one.rows.segment[a], two.rows.segment[b]] & _in_order(room, one.batch[a], two.batch[b])
    places = list(zip(one.batch[a], one.index[a], two.batch[b], two.index[b], strict=True))
    done = _opened_before(room)
    fresh = np.array([tuple(map(int, place)) not in done for place in places], bool)
    kept: pd.DataFrame = pairs[keep & fresh]
    return kept


def _in_order(room: WorkingRoom, of_first: _Numbers, of_second: _Numbers) -> npt.NDArray[np.bool_]:
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


def _paths(room: WorkingRoom, evaluator: PartnerId, batch: _Numbers, index: _Numbers) -> list[bytes]:
    address = Evaluated(room=room.id, epoch=room.epoch, evaluator=evaluator)
    nodes: list[bytes] = [b""] * len(batch)
    for record in evaluated_rows.batches(room.session, address, up_to=int(batch.max(initial=0))):
        here = np.flatnonzero(batch == record.number)
        if len(here):
            rows = evaluated_rows.of_batch(room.session, address, record)
            paths = merkle.paths(rows.leaves(), rows.leaf_width, index[here].tolist())
            for place, path in zip(here.tolist(), paths, strict=True):
                nodes[place] = path
    return nodes


def _keep_chunks(room: WorkingRoom, record: RoundRecord, partner: PartnerId, items: list[Evidence]) -> None:
    for chunk, start in enumerate(range(0, len(items), CHUNK_PAIRS)):
        data = encode_evidence(items[start : start + CHUNK_PAIRS])
        room.session.add(EvidenceChunk(room=room.id, number=record.number, partner=partner, chunk=chunk, data=data))
