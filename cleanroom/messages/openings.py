"""P7: what a partner shows of the rows that match: its evaluation of them, with the proof that it is one.

An opening travels as parts of binary rows and one signed document over all of them. The context of each part's proof
is RFC 9497's, extended by `statement`: SHA-512 over the whole claim, which names every part's digest, so that every
weight of every proof depends on every row.

A row: pseudonym (16) | R (32) | batch u32 | index u32 | leaf (51) | n u8 | n x 32 bytes of audit path. `leaf` is the
row of the verifier's own snapshot (handle, op, segment, kind, T) at `index` of its batch, which the path ties to the
root that the verifier signed. Integers are big-endian.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from cleanroom.domain.errors import VerificationFailed
from cleanroom.messages.canonical import canonical
from cleanroom.messages.documents import (
    Bytes32,
    Bytes64,
    Count,
    DigestText,
    Document,
    Instant,
    Number,
    PartnerName,
    RoomName,
    Wire,
    as_tuple,
)
from matching.packing import packed
from matching.rows import ADD, NAME_BYTES, TAG_BYTES, TOKEN_BYTES, Bytes

PART_ROWS: Final = 4_096
MOST_PARTS: Final = 10_000
LONGEST_PATH: Final = 64
TOKEN_LEAF: Final = NAME_BYTES + 3 + TOKEN_BYTES
TAG_LEAF: Final = NAME_BYTES + 3 + TAG_BYTES
MOST_PART_BYTES: Final = PART_ROWS * (NAME_BYTES + 32 + 8 + TOKEN_LEAF + 1 + 40 * 32)
_ROW: Final = struct.Struct(f">{NAME_BYTES}s32sII{TOKEN_LEAF}sB")
_EVIDENCE: Final = struct.Struct(f">IIII{TAG_LEAF}sB")


class OpeningRefused(VerificationFailed):
    """An opening, or the evidence for one, is not what it must be. Nothing of it is believed."""

    code = "opening_refused"


_TURNED: Final = {
    "prover": "verifier",
    "prover_key": "verifier_key",
    "of": "own",
    "evaluation": "answering",
    "prover_policy": "verifier_policy",
}
_OWN: Final = ("parts", "log_size", "log_root")


class Claim(Wire):
    """Everything that an opening says, but for the proofs.

    `of` and `own` are the newest snapshots of verifier and prover; `evaluation` is the prover's of `of`, `answering`
    the verifier's of `own`. `parts` are the SHA-256 digests of the parts' rows, in order. `log_size` and `log_root`
    are the room's log as the prover last witnessed it.
    """

    room: RoomName
    terms: DigestText
    epoch: Count
    round: Number
    prover: PartnerName
    verifier: PartnerName
    prover_key: Bytes32
    verifier_key: Bytes32
    of: DigestText
    own: DigestText
    evaluation: DigestText
    answering: DigestText
    prover_policy: DigestText
    verifier_policy: DigestText
    log_size: Count
    log_root: Bytes32
    rows: Number
    parts: Annotated[tuple[DigestText, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=MOST_PARTS)]

    @model_validator(mode="after")
    def _all_parts(self) -> Self:
        if len(self.parts) != -(-self.rows // PART_ROWS):
            raise ValueError("not as many parts as the rows need")
        return self

    def statement(self, part: int) -> bytes:
        """What the proof of one part (from 0) is bound to, beside RFC 9497's own context: 64 bytes."""
        text = canonical(self.model_dump(mode="json"))
        place = (part.to_bytes(4, "big"), len(self.parts).to_bytes(4, "big"))
        return hashlib.sha512(packed(b"cleanroom/1 opening", text, *place)).digest()

    def differs(self, theirs: "Claim") -> list[str]:
        """Where the other side's claim does not mirror this one: the same round, each with its role turned."""
        turned = {**_TURNED, **{second: first for first, second in _TURNED.items()}}
        return [
            name
            for name in Claim.model_fields
            if name not in _OWN and getattr(theirs, name) != getattr(self, turned.get(name, name))
        ]

    def part_rows(self, part: int) -> int:
        """How many rows a part has."""
        return min(PART_ROWS, self.rows - part * PART_ROWS)


