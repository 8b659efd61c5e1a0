"""P9: sealed fields of matched accounts: the signed document on record, then its batches, then both handed over.

1. `record` takes the signed release, on the grounds that are in force. Until it is complete, another one may take its
   place under the same number, which is on record as well.
2. `put_batch` takes the batches that the recorded release names, and no others.
3. `deliver` makes it complete, if the grounds are still in force. Only then does it count.

A complete release is *handed over* to the recipient while

1. it names the policies that are in force now, and
2. the recipient has given, under the same policies, a complete release of the same or a later round.

So neither side reads first, and what was sealed under a policy that is no more is withheld for ever. That it is handed
over is on record, once. The escrow reads nothing of what is inside; who may not read a batch gets the answer for one
that does not exist.
"""

from typing import Final

from sqlalchemy import ColumnElement, bindparam, delete, func, select

from cleanroom.domain.vocabulary import Digest, PartnerId, RoundState
from cleanroom.messages.documents import instant, moment, read_document
from cleanroom.messages.entries import ReleaseHandedOver, ReleaseRecorded
from cleanroom.messages.releases import Release
from cleanroom.messages.signing import SignedDocument
from cleanroom.policy.decision import RULES, decision
from escrow import keys, ledger, policies, rooms
from escrow.addresses import digest_of_bytes, is_repeat
from escrow.consent_tables import ReleaseBatch, ReleaseRecord, RoundRecord
from escrow.errors import ChunksMissing, Conflict, NotFound, OutOfOrder, ReleaseRefused
from escrow.rooms import EnteredRoom, WorkingRoom, asked_once
from matching.disclosure.bands import band

_COMPLETE: Final = (
    select(ReleaseRecord)
    .where(
        ReleaseRecord.room == bindparam("room"),
        ReleaseRecord.epoch == bindparam("epoch"),
        ReleaseRecord.sender == bindparam("sender"),
        ReleaseRecord.complete,
    )
    .order_by(ReleaseRecord.number)
)


def record(entered: EnteredRoom, epoch: int, number: int, signed: SignedDocument) -> Digest:
    """Put the caller's next release on record, in place of one that is not complete yet.

    Raises:
        DocumentRefused: the document is not what it must be.
        Conflict: another release has this number, and is complete.
        EpochNotCurrent, OutOfOrder, ReleaseRefused: a rule is broken.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    digest, held = signed.digest(), _held(entered, epoch, number)
    if held is not None and held.digest == digest:
        return digest
    if held is not None and held.complete:
        raise Conflict
    room = rooms.working(entered)
    release = room.opened(Release, signed)
    _check_place(room, epoch, number, release)
    _check_grounds(room, release)
    if held is None:
        held = ReleaseRecord(
            room=room.id, epoch=epoch, sender=room.caller, number=number, complete=False, handed_over=False
        )
        room.session.add(held)
    else:
        _drop_batches(room, epoch, number)
    held.round, held.digest, held.signed = release.round, digest, signed.model_dump_json()
    held.sender_policy, held.recipient_policy = release.sender_policy, release.recipient_policy
    ledger.enter(room, _recorded(room, release, digest))
    return digest


def put_batch(entered: EnteredRoom, epoch: int, number: int, batch: int, data: bytes) -> Digest:
    """Keep a sealed batch of the caller's release that is on record.

    Raises:
        Conflict: another batch is at this address.
        EpochNotCurrent, OutOfOrder: no release of this epoch is on record with that number.
        ReleaseRefused: not the batch that the recorded release names.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    digest, session = digest_of_bytes(data), entered.session
    held = session.get(ReleaseBatch, (entered.id, epoch, entered.caller, number, batch))
    if is_repeat(held.digest if held else None, digest):
        return digest
    room = rooms.working(entered)
    keys.require_current(room, epoch)
    recorded = _held(room, epoch, number)
    if recorded is None:
        raise OutOfOrder("release: it is put on record before its batches")
    named = _read(recorded).batches
    if batch >= len(named) or (named[batch].sealed, named[batch].size) != (digest, len(data)):
        raise ReleaseRefused(f"release: batch {batch} is not the one that is on record")
    session.add(
        ReleaseBatch(
            room=room.id, epoch=epoch, sender=room.caller, number=number, batch=batch, digest=digest, data=data
        )
    )
    return digest


def deliver(entered: EnteredRoom, epoch: int, number: int) -> Digest:
    """Let the caller's recorded release count; what is handed over from now on is on record.

    Raises:
        NotFound: none is on record with this number.
        EpochNotCurrent, OutOfOrder, ChunksMissing: its grounds are in force no more, or a batch is missing.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    held = _held(entered, epoch, number)
    if held is None:
        raise NotFound
    if held.complete:
        return Digest(held.digest)
    room = rooms.working(entered)
    keys.require_current(room, epoch)
    release = _read(held)
    _check_grounds(room, release)
    _check_batches(room, release)
    held.complete = True
    room.session.flush()
    first, second = (member.partner for member in room.terms.members)
    for sender, recipient in ((first, second), (second, first)):
        _hand_over(room, epoch, sender, recipient)
    rooms.touched(room)
    return Digest(held.digest)


def batch(entered: EnteredRoom, epoch: int, sender: PartnerId, number: int, index: int) -> bytes:
    """A batch of a release of the other member that is handed over. Raises NotFound."""
    room = rooms.in_force(entered)
    if room is None or epoch != room.epoch or sender != room.other.partner:
        raise NotFound
    if number not in {record.number for record in _of_other(room, epoch)}:
        raise NotFound
    held = room.session.get(ReleaseBatch, (room.id, epoch, sender, number, index))
    if held is None:
        raise NotFound
    return held.data


def visible(room: WorkingRoom) -> tuple[SignedDocument, ...]:
    """The current epoch's complete releases that the caller may see: its own, and those handed over to it."""
    epoch = room.epoch
    records = [*_of(room, epoch, room.caller), *_of_other(room, epoch)]
    return tuple(_signed(record) for record in records)


