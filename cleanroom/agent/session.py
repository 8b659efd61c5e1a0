"""An opened agent: what every operation of the partner's side works with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from filelock import FileLock, Timeout
from pydantic import Field

from cleanroom.agent.client import EscrowClient
from cleanroom.agent.keys import PrivateIdentity
from cleanroom.agent.progress import Progress
from cleanroom.agent.vault import Vault
from cleanroom.domain.clock import Clock
from cleanroom.domain.errors import NotPossibleNow
from cleanroom.domain.vocabulary import PartnerId, PartnerKind
from cleanroom.messages.documents import Bytes32, Document, Title, Wire, signing_input
from cleanroom.messages.signing import Signature, SignedDocument
from matching.normalise.tables import Tables

VAULT_FILE = "vault.db"
CONFIG = "config"

W = TypeVar("W", bound=Wire)


class HomeBusy(NotPossibleNow):
    """Another process of this agent is doing the same thing."""

    code = "home_busy"


class Config(Wire):
    """Who this agent is, and which escrow it talks to."""

    name: Title
    kind: Annotated[PartnerKind, Field(strict=False)]
    url: Title
    escrow_key: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """The partner's software with its vault open. Belongs to one thread."""

    home: Path
    config: Config
    vault: Vault
    identity: PrivateIdentity
    escrow: EscrowClient
    tables: Tables
    clock: Clock
    progress: Progress

    @property
    def me(self) -> PartnerId:
        """This partner's id."""
        return self.identity.public().partner_id

    def sign(self, document: Document) -> SignedDocument:
        """The document under this partner's signature alone."""
        return sign_document(self.identity, document)

    def signature(self, document_type: str, text: str) -> Signature:
        """This partner's signature under a document's text."""
        return signature_of(self.identity, document_type, text)

    def load(self, kind: type[W], address: str) -> W | None:
        """The JSON record at an address of the vault."""
        data = self.vault.get(address)
        return None if data is None else kind.model_validate_json(data)

    def save(self, address: str, record: Wire) -> None:
        """Put a JSON record into the vault."""
        self.vault.put(address, record.model_dump_json().encode())

    @contextmanager
    def locked(self, what: str) -> Iterator[None]:
        """Only one process of this home does `what` at a time.

        Raises:
            HomeBusy: if another one still does it after a minute.
        """
        lock = FileLock(self.home / f"{what}.lock", timeout=60)
        try:
            with lock:
                yield
        except Timeout:
            raise HomeBusy(f"another process of this agent is busy with {what}") from None


def sign_document(identity: PrivateIdentity, document: Document) -> SignedDocument:
    """The document under one partner's signature."""
    text = document.text()
    return SignedDocument(document=text, signatures=(signature_of(identity, document.type, text),))


def signature_of(identity: PrivateIdentity, document_type: str, text: str) -> Signature:
    """A partner's signature under a document's text."""
    signed = identity.sign(signing_input(document_type, text))
    return Signature(signer=identity.public().partner_id, signature=signed.hex())
