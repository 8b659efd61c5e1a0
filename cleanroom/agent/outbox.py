"""P3: one batch of this partner's list on its way to the escrow.

The outbox lives in the vault, so that a kill at any point costs at most one chunk of work, and whatever was sent once
is sent again byte for byte:

1. plan: the rows to send, in random order, with their keys (one transaction);
2. blind and seal, chunk by chunk;
3. sign the root, the histogram of shapes and the chunks' digests;
4. upload the chunks, then the signed snapshot, which commits all of it at the escrow;
5. promote: the batch becomes part of what is committed, and the outbox is emptied (one transaction).

A dry run keeps it in memory and stops after step 3.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from cleanroom.agent import own_growth
from cleanroom.agent.client import Place
from cleanroom.agent.committed import STATE_COLUMNS, Handles, Head, Population, apply, head, held, population, shapes_of
from cleanroom.agent.epochs import epoch_prefix, epoch_secrets, own_key
from cleanroom.agent.frames import from_bytes, to_bytes
from cleanroom.agent.probes import put_points
from cleanroom.agent.rooms import Room, room_context, sealing_info
from cleanroom.agent.session import Agent
from cleanroom.agent.sources import sources
from cleanroom.domain.vocabulary import Digest
from cleanroom.messages import batches
from cleanroom.messages.documents import instant, read_document
from cleanroom.messages.lists import ShapeCount, Snapshot
from cleanroom.messages.sealing import seal
from cleanroom.messages.signing import SignedDocument
from matching import changes, merkle, shapes, tokens
from matching.rows import (
    ADD,
    NO_KIND,
    NO_SEGMENT,
    REMOVE,
    TOKEN_BYTES,
    Bytes,
    Rows,
    concatenated,
    from_leaves,
)

NO_DIGEST = Digest("0" * 64)


class Store(Protocol):
    """Where an outbox lives: the vault, or memory."""

    def get(self, address: str) -> bytes | None:
        """The bytes at an address."""

    def put(self, address: str, value: bytes) -> None:
        """Keep bytes at an address."""


class Memory:
    """A store that forgets everything."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get(self, address: str) -> bytes | None:
        """The bytes at an address."""
        return self.kept.get(address)

    def put(self, address: str, value: bytes) -> None:
        """Keep bytes at an address."""
        self.kept[address] = value


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """A batch on its way. `plan` has the columns op, handle, segment, kind, key in the order of the wire."""

    store: Store
    prefix: str
    plan: pd.DataFrame = field(repr=False)
    number: int
    previous: Digest | None
    slot: int

    def chunks(self) -> range:
        """The numbers of the chunks."""
        return range(batches.chunk_count(len(self.plan)))

    def sealed(self, index: int) -> bytes:
        """A chunk as it leaves."""
        return self.store.get(f"{self.prefix}{index}/sealed") or b""

    def removed(self) -> Handles:
        """The handles of the entries that it takes out."""
        return self.plan["handle"][self.plan["op"] == REMOVE].to_numpy(dtype=object)

    def added(self) -> pd.DataFrame:
        """The rows that it brings: a frame of STATE_COLUMNS."""
        return self.plan[self.plan["op"] == ADD][STATE_COLUMNS]


def planned(agent: Agent, room: Room, store: Store, delta: changes.Changes, slot: int) -> Outbox:
    """Step 1: the batch that carries out `delta`, put into `store`."""
    last = head(agent, room)
    plan = _shuffled(delta)
    prefix = _prefix(room)
    meta = Head(number=last.number + 1 if last else 1, digest=last.digest if last else NO_DIGEST, slot=slot)
    store.put(prefix + "plan", to_bytes(plan))
    store.put(prefix + "meta", meta.model_dump_json().encode())
    return _outbox(store, prefix, plan, meta)


def unfinished(agent: Agent, room: Room) -> Outbox | None:
    """The batch in the vault that was planned and not promoted yet."""
    prefix = _prefix(room)
    plan, meta = agent.vault.get(prefix + "plan"), agent.load(Head, prefix + "meta")
    if plan is None or meta is None:
        return None
    return _outbox(agent.vault, prefix, from_bytes(plan), meta)


def blinded(agent: Agent, room: Room, outbox: Outbox) -> Rows:
    """Step 2: all rows of the batch with their tokens; each chunk is computed once and kept, open and sealed."""
    contexts = [
        tokens.key_context(room_context(room.id), room.epoch, str(item.kind), item.normaliser, item.tables)
        for item in room.terms.kinds
    ]
    recipient, scalar = bytes.fromhex(room.other.sealing_key), epoch_secrets(agent, room).scalar
    done = []
    with agent.progress.stage("blind", len(outbox.plan)) as advance:
        for index in outbox.chunks():
            place = f"{outbox.prefix}{index}/"
            known = outbox.store.get(place + "rows")
            if known is None:
                plan = outbox.plan.iloc[index * batches.CHUNK_ROWS : (index + 1) * batches.CHUNK_ROWS]
                added = (plan["op"] == ADD).to_numpy()
                value = np.zeros((len(plan), TOKEN_BYTES), np.uint8)
                of_kind = [contexts[kind] for kind in plan["kind"][added]]
                value[added] = tokens.blind(plan["key"][added].tolist(), of_kind, scalar)
                put_points(plan, value)
                rows = _rows(plan, value)
                info = sealing_info(agent.me, room.id, room.epoch, outbox.number, index)
                # The open rows come last: where they are, the sealed ones are too.
                outbox.store.put(place + "sealed", seal(batches.encode(rows), recipient, info))
                outbox.store.put(place + "rows", rows.leaves())
            else:
                rows = from_leaves(known, TOKEN_BYTES)
            done.append(rows)
            advance(len(rows))
    return concatenated(done)


