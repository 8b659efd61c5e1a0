"""P10: signed notes, checkpoints and cosignatures, as c2sp.org/signed-note, tlog-checkpoint and tlog-cosignature say.

A checkpoint is a note of three lines: the log's origin, the size of its tree, and the root in base64. The escrow puts
two lines under it: an Ed25519 signature of the text (type 0x01), which every reader of the format knows, and its own
timestamped cosignature (type 0x04), which says at what moment this was its newest tree. Each member's agent, as a
witness, adds a cosignature of its own.

Keys sign other things as well (documents, requests). None of those begins like a note's text: an origin begins with
"cleanroom/1/", a cosigned message with "cosignature/v1", a document with four bytes of length.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cleanroom.domain.errors import VerificationFailed
from cleanroom.domain.vocabulary import PartnerId, RoomId

PLAIN, TIMED = b"\x01", b"\x04"
MOST_SIGNATURES: Final = 16
LONGEST_NOTE: Final = 16_384
_DASH: Final = "\N{EM DASH}"
_NAME: Final = re.compile(r"[^\s+\x00-\x1f]{1,255}")
_FORBIDDEN: Final = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
"""ASCII control characters but for the line break, and what has no UTF-8."""
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,15}")
_ROOT_BYTES: Final = 32
_ID_BYTES, _TIME_BYTES = 4, 8

Sign = Callable[[bytes], bytes]
"""Makes an Ed25519 signature."""


class CheckpointRefused(VerificationFailed):
    """A checkpoint of a log is not what it must be, or not signed by whom it must be."""

    code = "checkpoint_refused"


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A key that signs notes under a name."""

    name: str
    public: bytes

    def id(self, kind: bytes) -> bytes:
        """The 4 bytes that stand in front of its signatures of a type."""
        return hashlib.sha256(self.name.encode() + b"\n" + kind + self.public).digest()[:_ID_BYTES]


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One line under a note: who, and what follows the key's id."""

    name: str
    key_id: bytes
    data: bytes

    def line(self) -> str:
        """The line, with its end."""
        return f"{_DASH} {self.name} {base64.b64encode(self.key_id + self.data).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its signatures. Reading one checks no signature."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)

    def with_signature(self, signature: NoteSignature) -> "Note":
        """The note with one more line, in place of an older one of the same key."""
        kept = (item for item in self.signatures if (item.name, item.key_id) != (signature.name, signature.key_id))
        return Note(self.text, (*kept, signature))

    def of(self, key: NoteKey, kind: bytes) -> bytes | None:
        """What a key's signature of a type holds; None if there is none."""
        found = [item.data for item in self.signatures if (item.name, item.key_id) == (key.name, key.id(kind))]
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How large a log is, and the root of its tree."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note's text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def __str__(self) -> str:
        """As people compare it: size and the beginning of the root."""
        return f"size {self.size}, root {self.root.hex()[:16]}"


def escrow_key(key: bytes) -> NoteKey:
    """The escrow's key as a witness of its own logs. The name of the log's own signature is its origin."""
    return NoteKey(f"cleanroom/1/{key.hex()}", key)


def partner_key(partner: PartnerId, key: bytes) -> NoteKey:
    """A member's key as a witness."""
    return NoteKey(f"cleanroom/1/partners/{partner}", key)


def room_origin(key: bytes, room: RoomId) -> str:
    """The origin of a room's log at the escrow with this key."""
    return f"cleanroom/1/{key.hex()}/rooms/{room}"


def operator_origin(key: bytes) -> str:
    """The origin of the operator's log."""
    return f"cleanroom/1/{key.hex()}/operator"


def sign_checkpoint(checkpoint: Checkpoint, key: bytes, sign: Sign, *, at: datetime) -> Note:
    """The checkpoint under the escrow's two signatures."""
    text, log = checkpoint.text(), NoteKey(checkpoint.origin, key)
    plain = NoteSignature(log.name, log.id(PLAIN), sign(text.encode()))
    return Note(text, (plain, cosign(text, escrow_key(key), sign, at=at)))


