"""The envelope around a signed document, and the one function that opens it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BeforeValidator, Field

from cleanroom.domain.vocabulary import Digest
from cleanroom.messages.documents import (
    LONGEST_REMEMBERED,
    REMEMBERED,
    Bytes64,
    Document,
    DocumentRefused,
    Wire,
    as_tuple,
    digest_of,
    read_document,
    signing_input,
)

ESCROW = "escrow"
"""The signer's name where the escrow itself signs."""

SignerName = Annotated[str, Field(pattern=r"^([0-9a-f]{32}|escrow)$")]


class Signature(Wire):
    """An Ed25519 signature over `signing_input(type, text)`."""

    signer: SignerName
    signature: Bytes64


class SignedDocument(Wire):
    """A document's exact text with the signatures under it."""

    document: Annotated[str, Field(max_length=16_000_000)]
    signatures: Annotated[tuple[Signature, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=8)]

    def digest(self) -> Digest:
        """SHA-256 of the document's text."""
        return digest_of(self.document)


D = TypeVar("D", bound=Document)


def check_signature(document_type: str, text: str, signature: Signature, identity_key: bytes) -> None:
    """Check one signature.

    Raises:
        DocumentRefused: if it does not hold.
    """
    holds = _holds if len(text) > LONGEST_REMEMBERED else _remembered
    if not holds(identity_key, signature.signature, signing_input(document_type, text)):
        raise DocumentRefused(f"{document_type}: a signature does not hold")


def _holds(identity_key: bytes, signature: str, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(identity_key).verify(bytes.fromhex(signature), signed)
    except (InvalidSignature, ValueError):
        return False
    return True


_remembered = lru_cache(maxsize=REMEMBERED)(_holds)  # what was checked once is looked at again and again


def open_document(kind: type[D], signed: SignedDocument, signers: Mapping[str, bytes]) -> D:
    """The document, once *every* one of `signers` (name -> identity key) is seen to have signed it, and nobody else.

    Raises:
        DocumentRefused: if the text, the set of signers or a signature is not as it must be.
    """
    if not signers:
        raise DocumentRefused(f"{kind.__name__}: no signer is known")
    document = read_document(kind, signed.document)
    names = [signature.signer for signature in signed.signatures]
    if sorted(names) != sorted(signers):
        raise DocumentRefused(f"{kind.__name__}: not signed by exactly whom it must be")
    for signature in signed.signatures:
        check_signature(document.type, signed.document, signature, signers[signature.signer])
    return document
