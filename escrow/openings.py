"""P7: openings of a round: kept until both are here, checked before either is handed over.

What is checked of an opening: it is the caller's, of the open round, under the policies still in force; it has a row
for each pair of the round, in the round's order; each row is the verifier's own (path to the root the verifier signed),
of the prover's own pseudonym, segment and kind, and its point has the tag that the prover's evaluation shows; every
part's proof holds. An escrow that checks nothing harms nobody's promise: the agents check again (P8).
"""

from dataclasses import dataclass

import numpy as np
from sqlalchemy import ColumnElement, select

from cleanroom.domain.vocabulary import Digest, PartnerId, RoundState
from cleanroom.messages.documents import read_document
from cleanroom.messages.lists import Snapshot
from cleanroom.messages.openings import (
    MOST_PART_BYTES,
    Claim,
    Evidence,
    OpenedRow,
    Opening,
    OpeningRefused,
    decode_rows,
    points_of,
)
from cleanroom.messages.rooms import EpochKey
from cleanroom.messages.signing import SignedDocument
from escrow import policies, rooms, round_evidence, rounds
from escrow.addresses import digest_of_bytes, is_repeat
from escrow.consent_tables import EvidenceChunk, OpeningPart, OpeningRecord, RoundRecord
from escrow.errors import ChunksMissing, NotFound, RoundOver
from escrow.rooms import EnteredRoom, WorkingRoom
from escrow.tables import EpochKeyRecord, EvaluationRecord, SnapshotRecord
from matching import merkle, proof
from matching.refusal import Refusal
from matching.tags import tag_context, tags


def evidence_chunk(entered: EnteredRoom, number: int, chunk: int) -> bytes:
    """A chunk of what the caller is shown in a round.

    Raises:
        NotFound: there is none, or the round is over.
    """
    record = _round(entered, number)
    found = entered.session.get(EvidenceChunk, (entered.id, number, entered.caller, chunk))
    if found is None or record.state not in (RoundState.OPEN, RoundState.EXCHANGED):
        raise NotFound
    return found.data


