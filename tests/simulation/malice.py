"""Parties that depart from the protocol: real agents with one honest step replaced, and an escrow that lies."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from cleanroom.agent import rooms, sync
from cleanroom.agent.client import EscrowClient, Place
from cleanroom.agent.epochs import epoch_secrets, own_key, publish_key
from cleanroom.agent.outbox import shape_counts
from cleanroom.agent.rooms import Room, open_room, room_context, sealing_info
from cleanroom.agent.session import Agent, sign_document
from cleanroom.domain.errors import CleanroomError
from cleanroom.domain.vocabulary import Digest, PartnerId, RoomId
from cleanroom.messages import batches
from cleanroom.messages.api import RoomView
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import DOCUMENTS, Entry, NoticeSent, read_entry
from cleanroom.messages.lists import Snapshot
from cleanroom.messages.rooms import EpochKey
from cleanroom.messages.sealing import seal
from cleanroom.messages.signing import SignedDocument
from escrow import ledger
from escrow.ledger_tables import LogEntry
from matching import merkle, tokens
from matching.group import Scalar, base_multiply
from matching.histogram import histogram
from matching.keyproof import key_statement, prove
from matching.rows import ADD, Bytes, Rows, applied, empty

DOMAIN = 3
"""The kind of the keys that are forged here, by its place in the default terms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forged:
    """A signed snapshot and its sealed chunks."""

    signed: SignedDocument
    sealed: tuple[bytes, ...]

    @property
    def snapshot(self) -> Snapshot:
        """What the document says."""
        return Snapshot.model_validate_json(self.signed.document)


class LyingEscrow(EscrowClient):
    """What an agent hears when the escrow changes its answers: signed, because the escrow signs what it likes.

    Its lies are on record: the log is its own, and it writes there what it likes, so long as it is the same for all.
    """

    def __init__(self, honest: EscrowClient, view: Callable[[RoomView], RoomView] = lambda view: view) -> None:
        super().__init__(honest._transport)  # noqa: SLF001 - the same line to the same escrow
        self.view = view
        self.chunks: dict[tuple[PartnerId, int, int], bytes] = {}
        self.enrolments: dict[str, SignedDocument] = {}

    def room(self, room: RoomId) -> RoomView:
        view = self.view(super().room(room))
        put_on_record(self, room, *(lie(signed.digest()) for signed in rooms.documents_of(view)))
        return view

    def sealed_chunk(self, place: Place, index: int) -> bytes:
        given = self.chunks.get((place.partner, place.number, index))
        return super().sealed_chunk(place, index) if given is None else given

    def partners(self):  # noqa: ANN201 - as the real one
        for signed in super().partners():
            yield self.enrolments.get(signed.digest(), signed)


def lie(digest: str) -> Entry:
    """An entry that has a document's digest, and says nothing true of it."""
    return NoticeSent(at="2026-01-01T00:00:00Z", document=digest, kind="request", number=1, sender="00" * 16)


