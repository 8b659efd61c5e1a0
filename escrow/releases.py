"""P9: sealed fields of matched accounts: batches, then the signed document that commits them, then both handed over.

A release is *handed over* to the recipient while

1. it names the policies that are in force now, and
2. the recipient has given, under the same policies, a release of the same or a later round.

So neither side reads first, and what was sealed under a policy that is no more is withheld for ever. The escrow reads
nothing of what is inside; who may not read a batch gets the answer for one that does not exist.
"""

from sqlalchemy import delete, func, select

from cleanroom.domain.vocabulary import Digest, PartnerId, RoundState
from cleanroom.messages.releases import MOST_BATCHES, Release, is_sealed_size
from cleanroom.messages.signing import SignedDocument
from escrow import keys, rooms
from escrow.addresses import digest_of_bytes, is_repeat
from escrow.consent_tables import PolicyRecord, ReleaseBatch, ReleaseRecord, RoundRecord
from escrow.errors import ChunksMissing, NotFound, OutOfOrder, ReleaseRefused
from escrow.rooms import EnteredRoom, WorkingRoom


def put_batch(entered: EnteredRoom, epoch: int, number: int, batch: int, data: bytes) -> Digest:
    """Keep a sealed batch of the caller's next release. Until that is committed, another one may take its place.

    Raises:
        Conflict: another batch is at this address, and committed.
        EpochNotCurrent, OutOfOrder: it is not for the next release of this epoch.
        ReleaseRefused: no sealed batch has this size or place.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    digest, session = digest_of_bytes(data), entered.session
    held = session.get(ReleaseBatch, (entered.id, epoch, entered.caller, number, batch))
    if held is not None and (held.digest == digest or number <= _last_number(entered, epoch)):
        is_repeat(held.digest, digest)
        return digest
    room = rooms.working(entered)
    keys.require_current(room, epoch)
    if number != _last_number(room, epoch) + 1:
        raise OutOfOrder("release: batches are accepted for the next one only")
    if not is_sealed_size(len(data)) or batch >= MOST_BATCHES:
        raise ReleaseRefused("release: no batch has this size or place")
    if held is not None:
        # Its sender made the release anew, because a policy has changed since.
        held.digest, held.data = digest, data
        return digest
    session.add(
        ReleaseBatch(
            room=room.id, epoch=epoch, sender=room.caller, number=number, batch=batch, digest=digest, data=data
        )
    )
    return digest


def commit(entered: EnteredRoom, epoch: int, number: int, signed: SignedDocument) -> Digest:
    """Commit the caller's next release.

    Raises:
        DocumentRefused: the document is not what it must be.
        Conflict: another release has this number.
        EpochNotCurrent, OutOfOrder, ChunksMissing, ReleaseRefused: a rule is broken.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    digest = signed.digest()
    held = entered.session.get(ReleaseRecord, (entered.id, epoch, entered.caller, number))
    if is_repeat(held.digest if held else None, digest):
        return digest
    room = rooms.working(entered)
    release = room.opened(Release, signed)
    _check_place(room, epoch, number, release)
    _check_grounds(room, release)
    _check_batches(room, release)
    room.session.add(
        ReleaseRecord(
            room=room.id,
            epoch=epoch,
            sender=room.caller,
            number=number,
            round=release.round,
            digest=digest,
            sender_policy=release.sender_policy,
            recipient_policy=release.recipient_policy,
            signed=signed.model_dump_json(),
        )
    )
    rooms.touched(room)
    return digest


def batch(entered: EnteredRoom, epoch: int, sender: PartnerId, number: int, index: int) -> bytes:
    """A batch of a release of the other member that is handed over. Raises NotFound."""
    room = rooms.in_force(entered)
    if room is None or epoch != room.epoch or sender != room.other.partner:
        raise NotFound
    if number not in {record.number for record in _handed_over(room, epoch)}:
        raise NotFound
    held = room.session.get(ReleaseBatch, (room.id, epoch, sender, number, index))
    if held is None:
        raise NotFound
    return held.data


def visible(room: WorkingRoom) -> tuple[SignedDocument, ...]:
    """The current epoch's releases that the caller may see: its own, and the other member's that are handed over."""
    epoch = room.epoch
    records = [*_of(room, epoch, room.caller), *_handed_over(room, epoch)]
    return tuple(SignedDocument.model_validate_json(record.signed) for record in records)


def _handed_over(room: WorkingRoom, epoch: int) -> list[ReleaseRecord]:
    """Rules 1 and 2, for what the other member has sent to the caller."""
    other = room.other.partner
    ours, theirs = _policy_in_force(room, room.caller), _policy_in_force(room, other)
    given = [
        record.round
        for record in _of(room, epoch, room.caller)
        if (record.sender_policy, record.recipient_policy) == (ours, theirs)
    ]
    return [
        record
        for record in _of(room, epoch, other)
        if (record.sender_policy, record.recipient_policy) == (theirs, ours) and record.round <= max(given, default=0)
    ]


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
    """The announced batches are here; others of this number, from an attempt that was given up, go."""
    ours = (
        ReleaseBatch.room == room.id,
        ReleaseBatch.epoch == release.epoch,
        ReleaseBatch.sender == room.caller,
        ReleaseBatch.number == release.number,
    )
    announced = [(item.sealed, item.size) for item in release.batches]
    room.session.execute(delete(ReleaseBatch).where(*ours, ReleaseBatch.batch >= len(announced)))
    query = (
        select(ReleaseBatch.batch, ReleaseBatch.digest, func.length(ReleaseBatch.data).label("size"))
        .where(*ours)
        .order_by(ReleaseBatch.batch)
    )
    here = [(row.digest, row.size) for row in room.session.execute(query)]
    if here != announced:
        raise ChunksMissing("release: its batches are not those that are here")


def _policy_in_force(room: EnteredRoom, owner: PartnerId) -> str | None:
    query = (
        select(PolicyRecord.digest)
        .where(PolicyRecord.room == room.id, PolicyRecord.owner == owner)
        .order_by(PolicyRecord.version.desc())
        .limit(1)
    )
    return room.session.scalar(query)


def _of(room: EnteredRoom, epoch: int, sender: PartnerId) -> list[ReleaseRecord]:
    """A member's releases of an epoch, oldest first."""
    query = (
        select(ReleaseRecord)
        .where(ReleaseRecord.room == room.id, ReleaseRecord.epoch == epoch, ReleaseRecord.sender == sender)
        .order_by(ReleaseRecord.number)
    )
    return list(room.session.scalars(query))


def _last_number(room: EnteredRoom, epoch: int) -> int:
    query = select(func.max(ReleaseRecord.number)).where(
        ReleaseRecord.room == room.id, ReleaseRecord.epoch == epoch, ReleaseRecord.sender == room.caller
    )
    return room.session.scalar(query) or 0
