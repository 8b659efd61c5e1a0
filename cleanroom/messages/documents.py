"""Signed documents: canonical JSON (RFC 8785) that a partner or the escrow puts its Ed25519 signature under.

A document is kept and sent as the exact text that was signed. Reading one checks that the text is the canonical
form of what it says, so that one document has one digest. Types are append-only: a field is never reordered,
renamed or removed; a new shape is a new `type`.

What is signed is `packed("cleanroom/1 document", type, text)`; the digest is SHA-256 of the text.
"""

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, TypeVar, cast

from pydantic import (
    AfterValidator,
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
from cleanroom.messages.canonical import canonical
from matching.packing import packed

LABEL = b"cleanroom/1 document"
PLACES_NAMED = 8
REMEMBERED, LONGEST_REMEMBERED = 1_024, 16 << 10
"""How many documents a process remembers as it has read them, and the longest text of one."""


class DocumentRefused(VerificationFailed):
    """A document is not what its type says, not canonical, or not signed by whom it must be."""

    code = "document_refused"


def as_tuple(value: object) -> object:
    """JSON knows arrays only; ours are tuples."""
    return tuple(value) if isinstance(value, list) else value


def instant(moment: datetime) -> str:
    """The moment in UTC, to the second, as documents write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """The moment that an `Instant` names."""
    return datetime.fromisoformat(text)


def _in_the_calendar(text: str) -> str:
    try:
        moment(text)
    except ValueError:
        raise ValueError("no such moment") from None  # the library's own message repeats the text
    return text


def _hexadecimal(length: int) -> StringConstraints:
    # Pydantic's regular expressions are Rust's: `$` is the very end, never before a final line break.
    return StringConstraints(pattern=rf"^[0-9a-f]{{{length}}}$")


PartnerName = Annotated[PartnerId, _hexadecimal(32)]
RoomName = Annotated[RoomId, _hexadecimal(32)]
DigestText = Annotated[Digest, _hexadecimal(64)]
Bytes16 = Annotated[str, _hexadecimal(32)]
Bytes32 = Annotated[str, _hexadecimal(64)]
Bytes64 = Annotated[str, _hexadecimal(128)]
SealingKeyText = Annotated[str, _hexadecimal(2432)]
Instant = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"),
    AfterValidator(_in_the_calendar),
]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
# No control characters (C0, C1), line separators or bidirectional overrides: others' screens show titles.
Title = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+$",
    ),
]
Version = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_./+-]{1,80}$")]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Wire(BaseModel):
    """Base of everything that travels as JSON: frozen, strict, no unknown members."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Document(Wire):
    """Base of what is signed. `type` names the shape and never changes meaning."""

    type: str

    def text(self) -> str:
        """Canonical JSON text (RFC 8785)."""
        return canonical(self.model_dump(mode="json")).decode()

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
    if len(text) > LONGEST_REMEMBERED:
        return _read(kind, text)
    return cast("D", _remembered(kind, text))


def _read(kind: type[D], text: str) -> D:
    try:
        document = kind.model_validate_json(text)
    except ValidationError as error:
        raise DocumentRefused(f"{kind.__name__}: not valid at {_places(error)}") from None
    if document.text() != text:
        raise DocumentRefused(f"{kind.__name__}: not in canonical form (RFC 8785)")
    return document


_remembered = lru_cache(maxsize=REMEMBERED)(_read)  # a room's documents never change, and are read at every look


def _places(error: ValidationError) -> str:
    """The members at fault. The name of an unknown member is the sender's text, so it is not repeated."""
    found: set[str] = set()
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        known = item["loc"][:-1] if item["type"] == "extra_forbidden" else item["loc"]
        unknown = ["an unknown member"] if item["type"] == "extra_forbidden" else []
        found.add(".".join([*map(str, known), *unknown]) or "the text")
    more = f" and {len(found) - PLACES_NAMED} more" if len(found) > PLACES_NAMED else ""
    return ", ".join(sorted(found)[:PLACES_NAMED]) + more
