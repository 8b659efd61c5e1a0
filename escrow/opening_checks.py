"""P7: whether an opening holds: its claim, which is quickly seen, and its rows and proofs, which take seconds.

Each row is the verifier's own (path to the root the verifier signed), of the prover's own pseudonym, segment and kind,
and its point has the tag that the prover's evaluation shows; every part's proof holds.
"""

import numpy as np
from sqlalchemy import select

from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages.documents import read_document
from cleanroom.messages.lists import Snapshot
from cleanroom.messages.openings import Claim, Evidence, OpenedRow, Opening, OpeningRefused, decode_rows, points_of
from cleanroom.messages.rooms import EpochKey
from cleanroom.messages.signing import SignedDocument
from escrow import round_evidence
from escrow.consent_tables import OpeningPart, RoundRecord
from escrow.rooms import WorkingRoom
from escrow.tables import EpochKeyRecord, EvaluationRecord, SnapshotRecord
from matching import merkle, proof
from matching.refusal import Refusal
from matching.tags import tag_context, tags


def check_claim(room: WorkingRoom, record: RoundRecord, claim: Claim) -> None:
    """See that a claim of the caller's speaks of this round, its keys, snapshots, evaluations and policies.

    Raises:
        OpeningRefused: naming the members at fault.
    """
    first_is_prover = room.terms.members[0].partner == room.caller
    snapshots = (record.first_snapshot, record.second_snapshot)
    signed_policies = (record.first_policy, record.second_policy)
    own, of = snapshots if first_is_prover else snapshots[::-1]
    prover_policy, verifier_policy = signed_policies if first_is_prover else signed_policies[::-1]
    other = room.other.partner
    expected = {
        "room": room.id,
        "terms": record.terms,
        "epoch": record.epoch,
        "round": record.number,
        "prover": room.caller,
        "verifier": other,
        "prover_key": _key(room, room.caller),
        "verifier_key": _key(room, other),
        "of": of,
        "own": own,
        "evaluation": _evaluation(room, room.caller, of, own),
        "answering": _evaluation(room, other, own, of),
        "prover_policy": prover_policy,
        "verifier_policy": verifier_policy,
        "rows": record.rows,
    }
    wrong = sorted(name for name, value in expected.items() if getattr(claim, name) != value)
    if wrong:
        raise OpeningRefused(f"opening: it does not speak of this round at {', '.join(wrong)}")


def check_rows(room: WorkingRoom, record: RoundRecord, opening: Opening) -> None:
    """See whether the caller's opening of a round holds; all its parts are here.

    Raises:
        OpeningRefused: naming the row or the part that does not hold.
    """
    claim = opening.claim
    # The other member is shown the prover's rows as evidence: those, in that order, are what must be opened.
    announced = round_evidence.evidence(room, record, room.other.partner)
    key = bytes.fromhex(claim.prover_key)
    start = 0
    for part in range(len(claim.parts)):
        rows = decode_rows(_part(room, record, part), rows=claim.part_rows(part))
        _check_part(room, record, rows, announced[start : start + len(rows)])
        try:
            holds = proof.verify(
                key, *points_of(rows), bytes.fromhex(opening.proofs[part]), statement=claim.statement(part)
            )
        except Refusal as refusal:
            raise OpeningRefused(f"opening: part {part}, {refusal}") from None
        if not holds:
            raise OpeningRefused(f"opening: the proof of part {part} does not hold")
        start += len(rows)


def _check_part(room: WorkingRoom, record: RoundRecord, rows: list[OpenedRow], announced: list[Evidence]) -> None:
    contexts = [tag_context(bytes.fromhex(room.id), record.epoch, str(recipe.kind)) for recipe in room.terms.kinds]
    _, points = points_of(rows)
    kinds = np.array([item.leaf[18] for item in announced], np.uint8)
    found = tags(points, kinds, contexts)
    snapshots = _snapshots(room, record.epoch)
    for number, (row, item) in enumerate(zip(rows, announced, strict=True)):
        name, segment, kind, tag = item.leaf[:16], item.leaf[17], item.leaf[18], item.leaf[19:]
        if (row.pseudonym, row.segment, row.kind) != (name, segment, kind) or found[number].tobytes() != tag:
            raise OpeningRefused(f"opening: row {number} is not the one that was evaluated")
        snapshot = snapshots.get(row.batch)
        try:
            root = merkle.root_from_path(row.leaf, row.index, snapshot.rows, row.path) if snapshot else b""
        except Refusal:
            root = b""
        if snapshot is None or root.hex() != snapshot.root:
            raise OpeningRefused(f"opening: row {number} is not in the other side's snapshot")


def _snapshots(room: WorkingRoom, epoch: int) -> dict[int, Snapshot]:
    query = select(SnapshotRecord.signed).where(
        SnapshotRecord.room == room.id, SnapshotRecord.epoch == epoch, SnapshotRecord.owner == room.other.partner
    )
    found = [
        read_document(Snapshot, SignedDocument.model_validate_json(text).document)
        for text in room.session.scalars(query)
    ]
    return {snapshot.number: snapshot for snapshot in found}


def _part(room: WorkingRoom, record: RoundRecord, part: int) -> bytes:
    query = select(OpeningPart.data).where(
        OpeningPart.room == room.id,
        OpeningPart.number == record.number,
        OpeningPart.prover == room.caller,
        OpeningPart.part == part,
    )
    return room.session.scalars(query).one()


def _key(room: WorkingRoom, partner: PartnerId) -> str:
    signed = room.session.scalars(
        select(EpochKeyRecord.signed).where(
            EpochKeyRecord.room == room.id, EpochKeyRecord.epoch == room.epoch, EpochKeyRecord.partner == partner
        )
    ).one()
    return read_document(EpochKey, SignedDocument.model_validate_json(signed).document).key


def _evaluation(room: WorkingRoom, evaluator: PartnerId, of: str, against: str) -> str:
    return room.session.scalars(
        select(EvaluationRecord.digest).where(
            EvaluationRecord.room == room.id,
            EvaluationRecord.epoch == room.epoch,
            EvaluationRecord.evaluator == evaluator,
            EvaluationRecord.of == of,
            EvaluationRecord.against == against,
        )
    ).one()
