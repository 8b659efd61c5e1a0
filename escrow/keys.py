"""P2: each member's public key of an epoch."""

from sqlalchemy.orm import Session

from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import KeyPublished
from cleanroom.messages.rooms import EpochKey
from cleanroom.messages.signing import SignedDocument
from escrow import ledger, rooms
from escrow.addresses import is_repeat
from escrow.errors import EpochNotCurrent, KeyRefused
from escrow.rooms import EnteredRoom, WorkingRoom
from escrow.tables import EpochKeyRecord, SeenKey
from matching import keyproof


def put(entered: EnteredRoom, epoch: int, partner: PartnerId, signed: SignedDocument) -> Digest:
    """Publish the caller's key of the current epoch.

    Raises:
        NotFound: not the caller's address.
        DocumentRefused: the document is not what it must be.
        EpochNotCurrent: it is for another epoch than the present one.
        KeyRefused: the key is nobody's, unproven, or equal or opposite to any that was ever seen here.
        Conflict: there is another key already.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    rooms.own(entered, partner)
    held = of(entered, epoch, partner)
    if is_repeat(held.digest if held else None, signed.digest()):
        return signed.digest()
    room = rooms.working(entered)
    document = room.opened(EpochKey, signed)
    if (document.room, document.epoch, document.partner) != (room.id, epoch, partner):
        raise KeyRefused("epoch key: room, epoch and partner differ from the address")
    if document.terms not in room.accepted:
        raise KeyRefused("epoch key: made under other terms")
    require_current(room, epoch)
    key = bytes.fromhex(document.key)
    bound = keyproof.key_statement(bytes.fromhex(room.id), epoch, bytes.fromhex(room.me.identity_key))
    if key in keyproof.refused_keys() or not keyproof.verify(key, bytes.fromhex(document.proof), bound):
        raise KeyRefused("epoch key: not a point of this group that its owner has proven to know")
    _remember(room.session, key)
    room.session.add(
        EpochKeyRecord(
            room=room.id,
            epoch=epoch,
            partner=partner,
            key=document.key,
            digest=signed.digest(),
            signed=signed.model_dump_json(),
        )
    )
    entry = KeyPublished(at=instant(room.now), document=signed.digest(), epoch=epoch, partner=partner)
    ledger.enter(room, entry)
    rooms.touched(room)
    return signed.digest()


def of(room: EnteredRoom, epoch: int, partner: str) -> EpochKeyRecord | None:
    """A member's key of an epoch."""
    return room.session.get(EpochKeyRecord, (room.id, epoch, partner))


def require_current(room: WorkingRoom, epoch: int) -> None:
    """Nothing, where this is the epoch by the escrow's clock. Raises EpochNotCurrent."""
    if epoch != room.epoch:
        raise EpochNotCurrent("epoch: not the current one, by the escrow's clock")


def _remember(session: Session, key: bytes) -> None:
    # K and -K share one row, so that the primary key decides races between rooms too.
    canonical = min(key, keyproof.opposite(key)).hex()
    if session.get(SeenKey, canonical) is not None:
        raise KeyRefused("epoch key: equal or opposite to a key that was used before")
    session.add(SeenKey(key=canonical))
    session.flush()