def cosign(text: str, key: NoteKey, sign: Sign, *, at: datetime) -> NoteSignature:
    """A witness's statement that at this moment it knew of no larger tree of the log, and that this one is consistent.

    c2sp.org/tlog-cosignature, Ed25519.
    """
    seconds = int(at.timestamp())
    return NoteSignature(key.name, key.id(TIMED), seconds.to_bytes(_TIME_BYTES, "big") + sign(_timed(text, seconds)))


def read_note(text: str) -> Note:
    """The note. Its signatures are not checked.

    Raises:
        CheckpointRefused: if it is not in the form of a note.
    """
    body, separator, lines = text.rpartition("\n\n")
    if len(text) > LONGEST_NOTE or not separator or not lines.endswith("\n") or not body:
        raise CheckpointRefused("checkpoint: not a signed note")
    if _FORBIDDEN.search(text):
        raise CheckpointRefused("checkpoint: characters that a note may not hold")
    signatures = tuple(_signature(line) for line in lines[:-1].split("\n"))
    if len(signatures) > MOST_SIGNATURES or len({(item.name, item.key_id) for item in signatures}) < len(signatures):
        raise CheckpointRefused("checkpoint: too many signatures, or two of one key")
    return Note(body + "\n", signatures)


def read_checkpoint(note: Note) -> Checkpoint:
    """What a note says as a checkpoint; no lines but the three.

    Raises:
        CheckpointRefused: if it is none.
    """
    origin, *rest = note.text.removesuffix("\n").split("\n")
    if len(rest) != 2 or not _NAME.fullmatch(origin) or not _DECIMAL.fullmatch(rest[0]):  # noqa: PLR2004 - size, root
        raise CheckpointRefused("checkpoint: not an origin, a size and a root")
    checkpoint = Checkpoint(origin, int(rest[0]), _base64(rest[1]))
    if len(checkpoint.root) != _ROOT_BYTES:
        raise CheckpointRefused("checkpoint: its root is not 32 bytes")
    return checkpoint


def open_checkpoint(note: Note, origin: str, key: bytes) -> tuple[Checkpoint, datetime]:
    """A log's checkpoint, and the moment at which the escrow says that it was its newest.

    Raises:
        CheckpointRefused: it is of another log, or the escrow's two signatures are missing or do not hold.
    """
    checkpoint = read_checkpoint(note)
    if checkpoint.origin != origin:
        raise CheckpointRefused("checkpoint: of another log")
    plain = note.of(NoteKey(origin, key), PLAIN)
    if plain is None or not _holds(key, plain, note.text.encode()):
        raise CheckpointRefused(f"checkpoint ({checkpoint}): not signed by the log")
    since = cosigned(note, escrow_key(key))
    if since is None:
        raise CheckpointRefused(f"checkpoint ({checkpoint}): its moment is not signed by the log")
    return checkpoint, since


def cosigned(note: Note, key: NoteKey) -> datetime | None:
    """When a witness has cosigned; None if it has not.

    Raises:
        CheckpointRefused: there is a line of this key that does not hold.
    """
    data = note.of(key, TIMED)
    if data is None:
        return None
    seconds = int.from_bytes(data[:_TIME_BYTES], "big")
    if seconds >= 1 << 36 or not _holds(key.public, data[_TIME_BYTES:], _timed(note.text, seconds)):
        raise CheckpointRefused("checkpoint: a cosignature does not hold")
    return datetime.fromtimestamp(seconds, UTC)


def _timed(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _signature(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH or not _NAME.fullmatch(parts[1]):  # noqa: PLR2004 - dash, name, signature
        raise CheckpointRefused("checkpoint: a line under the note is not a signature")
    data = _base64(parts[2])
    if len(data) <= _ID_BYTES:
        raise CheckpointRefused("checkpoint: a signature is cut short")
    return NoteSignature(parts[1], data[:_ID_BYTES], data[_ID_BYTES:])


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointRefused("checkpoint: not in base64") from None
    if base64.b64encode(data).decode() != text:
        raise CheckpointRefused("checkpoint: not in canonical base64")
    return data


def _holds(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
