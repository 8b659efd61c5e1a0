"""P5: the answer to "what do we share", once per answer interval. The only place where unreleased counts exist here.

*Edges* are `anchor + n * interval`, where the anchor is the moment at which both first snapshots of the room were
here. At the newest edge, the pair *in force* is: in the newest epoch in which both lists had a committed snapshot by
then, the newest snapshot of each committed by then. It is answered as soon as both are completely evaluated, and only
if it is not the pair of the last answer, nor of an epoch that a change of the terms has ended: other kinds and rules
counted there. Whatever was pushed or evaluated since the edge, and whoever asks, the answer
is the same. A cell that a policy in force at the edge gives no count for is withheld, whatever its number.

Nothing schedules this: a write that may complete an answer settles it in its own transaction, and so does reading.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

from sqlalchemy import bindparam, func, select

from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.documents import instant, moment, read_document
from cleanroom.messages.entries import AnswerGiven, Cells
from cleanroom.messages.lists import Answer, ListStatus, ShownCell, Snapshot, WithheldCell
from cleanroom.messages.signing import SignedDocument
from cleanroom.policy.decision import RULES, uncounted
from escrow import evaluated_rows, ledger, policies, rooms
from escrow.evaluated_rows import Evaluated
from escrow.identity import EscrowKey
from escrow.rooms import EnteredRoom, WorkingRoom, asked_once
from escrow.tables import AnswerRecord, SnapshotRecord
from matching import rule
from matching.disclosure.bands import band
from matching.disclosure.rule import Cell, Shown, disclose_exact
from matching.overlap import CellCounts, cell_counts
from matching.rows import Rows

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


States = Mapping[tuple[Evaluated, int], Rows]
"""Evaluated lists: whose, and after which batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An answer that can be given: `pair` is in the order of the terms' members, `edge` exact."""

    number: int
    edge: datetime
    pair: tuple[SnapshotRecord, SnapshotRecord]


def is_due(room: EnteredRoom) -> bool:
    """Whether `settle` would give an answer now."""
    current = rooms.in_force(room)
    return current is not None and _due(current) is not None


def settle(room: EnteredRoom, *, escrow_key: EscrowKey, known: States = MappingProxyType({})) -> None:
    """Give the answer that is due, if one is. The room is locked. `known` are states that need not be read again."""
    current = rooms.in_force(room)
    due = _due(current) if current is not None else None
    if current is None or due is None:
        return
    first, second = due.pair
    there = policies.sides(current, current.terms.members[0].partner, at=due.edge)
    forbidden = uncounted(there, due.edge)
    signed = escrow_key.signed(_answer(current, due, forbidden, known))
    room.session.add(
        AnswerRecord(
            room=room.id,
            number=due.number,
            edge=due.edge,
            first=first.digest,
            second=second.digest,
            signed=signed.model_dump_json(),
        )
    )
    ledger.enter(room, _entry(current, due, signed.digest(), forbidden))
    rooms.touched(room)


