"""Signed documents: canonical JSON (RFC 8785) that a partner or the escrow puts its Ed25519 signature under.

A document is kept and sent as the exact text that was signed. Reading one checks that the text is the canonical
form of what it says, so that one document has one digest. Types are append-only: a field is never reordered,
renamed or removed; a new shape is a new `type`.

What is signed is `packed("cleanroom/1 document", type, text)`; the digest is SHA-256 of the text.
"""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import rfc8785
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from cleanroom.domain.errors import VerificationFailed
from cleanroom.domain.vocabulary import (
    Digest,
    PartnerId,
    RoomId,
)
from matching.packing import packed

LABEL = b"cleanroom/1 document"


class DocumentRefused(VerificationFailed):
    """A document is not what its type says, not canonical, or not signed by whom it must be."""

    code = "document_refused"


def as_tuple(value: object) -> object:
    """JSON knows arrays only; ours are tuples."""
    return tuple(value) if isinstance(value, list) else value


def _hexadecimal(length: int) -> StringConstraints:
    return StringConstraints(pattern=rf"^[0-9a-f]{{{length}}}\Z")


PartnerName = Annotated[PartnerId, _hexadecimal(32)]
RoomName = Annotated[RoomId, _hexadecimal(32)]
DigestText = Annotated[Digest, _hexadecimal(64)]
Bytes16 = Annotated[str, _hexadecimal(32)]
Bytes32 = Annotated[str, _hexadecimal(64)]
Bytes64 = Annotated[str, _hexadecimal(128)]
SealingKeyText = Annotated[str, _hexadecimal(2432)]
Instant = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}\Z")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
Version = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_./+-]{1,80}\Z")]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


def instant(moment: datetime) -> str:
    """The moment in UTC, to the second, as documents write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """The moment that an `Instant` names."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


class Wire(BaseModel):
    """Base of everything that travels as JSON: frozen, strict, no unknown members."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Document(Wire):
    """Base of what is signed. `type` names the shape and never changes meaning."""

    type: str

    def text(self) -> str:
        """Canonical JSON text (RFC 8785)."""
        return rfc8785.dumps(self.model_dump(mode="json")).decode()

    def digest(self) -> Digest:
        """SHA-256 of the canonical text."""
        return digest_of(self.text())


def digest_of(text: str) -> Digest:
    """SHA-256 of a document's text, as 64 hex characters."""
    return Digest(hashlib.sha256(text.encode()).hexdigest())


def signing_input(document_type: str, text: str) -> bytes:
    """The bytes under a document's signature."""
    return packed(LABEL, document_type.encode(), text.encode())


D = TypeVar("D", bound=Document)


def read_document(kind: type[D], text: str) -> D:
    """The document in `text`, which must be the canonical form of exactly that type.

    Raises:
        DocumentRefused: naming the type and the members at fault, never their values.
    """
    try:
        document = kind.model_validate_json(text)
    except ValidationError as error:
        places = sorted({".".join(map(str, item["loc"])) for item in error.errors()})
        raise DocumentRefused(f"{kind.__name__}: not valid at {', '.join(places) or 'the text'}") from None
    if document.text() != text:
        raise DocumentRefused(f"{kind.__name__}: not in canonical form (RFC 8785)")
    return document