class Opening(Document):
    """One side's opening of one round. `proofs` has one DLEQ proof (c || s) for each part."""

    type: Literal["opening/2"] = "opening/2"
    claim: Claim
    proofs: Annotated[tuple[Bytes64, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=MOST_PARTS)]
    created: Instant

    @model_validator(mode="after")
    def _a_proof_each(self) -> Self:
        if len(self.proofs) != len(self.claim.parts):
            raise ValueError("not one proof for each part")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedRow:
    """One row of an opening. `leaf` is the verifier's own row."""

    pseudonym: bytes
    point: bytes
    batch: int
    index: int
    leaf: bytes
    path: bytes

    @property
    def handle(self) -> bytes:
        """The verifier's entry."""
        return self.leaf[:NAME_BYTES]

    @property
    def segment(self) -> int:
        """The verifier's segment, as index in the terms."""
        return self.leaf[NAME_BYTES + 1]

    @property
    def kind(self) -> int:
        """The kind of key, as index in the terms."""
        return self.leaf[NAME_BYTES + 2]

    @property
    def token(self) -> bytes:
        """The verifier's token T."""
        return self.leaf[NAME_BYTES + 3 :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why an agent should open a row: where its own evaluated row is, and the other side's that has the same tag.

    `leaf` (pseudonym, op, segment, kind, tag) is row `their_index` of batch `their_batch` of the other side's
    evaluation, which `path` ties to the root that the other side signed. It speaks of one of the agent's own entries.
    """

    batch: int
    index: int
    their_batch: int
    their_index: int
    leaf: bytes
    path: bytes


def encode_rows(rows: Sequence[OpenedRow]) -> bytes:
    """One part."""
    return b"".join(
        _ROW.pack(row.pseudonym, row.point, row.batch, row.index, row.leaf, len(row.path) // 32) + row.path
        for row in rows
    )


def decode_rows(data: bytes, *, rows: int) -> list[OpenedRow]:
    """The rows of a part.

    Raises:
        OpeningRefused: if there are not exactly that many, one is no addition, or bytes are left over.
    """
    found, at = [], 0
    for number in range(rows):
        if at + _ROW.size > len(data):
            raise OpeningRefused(f"opening: row {number} is cut short")
        pseudonym, point, batch, index, leaf, length = _ROW.unpack_from(data, at)
        at += _ROW.size
        path = _path(data, at, length, number)
        at += len(path)
        if leaf[NAME_BYTES] != ADD:
            raise OpeningRefused(f"opening: row {number} is of a removal")
        found.append(OpenedRow(pseudonym=pseudonym, point=point, batch=batch, index=index, leaf=leaf, path=path))
    if at != len(data):
        raise OpeningRefused("opening: bytes after the last row")
    return found


def encode_evidence(items: Sequence[Evidence]) -> bytes:
    """A chunk of evidence, as the escrow shows it."""
    return b"".join(
        _EVIDENCE.pack(item.batch, item.index, item.their_batch, item.their_index, item.leaf, len(item.path) // 32)
        + item.path
        for item in items
    )


def decode_evidence(data: bytes) -> list[Evidence]:
    """The items of a chunk.

    Raises:
        OpeningRefused: if an item is cut short, or its row is no addition.
    """
    found: list[Evidence] = []
    at = 0
    while at < len(data):
        if at + _EVIDENCE.size > len(data):
            raise OpeningRefused(f"evidence: item {len(found)} is cut short")
        batch, index, their_batch, their_index, leaf, length = _EVIDENCE.unpack_from(data, at)
        at += _EVIDENCE.size
        path = _path(data, at, length, len(found))
        at += len(path)
        if leaf[NAME_BYTES] != ADD:
            raise OpeningRefused(f"evidence: item {len(found)} is of a removal")
        found.append(
            Evidence(batch=batch, index=index, their_batch=their_batch, their_index=their_index, leaf=leaf, path=path)
        )
    return found


def points_of(rows: Sequence[OpenedRow]) -> tuple[Bytes, Bytes]:
    """The tokens T and the points R of the rows: twice (n, 32) uint8."""
    tokens = np.frombuffer(b"".join(row.token for row in rows), np.uint8).reshape(-1, 32)
    points = np.frombuffer(b"".join(row.point for row in rows), np.uint8).reshape(-1, 32)
    return tokens, points


def _path(data: bytes, at: int, length: int, number: int) -> bytes:
    path = data[at : at + 32 * length]
    if length > LONGEST_PATH or len(path) != 32 * length:
        raise OpeningRefused(f"row {number}: its path is cut short, or too long")
    return path