def next_edge(room: WorkingRoom) -> datetime | None:
    """When the next answer may be given, if that can be told."""
    interval, anchor = room.terms.answer_interval, room.row.anchor
    if interval == "unsafe_every_push" or anchor is None or room.row.closed is not None:
        return None
    steps = max(0, (room.now - anchor) // timedelta(seconds=interval) + 1)
    following = anchor + steps * timedelta(seconds=interval)
    return following if following < moment(room.terms.expires) else None


@asked_once
def latest(room: EnteredRoom) -> AnswerRecord | None:
    """The newest answer."""
    return room.session.scalar(_LATEST, {"room": room.id})


def _due(room: WorkingRoom) -> Due | None:
    anchor, last = room.row.anchor, latest(room)
    if anchor is None or room.row.closed is not None or room.terms.rule != rule.VERSION:
        return None
    # After the terms expire no new edge is reached.
    until = min(room.now, moment(room.terms.expires))
    interval = room.terms.answer_interval
    if interval == "unsafe_every_push":
        edge = until
    else:
        step = timedelta(seconds=interval)
        edge = anchor + (until - anchor) // step * step
        if edge < anchor or (last is not None and edge <= last.edge):
            return None
    pair = _pair_at(room, edge)
    if pair is None or (last is not None and (last.first, last.second) == (pair[0].digest, pair[1].digest)):
        return None
    if any(_terms_of(snapshot) not in room.accepted for snapshot in pair):
        return None
    evaluated = all(
        evaluated_rows.are_complete(room, _evaluation_of(room, snapshot), up_to=snapshot.number) for snapshot in pair
    )
    return Due(number=last.number + 1 if last else 1, edge=edge, pair=pair) if evaluated else None


def _pair_at(room: WorkingRoom, edge: datetime) -> tuple[SnapshotRecord, SnapshotRecord] | None:
    by_then = {"room": room.id, "edge": edge}
    epoch = room.session.scalar(_EPOCH_BY_THEN, {**by_then, "members": len(room.terms.members)})
    if epoch is None:
        return None

    def newest(owner: PartnerId) -> SnapshotRecord:
        return room.session.scalars(_HEAD_BY_THEN, {**by_then, "epoch": epoch, "owner": owner}).one()

    first, second = room.terms.members
    return newest(first.partner), newest(second.partner)


def _terms_of(snapshot: SnapshotRecord) -> Digest:
    signed = SignedDocument.model_validate_json(snapshot.signed)
    return read_document(Snapshot, signed.document).terms


def _evaluation_of(room: WorkingRoom, snapshot: SnapshotRecord) -> Evaluated:
    evaluator = room.terms.other(PartnerId(snapshot.owner)).partner
    return Evaluated(room=room.id, epoch=snapshot.epoch, evaluator=evaluator)


def _entry(room: WorkingRoom, due: Due, document: Digest, forbidden: Cells) -> AnswerGiven:
    first, second = (_policy_at(room, member.partner, due.edge) for member in room.terms.members)
    return AnswerGiven(
        at=instant(room.now),
        document=document,
        edge=instant(due.edge),
        epoch=due.pair[0].epoch,
        first_policy=first,
        forbidden=forbidden,
        number=due.number,
        rules=RULES,
        second_policy=second,
    )


def _policy_at(room: WorkingRoom, owner: PartnerId, edge: datetime) -> Digest | Literal[""]:
    policy = policies.newest(room, owner, at=edge)
    return Digest(policy.digest) if policy else ""


def _answer(room: WorkingRoom, due: Due, forbidden: Cells, known: States) -> Answer:
    terms, (first, second) = room.terms, due.pair
    which = [(_evaluation_of(room, snapshot), snapshot.number) for snapshot in due.pair]
    states = [known.get(item) or evaluated_rows.state_after(room.session, *item) for item in which]
    counts = cell_counts(*states, segments=len(terms.segments), kinds=terms.kind_names, least=terms.least)
    return Answer(
        room=room.id,
        terms=room.digest,
        epoch=first.epoch,
        number=due.number,
        edge=instant(due.edge),
        segments=terms.segments,
        lists=_statuses(first, second, counts),
        cells=tuple(
            tuple(_shown(cell, forbidden=(i, j) in forbidden) for j, cell in enumerate(row))
            for i, row in enumerate(disclose_exact(counts, floor=terms.counting.floor))
        ),
        counting=terms.counting,
    )


def _statuses(first: SnapshotRecord, second: SnapshotRecord, counts: CellCounts) -> tuple[ListStatus, ListStatus]:
    def status(snapshot: SnapshotRecord, sizes: list[int]) -> ListStatus:
        return ListStatus(
            partner=PartnerId(snapshot.owner),
            snapshot=Digest(snapshot.digest),
            committed=instant(snapshot.committed_at),
            size=band(sum(sizes)),
            segments=tuple(band(size) for size in sizes),
        )

    return status(first, counts.first_sizes.tolist()), status(second, counts.second_sizes.tolist())


def _shown(cell: Cell, *, forbidden: bool) -> ShownCell | WithheldCell:
    if forbidden:
        return WithheldCell(withheld="by_policy")
    if isinstance(cell, Shown):
        return ShownCell(companies=cell.companies)
    return WithheldCell(withheld="too_few_inside_or_outside")
