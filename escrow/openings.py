"""P7: openings of a round: on record first, then its parts; checked once all are here, before either is handed over.

1. `record` takes the signed opening, if it is the caller's, of the open round, under the policies still in force. Until
   it is delivered, another one of the same round may take its place, which is on record as well.
2. `put_part` takes the parts that the recorded opening names, and no others.
3. `check` sees whether it has a row for each pair of the round, in the round's order, and whether these hold
   (`escrow.opening_checks`); then it is delivered, and handed over once both are.

Nobody but its prover sees an opening before that, except for its entry in the log. An escrow that checks nothing harms
nobody's promise: the agents check again (P8).
"""

from dataclasses import dataclass

from sqlalchemy import delete, select

from cleanroom.domain.vocabulary import Digest, PartnerId, RoundState
from cleanroom.messages.documents import instant, read_document
from cleanroom.messages.entries import OpeningRecorded, OpeningsExchanged
from cleanroom.messages.openings import Claim, Opening, OpeningRefused
from cleanroom.messages.signing import SignedDocument
from cleanroom.policy.decision import RULES
from escrow import edges, ledger, policies, rooms, rounds
from escrow.addresses import digest_of_bytes
from escrow.consent_tables import EvidenceChunk, OpeningPart, OpeningRecord, RoundRecord
from escrow.errors import ChunksMissing, Conflict, NotFound, OutOfOrder, RoundOver
from escrow.opening_checks import check_claim, check_rows
from escrow.rooms import EnteredRoom, WorkingRoom
from matching.disclosure.bands import band


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


def record(entered: EnteredRoom, number: int, prover: PartnerId, signed: SignedDocument) -> Digest:
    """Put the caller's opening of a round on record, in place of one that is not delivered yet.

    Raises:
        NotFound: there is no such round, or the address is another's.
        Conflict: another one is delivered.
        RoundOver: the round takes no openings any more, or what it stands on is no longer in force.
        DocumentRefused, OpeningRefused: it is not what it must be.
    """
    rooms.own(entered, prover)
    digest, held = signed.digest(), _opening(entered, number, prover)
    if held is not None and held.digest == digest:
        return digest
    if held is not None and held.delivered:
        raise Conflict
    room, of_round, opening = _opened(entered, number, signed)
    if held is None:
        held = OpeningRecord(room=room.id, number=number, prover=prover, delivered=False)
        room.session.add(held)
    else:
        _drop_parts(room, number)
    held.digest, held.signed = digest, signed.model_dump_json()
    ledger.enter(room, _recorded(room, of_round, opening, digest))
    return digest


