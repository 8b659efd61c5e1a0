"""P2: the secrets of one room and epoch, this partner's public key, and which key of the other side is refused."""

import secrets
from dataclasses import dataclass

from cleanroom.agent.rooms import Room, room_context
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import NotPossibleNow, VerificationFailed
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import read_document
from cleanroom.messages.rooms import EpochKey
from cleanroom.messages.signing import SignedDocument
from matching.group import Scalar, base_multiply, random_scalar
from matching.keyproof import key_statement, opposite, prove, refused_keys, verify


class KeyRefused(VerificationFailed):
    """The other side's epoch key is one that must not be used."""

    code = "key_refused"


class HomeOutdated(NotPossibleNow):
    """The escrow knows more of this agent than its own vault does."""

    code = "home_outdated"


OUTDATED = (
    "the escrow holds later work of this agent than its vault: the home was restored from an older copy, or runs "
    "twice. It can take part in this room again in the next epoch"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochSecrets:
    """The blinding scalar, the key that derives handles, and the key that renames the other side's entries."""

    scalar: Scalar
    handle_key: bytes
    renaming_key: bytes

    def __repr__(self) -> str:
        return "EpochSecrets(***)"


def epoch_prefix(room: RoomId, epoch: int) -> str:
    """Where the vault keeps what belongs to one room and epoch."""
    return f"room/{room}/{epoch}/"


def epoch_secrets(agent: Agent, room: Room) -> EpochSecrets:
    """The secrets of the room's current epoch: drawn on first use, together with the signed key that belongs to them.

    What is left of earlier epochs is deleted: scalars, handles and renaming keys live for one epoch.
    """
    address = epoch_prefix(room.id, room.epoch) + "secrets"
    stored = agent.vault.get(address)
    if stored is None:
        with agent.vault.transaction():
            # Another process of this home may have drawn them since.
            stored = agent.vault.get(address) or _drawn(agent, room)
    return EpochSecrets(scalar=Scalar(stored[:32]), handle_key=stored[32:64], renaming_key=stored[64:])


def publish_key(agent: Agent, room: Room) -> bool:
    """Publish this epoch's key unless the escrow has it. Says whether anything was sent.

    Raises:
        HomeOutdated: if the escrow has another one.
    """
    signed = _own_signed_key(agent, room)
    if agent.me in room.keys:
        if room.keys[agent.me].key != own_key(agent, room):
            raise HomeOutdated(OUTDATED)
        return False
    agent.escrow.put_key(room.id, room.epoch, agent.me, signed)
    return True


def _drawn(agent: Agent, room: Room) -> bytes:
    """Fresh secrets, stored with their signed key in place of all that is left of earlier epochs."""
    prefix = epoch_prefix(room.id, room.epoch)
    drawn = random_scalar().reveal() + secrets.token_bytes(64)
    mine = _signed_key(agent, room, Scalar(drawn[:32]))
    agent.vault.delete_all(f"room/{room.id}/")
    agent.vault.put(prefix + "secrets", drawn)
    agent.vault.put(prefix + "key", mine.model_dump_json().encode())
    _remember(agent, EpochKey.model_validate_json(mine.document))
    return drawn


def own_key(agent: Agent, room: Room) -> str:
    """This agent's public key of the room's epoch (hex), drawn if it has none yet."""
    return read_document(EpochKey, _own_signed_key(agent, room).document).key


def accepted_key(agent: Agent, room: Room) -> str | None:
    """The other side's key for this epoch (hex), or None while it has published none.

    Raises:
        KeyRefused: if it is unproven, the identity, G or -G, equal or opposite to any key this agent has ever seen, or
            not the one that it was before in this epoch.
    """
    key = room.keys.get(room.other.partner)
    if key is None:
        return None
    encoded = bytes.fromhex(key.key)
    if encoded in refused_keys():
        raise KeyRefused("the other side's key is the identity, the generator or its opposite")
    statement = key_statement(room_context(room.id), room.epoch, bytes.fromhex(room.other.identity_key))
    if not verify(encoded, bytes.fromhex(key.proof), statement):
        raise KeyRefused("the other side's key comes without a valid proof that it knows the scalar")
    for form in (encoded, opposite(encoded)):
        seen = agent.vault.get(_seen(form))
        if seen is not None and (form != encoded or seen != _origin(key)):
            raise KeyRefused("the other side's key, or its opposite, was seen before")
    pinned = agent.vault.get(_theirs(room))
    if pinned is None:
        with agent.vault.transaction():
            _remember(agent, key)
            agent.vault.put(_theirs(room), encoded)
    elif pinned != encoded:
        raise KeyRefused("the other side's key is not the one it had before in this epoch")
    return key.key


def _own_signed_key(agent: Agent, room: Room) -> SignedDocument:
    epoch_secrets(agent, room)
    signed = agent.load(SignedDocument, epoch_prefix(room.id, room.epoch) + "key")
    if signed is None:
        raise KeyRefused("this agent's own key is missing from the vault")
    return signed


def _signed_key(agent: Agent, room: Room, scalar: Scalar) -> SignedDocument:
    statement = key_statement(room_context(room.id), room.epoch, agent.identity.public().identity_key)
    return agent.sign(
        EpochKey(
            room=room.id,
            terms=room.terms.digest(),
            epoch=room.epoch,
            partner=agent.me,
            key=base_multiply(scalar).hex(),
            proof=prove(scalar, statement).hex(),
        )
    )


def _remember(agent: Agent, key: EpochKey) -> None:
    agent.vault.put(_seen(bytes.fromhex(key.key)), _origin(key))


def _theirs(room: Room) -> str:
    return epoch_prefix(room.id, room.epoch) + "their-key"


def _seen(encoded: bytes) -> str:
    return f"seen-key/{encoded.hex()}"


def _origin(key: EpochKey) -> bytes:
    return f"{key.room} {key.epoch} {key.partner}".encode()