def signed_snapshot(agent: Agent, room: Room, outbox: Outbox, rows: Rows) -> SignedDocument:
    """Step 3: the signed snapshot; made once and kept."""
    known = outbox.store.get(outbox.prefix + "document")
    if known is not None:
        return SignedDocument.model_validate_json(known)
    before = population(agent, room) - shapes_of(held(agent, room, outbox.removed()), room)
    shown = before + shapes_of(outbox.added(), room)
    with agent.progress.stage("merkle root"):
        root = merkle.root(rows.leaves(), rows.leaf_width)
    document = Snapshot(
        room=room.id,
        terms=room.terms.digest(),
        epoch=room.epoch,
        owner=agent.me,
        number=outbox.number,
        previous=outbox.previous or "",
        key=own_key(agent, room),
        rows=len(rows),
        root=Digest(root.hex()),
        shapes=shape_counts(shown),
        chunks=tuple(Digest(hashlib.sha256(outbox.sealed(index)).hexdigest()) for index in outbox.chunks()),
        sources=sources(agent, room.id),
        created=instant(agent.clock()),
    )
    signed = agent.sign(document)
    outbox.store.put(outbox.prefix + "document", signed.model_dump_json().encode())
    return signed


def upload(agent: Agent, room: Room, outbox: Outbox, signed: SignedDocument) -> None:
    """Step 4: send what the escrow does not have yet, and commit."""
    place = Place(room.id, room.epoch, agent.me, outbox.number)
    held = frozenset(agent.escrow.held_chunks(place))
    with agent.progress.stage("upload", len(outbox.plan)) as advance:
        for index in outbox.chunks():
            sealed = outbox.sealed(index)
            if hashlib.sha256(sealed).hexdigest() not in held:
                agent.escrow.put_sealed_chunk(place, index, sealed)
            advance(batches.chunk_rows(len(outbox.plan), index))
        agent.escrow.put_snapshot(place, signed)


def promote(agent: Agent, room: Room, outbox: Outbox, signed: SignedDocument, rows: Rows) -> None:
    """Step 5: the batch is part of what is committed; the outbox is empty."""
    prefix = epoch_prefix(room.id, room.epoch)
    snapshot = read_document(Snapshot, signed.document)
    with agent.vault.transaction():
        apply(agent, room, outbox.removed(), outbox.added(), rows.added().value)
        agent.save(prefix + "mine/population", Population(shapes=snapshot.shapes))
        agent.save(prefix + "mine/head", Head(number=outbox.number, digest=signed.digest(), slot=outbox.slot))
        came, went = set(outbox.added()["handle"]), set(outbox.removed())
        entries = sum(shape.entries for shape in snapshot.shapes)
        first = outbox.number == 1
        moved = (0, 0) if first else (len(came - went), len(went - came))
        own_growth.note_own(agent, room, entries=entries, come=moved[0], gone=moved[1])
        agent.vault.delete_all(outbox.prefix)


def shape_counts(histogram: Mapping[shapes.Shape, int]) -> tuple[ShapeCount, ...]:
    """A histogram of shapes as documents carry it: sorted."""
    return tuple(
        ShapeCount(segment=segment, keys=keys, entries=count) for (segment, keys), count in sorted(histogram.items())
    )


def _prefix(room: Room) -> str:
    return epoch_prefix(room.id, room.epoch) + "out/"


def _outbox(store: Store, prefix: str, plan: pd.DataFrame, meta: Head) -> Outbox:
    previous = None if meta.number == 1 else meta.digest
    return Outbox(store=store, prefix=prefix, plan=plan, number=meta.number, previous=previous, slot=meta.slot)


def _shuffled(delta: changes.Changes) -> pd.DataFrame:
    """Removals and additions in one random order, so that the order tells nothing of the list's."""
    n = len(delta.removed)
    gone = pd.DataFrame(
        {
            "op": np.full(n, REMOVE, np.uint8),
            "handle": delta.removed,
            "segment": np.full(n, NO_SEGMENT, np.uint8),
            "kind": np.full(n, NO_KIND, np.uint8),
            "key": pd.Series([""] * n, dtype="str"),
        }
    )
    come = delta.added[STATE_COLUMNS].assign(op=np.uint8(ADD))
    plan = pd.concat([gone, come], ignore_index=True)
    order = np.frombuffer(secrets.token_bytes(8 * len(plan)), np.uint64).argsort()
    return plan.iloc[order].reset_index(drop=True)


def _rows(plan: pd.DataFrame, value: Bytes) -> Rows:
    return Rows(
        name=np.frombuffer(b"".join(plan["handle"]), np.uint8).reshape(len(plan), 16),
        op=plan["op"].to_numpy(np.uint8),
        segment=plan["segment"].to_numpy(np.uint8),
        kind=plan["kind"].to_numpy(np.uint8),
        value=value,
    )