def put_part(entered: EnteredRoom, number: int, part: int, data: bytes) -> Digest:
    """Keep a part of the caller's opening that is on record.

    Raises:
        NotFound: there is no such round.
        RoundOver: it takes no openings any more.
        OutOfOrder: no opening of the caller's is on record.
        OpeningRefused: not the part that the recorded opening names.
    """
    digest = digest_of_bytes(data)
    held = entered.session.get(OpeningPart, (entered.id, number, entered.caller, part))
    if held is not None and held.digest == digest:
        return digest
    room = rooms.working(entered)
    _require_open(room, _round(entered, number))
    recorded = _opening(entered, number, entered.caller)
    if recorded is None:
        raise OutOfOrder("opening: it is put on record before its parts")
    named = _read(recorded).claim.parts
    if part >= len(named) or named[part] != digest:
        raise OpeningRefused(f"opening: part {part} is not the one that is on record")
    entered.session.add(
        OpeningPart(room=room.id, number=number, prover=room.caller, part=part, digest=digest, data=data)
    )
    return digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A recorded opening whose rows and proofs were seen to hold (`check` alone makes one)."""

    number: int
    prover: PartnerId
    digest: str


def check(entered: EnteredRoom, number: int, prover: PartnerId) -> Checked:
    """See whether all of the caller's recorded opening holds. Takes seconds, so it is no part of the write.

    Raises:
        NotFound: there is no such round or opening, or the address is another's.
        RoundOver: the round takes no openings any more, or what it stands on is no longer in force.
        ChunksMissing: not all parts are here.
        DocumentRefused, OpeningRefused: it is not what it must be.
    """
    rooms.own(entered, prover)
    held = _recorded_opening(entered, number, prover)
    if not held.delivered:
        room, of_round, opening = _opened(entered, number, _signed(held))
        _require_parts(room, of_round, opening.claim)
        check_rows(room, of_round, opening)
    return Checked(number=number, prover=prover, digest=held.digest)


def deliver(entered: EnteredRoom, checked: Checked) -> Digest:
    """Let an opening count, if what it was checked against still stands; with the second one, both are exchanged.

    Raises:
        NotFound, RoundOver, ChunksMissing, DocumentRefused: as `check`.
        OutOfOrder: another one was put on record meanwhile.
    """
    held = _recorded_opening(entered, checked.number, checked.prover)
    if held.digest != checked.digest:
        raise OutOfOrder("opening: another one was put on record meanwhile")
    if held.delivered:
        return Digest(held.digest)
    room, of_round, opening = _opened(entered, checked.number, _signed(held))
    _require_parts(room, of_round, opening.claim)
    held.delivered = True
    room.session.flush()
    if of_round.first_opened_at is None:
        of_round.first_opened_at = room.now
    if len(rounds.provers(room, of_round)) == len(room.terms.members):
        last = edges.latest(room)
        of_round.state, of_round.exchanged_after = RoundState.EXCHANGED, last.number if last else 0
        ledger.enter(room, _exchanged(room, of_round))
    rooms.touched(room)
    return Digest(held.digest)


def read(entered: EnteredRoom, number: int, prover: PartnerId) -> SignedDocument:
    """An opening, once both are here. Raises NotFound."""
    _require_exchanged(entered, number)
    return _signed(_recorded_opening(entered, number, prover))


def read_part(entered: EnteredRoom, number: int, prover: PartnerId, part: int) -> bytes:
    """A part of an opening, once both are here. Raises NotFound."""
    _require_exchanged(entered, number)
    found = entered.session.get(OpeningPart, (entered.id, number, prover, part))
    if found is None:
        raise NotFound
    return found.data


def _opened(entered: EnteredRoom, number: int, signed: SignedDocument) -> tuple[WorkingRoom, RoundRecord, Opening]:
    """What is quickly seen of an opening: its round is open, and its claim speaks of it."""
    room = rooms.working(entered)
    of_round = _round(entered, number)
    _require_open(room, of_round)
    opening = room.opened(Opening, signed)
    check_claim(room, of_round, opening.claim)
    return room, of_round, opening


def _recorded(room: WorkingRoom, of_round: RoundRecord, opening: Opening, digest: Digest) -> OpeningRecorded:
    claim = opening.claim
    return OpeningRecorded(
        at=instant(room.now),
        cells=rounds.cells_of(of_round),
        created=opening.created,
        document=digest,
        epoch=claim.epoch,
        prover=claim.prover,
        prover_policy=claim.prover_policy,
        round=claim.round,
        rows=band(claim.rows),
        rules=RULES,
        verifier=claim.verifier,
        verifier_policy=claim.verifier_policy,
    )


def _exchanged(room: WorkingRoom, of_round: RoundRecord) -> OpeningsExchanged:
    first, second = (_recorded_opening(room, of_round.number, member.partner) for member in room.terms.members)
    return OpeningsExchanged(
        at=instant(room.now),
        epoch=of_round.epoch,
        openings=(Digest(first.digest), Digest(second.digest)),
        round=of_round.number,
    )


def _require_parts(room: WorkingRoom, of_round: RoundRecord, claim: Claim) -> None:
    query = select(OpeningPart.part, OpeningPart.digest).where(
        OpeningPart.room == room.id, OpeningPart.number == of_round.number, OpeningPart.prover == room.caller
    )
    held = {row.part: row.digest for row in room.session.execute(query)}
    if any(held.get(part) != digest for part, digest in enumerate(claim.parts)):
        raise ChunksMissing("opening: not all the parts that it names are here")


def _drop_parts(room: WorkingRoom, number: int) -> None:
    room.session.execute(
        delete(OpeningPart).where(
            OpeningPart.room == room.id, OpeningPart.number == number, OpeningPart.prover == room.caller
        )
    )


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


def _recorded_opening(entered: EnteredRoom, number: int, prover: PartnerId) -> OpeningRecord:
    found = _opening(entered, number, prover)
    if found is None:
        raise NotFound
    return found


def _signed(held: OpeningRecord) -> SignedDocument:
    return SignedDocument.model_validate_json(held.signed)


def _read(held: OpeningRecord) -> Opening:
    return read_document(Opening, _signed(held).document)
