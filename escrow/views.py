"""What a member sees of a room."""

from typing import Final

from sqlalchemy import bindparam, select

from cleanroom.domain.vocabulary import Digest, PartnerId, RoundState
from cleanroom.messages.api import AnswerPage, BatchProgress, RoomView, RoundView
from cleanroom.messages.documents import instant
from cleanroom.messages.signing import Signature, SignedDocument
from escrow import (
    allowances,
    corrections,
    counting,
    edges,
    evaluated_rows,
    gauges,
    notices,
    overlaps,
    policies,
    probed,
    releases,
    rooms,
    rosters,
    round_evidence,
    rounds,
    terms,
)
from escrow.evaluated_rows import Evaluated
from escrow.pages import Page, cut
from escrow.rooms import EnteredRoom, WorkingRoom
from escrow.tables import (
    AnswerRecord,
    EpochKeyRecord,
    EvaluationRecord,
    SnapshotRecord,
    TermsVersion,
    WithdrawalRecord,
)

_WITHDRAWALS: Final = (
    select(WithdrawalRecord.signed)
    .where(WithdrawalRecord.room == bindparam("room"))
    .order_by(WithdrawalRecord.received_at, WithdrawalRecord.digest)
)
_KEYS: Final = (
    select(EpochKeyRecord.signed)
    .where(EpochKeyRecord.room == bindparam("room"), EpochKeyRecord.epoch == bindparam("epoch"))
    .order_by(EpochKeyRecord.partner)
)
_SNAPSHOTS: Final = (
    select(SnapshotRecord.signed)
    .where(SnapshotRecord.room == bindparam("room"), SnapshotRecord.epoch == bindparam("epoch"))
    .order_by(SnapshotRecord.owner, SnapshotRecord.number)
)
_EVALUATIONS: Final = (
    select(EvaluationRecord.seq, EvaluationRecord.evaluator, EvaluationRecord.of, EvaluationRecord.against)
    .where(EvaluationRecord.room == bindparam("room"), EvaluationRecord.epoch == bindparam("epoch"))
    .order_by(EvaluationRecord.seq.desc())
)
_NUMBERED: Final = (
    select(EvaluationRecord.signed)
    .where(EvaluationRecord.seq.in_(bindparam("wanted", expanding=True)))
    .order_by(EvaluationRecord.seq)
)


def room_view(room: EnteredRoom) -> RoomView:
    """The room by the escrow's clock: its terms, and of the current epoch what both sides committed and evaluated."""
    current = rooms.in_force(room)
    epoch = current.epoch if current else rooms.proposed_epoch(room)
    answer = edges.latest(room)
    following = gauges.next_answer(current) if current else None
    return RoomView(
        room=room.id,
        state=rooms.state(room),
        change=room.row.change,
        terms=tuple(_signed_terms(room, version) for version in room.versions()),
        withdrawals=_withdrawals(room),
        epoch=epoch,
        keys=_keys(room, epoch),
        snapshots=_snapshots(room, epoch),
        evaluations=_evaluations(current, epoch) if current else (),
        progress=_progress(current, epoch) if current else (),
        rosters=_rosters(current) if current else (),
        policies=policies.views(room),
        proposals=policies.proposals(room),
        round=_round(room, epoch),
        openings_lapsed=rounds.have_lapsed(current) if current else False,
        releases=releases.visible(current) if current else (),
        notices=notices.of_room(room),
        wishes=counting.wishes(room),
        allowances=allowances.documents(room),
        corrections=corrections.documents(room),
        counting=counting.at(current, room.now).mode if current else None,
        gauges=gauges.views(current) if current else (),
        probes=probed.views(room, epoch),
        answer=overlaps.shown_to(room, answer) if answer else None,
        next_answer=instant(edges.next_second(following)) if following else None,
    )


def answers(room: EnteredRoom, page: Page) -> AnswerPage:
    """Answers after the one with number `page.after`, oldest first."""
    query = (
        select(AnswerRecord)
        .where(AnswerRecord.room == room.id, AnswerRecord.number > page.after)
        .order_by(AnswerRecord.number)
        .limit(page.limit + 1)
    )
    found, following = cut(room.session.scalars(query).all(), page, cursor=lambda row: int(row.number))
    return AnswerPage(answers=tuple(overlaps.shown_to(room, row) for row in found), next=following)


def _signed_terms(room: EnteredRoom, version: TermsVersion) -> SignedDocument:
    signed = terms.signatures(room, version.version)
    return SignedDocument(
        document=version.document,
        signatures=tuple(Signature(signer=signer, signature=signature) for signer, signature in signed),
    )


def _withdrawals(room: EnteredRoom) -> tuple[SignedDocument, ...]:
    return tuple(_read(text) for text in room.session.scalars(_WITHDRAWALS, {"room": room.id}))


def _keys(room: EnteredRoom, epoch: int) -> tuple[SignedDocument, ...]:
    return tuple(_read(text) for text in room.session.scalars(_KEYS, {"room": room.id, "epoch": epoch}))


def _snapshots(room: EnteredRoom, epoch: int) -> tuple[SignedDocument, ...]:
    return tuple(_read(text) for text in room.session.scalars(_SNAPSHOTS, {"room": room.id, "epoch": epoch}))


def _evaluations(room: WorkingRoom, epoch: int) -> tuple[SignedDocument, ...]:
    """Each evaluator's newest, and the two of the newest pair that both have evaluated; none of them twice."""
    found = room.session.execute(_EVALUATIONS, {"room": room.id, "epoch": epoch}).all()
    wanted: set[int] = set()
    for member in room.terms.members:
        wanted.update([row.seq for row in found if row.evaluator == member.partner][:1])
    by_pair = {(row.evaluator, row.of, row.against): row.seq for row in found}
    for row in found:
        opposite = by_pair.get((room.terms.other(PartnerId(row.evaluator)).partner, row.against, row.of))
        if opposite is not None:
            wanted.update((row.seq, opposite))
            break
    return tuple(_read(text) for text in room.session.scalars(_NUMBERED, {"wanted": sorted(wanted)}))


def _progress(room: WorkingRoom, epoch: int) -> tuple[BatchProgress, ...]:
    progress = []
    for member in room.terms.members:
        address = Evaluated(room=room.id, epoch=epoch, evaluator=member.partner)
        progress += [
            BatchProgress(
                evaluator=member.partner,
                number=batch.number,
                chunks=evaluated_rows.chunk_indices(room.session, address, batch.number),
                complete=batch.complete,
            )
            for batch in evaluated_rows.all_batches(room, address)
        ]
    return tuple(progress)


def _rosters(room: WorkingRoom) -> tuple[SignedDocument, ...]:
    return tuple(signed for member in room.terms.members for signed in rosters.documents(room.session, member.partner))


def _round(room: EnteredRoom, epoch: int) -> RoundView | None:
    record = rounds.newest(room, epoch)
    if record is None:
        return None
    until = record.first_opened_at + rounds.ANSWER_WITHIN if record.first_opened_at else None
    return RoundView(
        number=record.number,
        snapshots=(Digest(record.first_snapshot), Digest(record.second_snapshot)),
        policies=(Digest(record.first_policy), Digest(record.second_policy)),
        rows=record.rows,
        chunks=-(-record.rows // round_evidence.CHUNK_PAIRS),
        opened=rounds.provers(room, record),
        state=RoundState(record.state),
        until=instant(until) if until and record.state == "open" else None,
    )


def _read(text: str) -> SignedDocument:
    return SignedDocument.model_validate_json(text)