def put_on_record(client: EscrowClient, room: RoomId, *entries: Entry) -> None:
    """The escrow writes into a room's log whatever is not there yet."""
    desk = client._transport._client.app._desk  # noqa: SLF001 - the service at the other end of the line
    log = ledger.of_room(room)

    def work(session: Session) -> Digest:
        query = select(LogEntry.leaf).where(LogEntry.log == log)
        known = [read_entry(data) for data in session.scalars(query)]
        digests = {getattr(entry, name, "") for entry in known for name in DOCUMENTS}
        for entry in entries:
            if entry.document not in digests:
                ledger.append(session, log, entry)
        return Digest("0" * 64)

    desk.database.write(work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A partner that makes its batches by hand."""

    agent: Agent
    room: Room

    @classmethod
    def enter(cls, agent: Agent, room: RoomId) -> "Owner":
        """With its epoch key published."""
        publish_key(agent, open_room(agent, room))
        return cls(agent=agent, room=open_room(agent, room))

    def tokens(self, keys: Sequence[str], kind: int = DOMAIN) -> Bytes:
        """Honest tokens."""
        item = self.room.terms.kinds[kind]
        place = room_context(self.room.id)
        context = tokens.key_context(place, self.room.epoch, str(item.kind), item.normaliser, item.tables)
        scalar = epoch_secrets(self.agent, self.room).scalar
        return tokens.blind(keys, [context] * len(keys), scalar)

    def rows(self, keys: Sequence[str], *, segment: int = 0, kind: int = DOMAIN) -> Rows:
        """An honest entry of one key for each key, in the order of the keys."""
        n = len(keys)
        return Rows(
            name=np.frombuffer(secrets.token_bytes(16 * n), np.uint8).reshape(n, 16),
            op=np.full(n, ADD, np.uint8),
            segment=np.full(n, segment, np.uint8),
            kind=np.full(n, kind, np.uint8),
            value=self.tokens(keys, kind),
        )

    def forge(
        self,
        rows: Rows,
        *,
        after: Forged | None = None,
        before: Rows | None = None,
        sealing: Callable[[bytes, int], bytes] | None = None,
        contents: Callable[[bytes, int], bytes] = lambda data, _: data,
        **claims: object,
    ) -> Forged:
        """A snapshot of these rows. `claims` replace members of the document.

        `before` is the state that the batch changes and `after` its snapshot; `contents` alters the open chunks and
        `sealing` replaces the sealing.
        """
        number = after.snapshot.number + 1 if after else 1
        recipient = bytes.fromhex(self.room.other.sealing_key)
        sealed = []
        for index in range(batches.chunk_count(len(rows))):
            part = rows.take(slice(index * batches.CHUNK_ROWS, (index + 1) * batches.CHUNK_ROWS))
            data = contents(batches.encode(part), index)
            info = sealing_info(self.agent.me, self.room.id, self.room.epoch, number, index)
            sealed.append(sealing(data, index) if sealing else seal(data, recipient, info))
        shapes = None
        if "shapes" not in claims:
            state = applied(before if before is not None else empty(32), rows)
            shapes = shape_counts(histogram(state, len(self.room.terms.kinds)))
        document = {
            "room": self.room.id,
            "terms": self.room.terms.digest(),
            "epoch": self.room.epoch,
            "owner": self.agent.me,
            "number": number,
            "previous": after.signed.digest() if after else "",
            "key": own_key(self.agent, self.room),
            "rows": len(rows),
            "root": merkle.root(rows.leaves(), rows.leaf_width).hex(),
            "shapes": shapes,
            "chunks": tuple(hashlib.sha256(item).hexdigest() for item in sealed),
            "sources": (),
            "created": instant(self.agent.clock()),
        }
        signed = self.agent.sign(Snapshot.model_validate({**document, **claims}))
        return Forged(signed=signed, sealed=tuple(sealed))

    def commit(self, forged: Forged) -> None:
        """Hand it to the real escrow."""
        place = Place(self.room.id, self.room.epoch, self.agent.me, forged.snapshot.number)
        for index, sealed in enumerate(forged.sealed):
            self.agent.escrow.put_sealed_chunk(place, index, sealed)
        self.agent.escrow.put_snapshot(place, forged.signed)


def shown(victim: Agent, owner: Owner, *forged: Forged) -> Agent:
    """The victim, to whom the escrow shows these snapshots of the owner's, whatever it would have refused."""
    me = f'"owner":"{owner.agent.me}"'

    def view(honest: RoomView) -> RoomView:
        others = tuple(signed for signed in honest.snapshots if me not in signed.document)
        chain = tuple(item.signed for item in forged)
        return honest.model_copy(update={"snapshots": (*others, *chain)})

    escrow = LyingEscrow(victim.escrow, view)
    for item in forged:
        for index, sealed in enumerate(item.sealed):
            escrow.chunks[owner.agent.me, item.snapshot.number, index] = sealed
    return replace(victim, escrow=escrow)


def lied_to(victim: Agent, view: Callable[[RoomView], RoomView]) -> Agent:
    """The victim, whose view of rooms the escrow changes."""
    return replace(victim, escrow=LyingEscrow(victim.escrow, view))


def epoch_key(
    signer: Agent, room: Room, scalar: Scalar, *, key: bytes | None = None, proof: bytes | None = None
) -> SignedDocument:
    """An epoch key with a proof bound to its signer, unless another one is given."""
    statement = key_statement(room_context(room.id), room.epoch, signer.identity.public().identity_key)
    document = EpochKey(
        room=room.id,
        terms=room.terms.digest(),
        epoch=room.epoch,
        partner=signer.me,
        key=(key if key is not None else base_multiply(scalar)).hex(),
        proof=(proof if proof is not None else prove(scalar, statement)).hex(),
    )
    return sign_document(signer.identity, document)


def problem_of(agent: Agent, room: RoomId) -> CleanroomError:
    """Why a sync of the room stopped."""
    (result,) = sync.sync(agent, room)
    assert result.problem is not None, result.steps
    return result.problem


def digest(text: str) -> Digest:
    """SHA-256 of a text."""
    return Digest(hashlib.sha256(text.encode()).hexdigest())