def _of_other(room: WorkingRoom, epoch: int) -> list[ReleaseRecord]:
    """What was handed over to the caller, and still is."""
    return [record for record in _to_hand_over(room, epoch, room.other.partner, room.caller) if record.handed_over]


def _hand_over(room: WorkingRoom, epoch: int, sender: PartnerId, recipient: PartnerId) -> None:
    for record in _to_hand_over(room, epoch, sender, recipient):
        if not record.handed_over:
            record.handed_over = True
            entry = ReleaseHandedOver(
                at=instant(room.now),
                document=Digest(record.digest),
                epoch=epoch,
                number=record.number,
                recipient=recipient,
                sender=sender,
            )
            ledger.enter(room, entry)


def _to_hand_over(room: WorkingRoom, epoch: int, sender: PartnerId, recipient: PartnerId) -> list[ReleaseRecord]:
    """Rules 1 and 2, for what one member has sent to the other."""
    there, back = _policy_in_force(room, sender), _policy_in_force(room, recipient)
    given = [
        record.round
        for record in _of(room, epoch, recipient)
        if (record.sender_policy, record.recipient_policy) == (back, there)
    ]
    return [
        record
        for record in _of(room, epoch, sender)
        if (record.sender_policy, record.recipient_policy) == (there, back) and record.round <= max(given, default=0)
    ]


def _recorded(room: WorkingRoom, release: Release, document: Digest) -> ReleaseRecorded:
    decided = decision(policies.sides(room, release.sender), moment(release.created))
    return ReleaseRecorded(
        at=instant(room.now),
        created=release.created,
        document=document,
        epoch=release.epoch,
        forms=decided.highest(),
        matches=band(release.matches),
        number=release.number,
        recipient=release.recipient,
        recipient_policy=release.recipient_policy,
        round=release.round,
        rules=RULES,
        sender=release.sender,
        sender_policy=release.sender_policy,
        table=Digest(decided.table()),
    )


def _check_place(room: WorkingRoom, epoch: int, number: int, release: Release) -> None:
    named = (release.room, release.epoch, release.sender, release.recipient, release.number)
    if named != (room.id, epoch, room.caller, room.other.partner, number):
        raise ReleaseRefused("release: room, epoch, sender, recipient and number differ from the address")
    if release.terms not in room.accepted:
        raise ReleaseRefused("release: made under other terms")
    keys.require_current(room, epoch)
    records = _of(room, epoch, room.caller)
    if (number, release.previous) != (len(records) + 1, records[-1].digest if records else ""):
        raise OutOfOrder("release: it does not follow the newest one")
    rooms.not_in_the_future(release.created, room, ReleaseRefused)


def _check_grounds(room: WorkingRoom, release: Release) -> None:
    """The round whose openings both sides hold, and the policies in force."""
    query = select(func.max(RoundRecord.number)).where(
        RoundRecord.room == room.id, RoundRecord.epoch == release.epoch, RoundRecord.state == RoundState.EXCHANGED
    )
    if release.round != room.session.scalar(query):
        raise OutOfOrder("release: not of the newest round that both sides have opened")
    in_force = (_policy_in_force(room, room.caller), _policy_in_force(room, room.other.partner))
    if (release.sender_policy, release.recipient_policy) != in_force:
        raise OutOfOrder("release: made under policies that are not in force")


def _check_batches(room: WorkingRoom, release: Release) -> None:
    """All batches are here; that each is the one on record was seen when it came."""
    query = select(func.count()).where(*_at(room, release.epoch, release.number))
    if room.session.scalar(query) != len(release.batches):
        raise ChunksMissing("release: not all its batches are here")


def _drop_batches(room: EnteredRoom, epoch: int, number: int) -> None:
    room.session.execute(delete(ReleaseBatch).where(*_at(room, epoch, number)))


def _at(room: EnteredRoom, epoch: int, number: int) -> tuple[ColumnElement[bool], ...]:
    """The batches of one of the caller's releases."""
    return (
        ReleaseBatch.room == room.id,
        ReleaseBatch.epoch == epoch,
        ReleaseBatch.sender == room.caller,
        ReleaseBatch.number == number,
    )


def _policy_in_force(room: EnteredRoom, owner: PartnerId) -> str | None:
    policy = policies.newest(room, owner)
    return policy.digest if policy else None


@asked_once
def _of(room: EnteredRoom, epoch: int, sender: PartnerId) -> tuple[ReleaseRecord, ...]:
    """A member's complete releases of an epoch, oldest first."""
    return tuple(room.session.scalars(_COMPLETE, {"room": room.id, "epoch": epoch, "sender": sender}))


def _held(room: EnteredRoom, epoch: int, number: int) -> ReleaseRecord | None:
    """The caller's release of a number, complete or not."""
    return room.session.get(ReleaseRecord, (room.id, epoch, room.caller, number))


def _signed(held: ReleaseRecord) -> SignedDocument:
    return SignedDocument.model_validate_json(held.signed)


def _read(held: ReleaseRecord) -> Release:
    return read_document(Release, _signed(held).document)
