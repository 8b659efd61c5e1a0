"""A room's log as an honest escrow keeps it, with what members sign about it.

A `Twist` changes one thing while it happens, so that all that comes later (roots, signatures, journals) is made on top
of it, as a lying escrow or member would do it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from partners_made import ANA, BEGINS, BO, ESCROW_KEY, ESCROW_PUBLIC, ROOM, Partner
from policymakers import Named, Signer, envelope

from cleanroom.audit.bundle import Bundle, Contents
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import Document, instant
from cleanroom.messages.entries import Entry, leaf
from cleanroom.messages.inclusion import Inclusion
from cleanroom.messages.notes import Checkpoint, Note, cosign, partner_key, room_origin, sign_checkpoint
from cleanroom.messages.policies import PolicyDocument
from cleanroom.messages.receipts import Receipt
from cleanroom.messages.records import HandedOver, Record
from cleanroom.messages.rooms import Terms
from cleanroom.messages.signing import ESCROW, SignedDocument
from matching import merkle
from matching.tiles import WIDTH, Tree


def _same(value: Any) -> Any:  # noqa: ANN401 - whatever it is
    return value


@dataclass(frozen=True, kw_only=True)
class Twist:
    """One thing that goes otherwise. Each takes what an honest room has, and gives what this one has."""

    entry: Callable[[Entry], Entry | None] = _same
    document: Callable[[Document], Document] = _same
    signers: Callable[[Document, tuple[Signer, ...]], tuple[Signer, ...]] = lambda _, signers: signers
    records: Callable[[list[Record]], list[Record]] = _same
    carried: Callable[[Document], bool] = lambda _: True


@dataclass
class Log:
    """The log, the documents and the journals of a room, as they come about."""

    twist: Twist = field(default_factory=Twist)
    room: RoomId = ROOM
    now: datetime = BEGINS
    leaves: list[bytes] = field(default_factory=list)
    documents: dict[str, SignedDocument] = field(default_factory=dict)
    journal: dict[str, list[SignedDocument]] = field(default_factory=lambda: {ANA.id: [], BO.id: []})
    records: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    policies: dict[str, PolicyDocument] = field(default_factory=dict)
    versions: list[Terms] = field(default_factory=list)

    def add(self, of_type: type[Entry], /, **members: Any) -> int:  # noqa: ANN401 - any member
        """The entry, a minute later; its index."""
        self.now += timedelta(minutes=1)
        entry = self.twist.entry(of_type.model_validate({"at": instant(self.now), **members}))
        if entry is not None:
            self.leaves.append(leaf(entry))
        return len(self.leaves) - 1

    def signed(self, document: Document, *signers: Signer) -> SignedDocument:
        """The document as it is signed, which is kept."""
        document = self.twist.document(document)
        signed = envelope(document, *self.twist.signers(document, signers))
        if self.twist.carried(document):
            self.documents[signed.digest()] = signed
        return signed

    def root(self, size: int | None = None) -> bytes:
        return merkle.head(b"".join(map(merkle.leaf_hash, self.leaves[:size])))

    def witnessed(self) -> dict[str, Any]:
        return {"log_size": len(self.leaves), "log_root": self.root().hex()}

    def note(self, size: int | None = None, *witnesses: Partner, signer: Ed25519PrivateKey = ESCROW_KEY) -> Note:
        """The checkpoint at a size, cosigned by these."""
        size = len(self.leaves) if size is None else size
        checkpoint = Checkpoint(room_origin(ESCROW_PUBLIC, self.room), size, self.root(size))
        note = sign_checkpoint(checkpoint, ESCROW_PUBLIC, signer.sign, at=self.now)
        for partner in witnesses:
            name = partner_key(partner.id, partner.key.public_key().public_bytes_raw())
            note = note.with_signature(cosign(note.text, name, partner.key.sign, at=self.now))
        return note

    def receipt(self, index: int, size: int = 0) -> str:
        """The proof that an entry is in the log, as it was when it had one tile at most."""
        size = size or min(WIDTH, len(self.leaves))
        hashes = b"".join(map(merkle.leaf_hash, self.leaves[:size]))
        path = Tree(size, lambda *_: hashes).inclusion(index)
        return Inclusion(leaf=self.leaves[index], index=index, path=path, checkpoint=self.note(size)).text()

    def bundle(self, **changes: Any) -> Bundle:  # noqa: ANN401 - any member
        """What Ana would export."""
        made = {
            "contents": Contents(
                created=instant(self.now), escrow_key=ESCROW_PUBLIC.hex(), exported_by=ANA.id, room=self.room
            ),
            "leaves": list(self.leaves),
            "checkpoint": str(self.note(None, ANA, BO)),
            "cosigned": {ANA.id: str(self.note(None, ANA)), BO.id: str(self.note(len(self.leaves) - 3, BO))},
            "documents": tuple(self.documents.values()),
            "records": dict(self.records),
            "journal": {ANA.id: tuple(self.journal[ANA.id])},
            "receipts": {"0000": self.receipt(4)},
        }
        return Bundle(**{**made, **changes})

    def came(self, signed: SignedDocument, state: str) -> str:
        """The escrow's receipt for what is entered next."""
        at = instant(self.now + timedelta(minutes=1))
        receipt = Receipt.model_validate({"room": self.room, "of": signed.digest(), "state": state, "received": at})
        return self.signed(receipt, Named(ESCROW, ESCROW_KEY)).digest()

    def noted(self, partner: Partner, signed: SignedDocument, index: int) -> None:
        """In the partner's own journal."""
        before = self.journal[partner.id]
        item = HandedOver(
            room=self.room,
            partner=partner.id,
            number=len(before) + 1,
            previous=before[-1].digest() if before else "",
            document=signed.digest(),
            index=index,
            created=instant(self.now),
            **self.witnessed(),
        )
        before.append(envelope(item, partner.signer))


def indices(bundle: Bundle, kind: type[Entry]) -> list[int]:
    """Where the entries of a type stand."""
    name = f'"type":"{kind.model_fields["type"].default}"'.encode()
    return [index for index, data in enumerate(bundle.leaves) if name in data]


def altered(of_type: type[Entry], /, **changes: Any) -> Callable[[Entry], Entry]:  # noqa: ANN401 - any member
    """A twist of the first entry of a type."""
    done: list[Entry] = []

    def change(entry: Entry) -> Entry:
        if isinstance(entry, of_type) and not done:
            done.append(entry)
            return entry.model_copy(update=changes)
        return entry

    return change