def put_part(entered: EnteredRoom, number: int, part: int, data: bytes) -> Digest:
    """Keep a part of the caller's opening. One that was not committed yet may be replaced: a retry proves anew.

    Raises:
        NotFound: there is no such round.
        RoundOver: it takes no openings any more.
        OpeningRefused: larger than a part can be.
    """
    digest = digest_of_bytes(data)
    key = (entered.id, number, entered.caller, part)
    held = entered.session.get(OpeningPart, key)
    if held is not None and held.digest == digest:
        return digest
    room = rooms.working(entered)
    _require_open(room, _round(entered, number))
    if len(data) > MOST_PART_BYTES:
        raise OpeningRefused("opening: a part is larger than it can be")
    if _opening(entered, number, entered.caller) is not None:
        raise RoundOver("opening: yours is here already")
    if held is None:
        entered.session.add(
            OpeningPart(room=room.id, number=number, prover=room.caller, part=part, digest=digest, data=data)
        )
    else:
        held.digest, held.data = digest, data
    return digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An opening whose rows and proofs were seen to hold (`check` alone makes one)."""

    number: int
    prover: PartnerId
    signed: SignedDocument


def check(entered: EnteredRoom, number: int, prover: PartnerId, signed: SignedDocument) -> Checked:
    """See whether all of the caller's opening of a round holds. Takes seconds, so it is no part of the write.

    Raises:
        NotFound: there is no such round, or the address is another's.
        RoundOver: the round takes no openings any more, or what it stands on is no longer in force.
        ChunksMissing: not all parts are here.
        DocumentRefused, OpeningRefused: it is not what it must be.
    """
    rooms.own(entered, prover)
    if not _is_here(entered, number, prover, signed):
        room, record, opening = _opened(entered, number, signed)
        _check_rows(room, record, opening)
    return Checked(number=number, prover=prover, signed=signed)


def put(entered: EnteredRoom, checked: Checked) -> Digest:
    """Take an opening, if what it was checked against still stands.

    Raises:
        NotFound, RoundOver, ChunksMissing, DocumentRefused: as `check`; a part may have been replaced meanwhile.
    """
    number, prover, signed = checked.number, checked.prover, checked.signed
    digest = signed.digest()
    if _is_here(entered, number, prover, signed):
        return digest
    room, record, opening = _opened(entered, number, signed)
    _require_parts(room, record, opening.claim)
    room.session.add(
        OpeningRecord(room=room.id, number=number, prover=prover, digest=digest, signed=signed.model_dump_json())
    )
    room.session.flush()
    if record.first_opened_at is None:
        record.first_opened_at = room.now
    if len(rounds.provers(room, record)) == len(room.terms.members):
        record.state = RoundState.EXCHANGED
    rooms.touched(room)
    return digest


def read(entered: EnteredRoom, number: int, prover: PartnerId) -> SignedDocument:
    """An opening, once both are here. Raises NotFound."""
    _require_exchanged(entered, number)
    found = _opening(entered, number, prover)
    if found is None:
        raise NotFound
    return SignedDocument.model_validate_json(found.signed)


def read_part(entered: EnteredRoom, number: int, prover: PartnerId, part: int) -> bytes:
    """A part of an opening, once both are here. Raises NotFound."""
    _require_exchanged(entered, number)
    found = entered.session.get(OpeningPart, (entered.id, number, prover, part))
    if found is None:
        raise NotFound
    return found.data


def _check_claim(room: WorkingRoom, record: RoundRecord, claim: Claim) -> None:
    """The claim speaks of this round, these keys, snapshots, evaluations and policies, and of nothing else."""
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


def _is_here(entered: EnteredRoom, number: int, prover: PartnerId, signed: SignedDocument) -> bool:
    held = _opening(entered, number, prover)
    return is_repeat(held.digest if held else None, signed.digest())


def _opened(entered: EnteredRoom, number: int, signed: SignedDocument) -> tuple[WorkingRoom, RoundRecord, Opening]:
    """What is quickly seen of an opening: its round is open, and its claim speaks of it."""
    room = rooms.working(entered)
    record = _round(entered, number)
    _require_open(room, record)
    opening = room.opened(Opening, signed)
    _check_claim(room, record, opening.claim)
    return room, record, opening


def _require_parts(room: WorkingRoom, record: RoundRecord, claim: Claim) -> None:
    query = select(OpeningPart.part, OpeningPart.digest).where(*_of_caller(room, record))
    held = {row.part: row.digest for row in room.session.execute(query)}
    if any(held.get(part) != digest for part, digest in enumerate(claim.parts)):
        raise ChunksMissing("opening: not all the parts that it names are here")


def _of_caller(room: WorkingRoom, record: RoundRecord) -> tuple[ColumnElement[bool], ...]:
    return (OpeningPart.room == room.id, OpeningPart.number == record.number, OpeningPart.prover == room.caller)


def _check_rows(room: WorkingRoom, record: RoundRecord, opening: Opening) -> None:
    claim = opening.claim
    # The other member is shown the prover's rows as evidence: those, in that order, are what must be opened.
    announced = round_evidence.evidence(room, record, room.other.partner)
    key = bytes.fromhex(claim.prover_key)
    _require_parts(room, record, claim)
    start = 0
    for part in range(len(claim.parts)):
        data = room.session.scalars(
            select(OpeningPart.data).where(*_of_caller(room, record), OpeningPart.part == part)
        ).one()
        rows = decode_rows(data, rows=claim.part_rows(part))
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


def _require_open(room: WorkingRoom, record: RoundRecord) -> None:
    current = [policies.newest(room, member.partner) for member in room.terms.members]
    in_force = [item.digest if item else "" for item in current] == [record.first_policy, record.second_policy]
    if record.state != RoundState.OPEN or record.epoch != room.epoch or not in_force:
        raise RoundOver("round: it takes no openings any more; what it stands on has changed")


def _require_exchanged(entered: EnteredRoom, number: int) -> None:
    room, record = rooms.working(entered), _round(entered, number)
    if record.state != RoundState.EXCHANGED or record.epoch != room.epoch:
        raise NotFound


def _round(entered: EnteredRoom, number: int) -> RoundRecord:
    found = entered.session.get(RoundRecord, (entered.id, number))
    if found is None:
        raise NotFound
    return found


def _opening(entered: EnteredRoom, number: int, prover: PartnerId) -> OpeningRecord | None:
    return entered.session.get(OpeningRecord, (entered.id, number, prover))


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
