"""P9: fields of matched accounts, sealed to the other side in batches, and one signed document over the batches.

A sealed payload: length u32 | canonical JSON of `Payload` | zeros up to the next multiple of `STEP`. What it is
bound to (HPKE `info`) is `release_info`: room, epoch, direction, number, batch, both policies, and all handles in it.
"""

import hashlib
from collections.abc import Iterable
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from cleanroom.domain.errors import VerificationFailed
from cleanroom.domain.vocabulary import Form
from cleanroom.messages.documents import (
    Bytes16,
    Bytes32,
    Count,
    DigestText,
    Document,
    Instant,
    Label,
    Number,
    PartnerName,
    RoomName,
    Wire,
    as_tuple,
)
from matching.packing import packed

BATCH_MATCHES: Final = 1_024
MOST_BATCHES: Final = 5_000
MOST_SEALED_BYTES: Final = 1 << 20
LONGEST_VALUE: Final = 10_000
STEP: Final = 16 << 10
SEALED_OVERHEAD: Final = 1136
"""What HPKE adds to a payload: encapsulation and tag (`cleanroom.messages.sealing`)."""


class ReleaseRefused(VerificationFailed):
    """A release is not what it must be. Nothing of it is shown."""

    code = "release_refused"


def _in_order(fields: "dict[str, Shown]") -> "dict[str, Shown]":
    return dict(sorted(fields.items()))


class Shown(Wire):
    """One field of one account, in the form that both policies allow."""

    form: Form = Field(strict=False)
    value: Annotated[str, Field(max_length=LONGEST_VALUE)]


class ReleasedAccount(Wire):
    """One account of a matched entry: the fields that are shown of it."""

    fields: Annotated[dict[Label, Shown], Field(max_length=200), AfterValidator(_in_order)]


class ReleasedMatch(Wire):
    """All that is shown of one match; no account is a withdrawal. Handles are the entries' names in this epoch."""

    accounts: Annotated[tuple[ReleasedAccount, ...], BeforeValidator(as_tuple), Field(max_length=100)]
    recipient: Bytes16
    sender: Bytes16


class Payload(Wire):
    """What is inside a sealed batch. `hash_key` is what `hashed` forms of this epoch are keyed with.

    Of `salt`, which is fresh for each batch, the salts of the records are made (`cleanroom.messages.records`).
    """

    hash_key: Bytes32
    matches: Annotated[
        tuple[ReleasedMatch, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=BATCH_MATCHES)
    ]
    salt: Bytes32

    def handles(self) -> str:
        """SHA-256 over all pairs of handles, in order."""
        pairs = (part for match in self.matches for part in (match.sender, match.recipient))
        return handles_digest(pairs)


class SealedBatch(Wire):
    """A sealed batch: SHA-256 of its bytes and of the handles in it."""

    sealed: DigestText
    size: Count
    handles: DigestText

    @model_validator(mode="after")
    def _padded(self) -> Self:
        if not is_sealed_size(self.size):
            raise ValueError("not the size of a padded and sealed batch")
        return self


class Release(Document):
    """One partner's release, number n of the epoch: changes since the one before. `round` is the newest both opened.

    `records` is the Merkle root over the records of its `matches` (`cleanroom.messages.records`); `log_size` and
    `log_root` are the room's log as the sender last witnessed it.
    """

    type: Literal["release/2"] = "release/2"
    room: RoomName
    terms: DigestText
    epoch: Count
    number: Number
    previous: DigestText | Literal[""]
    round: Number
    sender: PartnerName
    recipient: PartnerName
    sender_policy: DigestText
    recipient_policy: DigestText
    batches: Annotated[tuple[SealedBatch, ...], BeforeValidator(as_tuple), Field(max_length=MOST_BATCHES)]
    matches: Count
    records: DigestText
    log_size: Count
    log_root: Bytes32
    created: Instant

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.number == 1) != (self.previous == ""):
            raise ValueError("only the first release has no previous one")
        if self.sender == self.recipient:
            raise ValueError("a partner releases nothing to itself")
        return self

    def info(self, batch: int) -> bytes:
        """What a sealed batch (from 0) is bound to. `batches[batch].sealed` need not be known yet."""
        return release_info(self, batch, self.batches[batch].handles)


def is_sealed_size(size: int) -> bool:
    """Whether a sealed batch can have that many bytes."""
    return SEALED_OVERHEAD < size <= MOST_SEALED_BYTES and (size - SEALED_OVERHEAD) % STEP == 0


def release_info(release: Release, batch: int, handles: str) -> bytes:
    """What a batch of a release is bound to (HPKE `info`), for whoever knows the handles in it."""
    place = (release.epoch.to_bytes(8, "big"), release.number.to_bytes(4, "big"), batch.to_bytes(4, "big"))
    parties = (bytes.fromhex(release.room), bytes.fromhex(release.sender), bytes.fromhex(release.recipient))
    policies = (bytes.fromhex(release.sender_policy), bytes.fromhex(release.recipient_policy))
    return packed(b"cleanroom/1 release", *parties, *place, *policies, bytes.fromhex(handles))


def handles_digest(handles: Iterable[str]) -> str:
    """SHA-256 over handles (hex), in order."""
    return hashlib.sha256(b"".join(bytes.fromhex(handle) for handle in handles)).hexdigest()


def canonical(part: Payload | ReleasedMatch) -> bytes:
    """RFC 8785, many times faster than the general way: these models hold texts only, their members in sorted order."""
    return part.model_dump_json().encode()


def pad(payload: Payload) -> bytes:
    """The payload as it is sealed: its size tells only the next multiple of `STEP`."""
    text = canonical(payload)
    framed = len(text).to_bytes(4, "big") + text
    return framed + bytes(-len(framed) % STEP)


def unpad(data: bytes) -> Payload:
    """The payload in what was unsealed.

    Raises:
        ReleaseRefused: on another length, other padding, or text that is not the canonical form of a payload.
    """
    size = int.from_bytes(data[:4], "big")
    text, rest = data[4 : 4 + size], data[4 + size :]
    if len(data) % STEP or len(text) != size or len(rest) >= STEP or any(rest):
        raise ReleaseRefused("release: a batch is not padded as it must be")
    try:
        payload = Payload.model_validate_json(text)
    except ValidationError:
        raise ReleaseRefused("release: a batch does not have the form of one") from None
    if canonical(payload) != text:
        raise ReleaseRefused("release: a batch is not in canonical form (RFC 8785)")
    return payload
