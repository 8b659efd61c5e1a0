"""P10: no entry, no disclosure, on this side too: what is about to leave is seen to be on record before it does.

1. The document is put on record: the escrow has it, and none of its content.
2. The log is witnessed anew; it holds, and has an entry of this agent's with the document's digest, which the entry's
   audit path ties to the checkpoint.
3. A line of this agent's own journal says so, signed, and is kept with whatever an audit needs to know of the content.

Only then is content uploaded. A retry finds the line of the journal and adds no second one.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from cleanroom.agent.archive import archive
from cleanroom.agent.ledger import Ledger
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.witness import NotOnRecord, witness
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import instant, read_document
from cleanroom.messages.entries import OpeningRecorded, ReleaseRecorded
from cleanroom.messages.records import HandedOver
from cleanroom.messages.signing import SignedDocument
from matching import merkle

_SELF: Final = {OpeningRecorded: "prover", ReleaseRecorded: "sender"}


def require_recorded(
    agent: Agent, room: Room, signed: SignedDocument, details: Mapping[str, bytes] | None = None
) -> None:
    """Steps 2 and 3. `details` are kept at their addresses, in the transaction of the journal.

    Raises:
        NotOnRecord: the log has no such entry of this agent's.
        LogInconsistent, CheckpointRefused, CheckpointStale: see `witness`.
    """
    with agent.progress.stage("record", 1) as advance:
        ledger = witness(agent, room)
        advance(1)
    index = _index(agent, ledger, signed.digest())
    if index is None:
        raise NotOnRecord(f"room {room.terms.title}: what is about to be uploaded is not in the room's log")
    lines = list(journal(agent, room.id))
    if any(read_document(HandedOver, line.document).document == signed.digest() for line in lines):
        return
    checkpoint = ledger.checkpoint
    if checkpoint is None:
        raise NotOnRecord(f"room {room.terms.title}: its log has no checkpoint")
    line = HandedOver(
        room=room.id,
        partner=agent.me,
        number=len(lines) + 1,
        previous=lines[-1].digest() if lines else "",
        document=signed.digest(),
        index=index,
        log_size=checkpoint.size,
        log_root=checkpoint.root.hex(),
        created=instant(agent.clock()),
    )
    archive(agent, room.id, [signed])
    with agent.vault.transaction():
        agent.save(f"{_prefix(room.id)}{line.number:08}", agent.sign(line))
        for address, data in (details or {}).items():
            agent.vault.put(address, data)


def journal(agent: Agent, room: RoomId) -> Iterator[SignedDocument]:
    """The journal's lines, oldest first."""
    for address in agent.vault.addresses(_prefix(room)):
        line = agent.load(SignedDocument, address)
        if line is not None:
            yield line


def _index(agent: Agent, ledger: Ledger, digest: str) -> int | None:
    """Where my entry with that digest is, by a path that leads to the checkpoint's root."""
    checkpoint, hashes = ledger.checkpoint, ledger.hashes
    for index in reversed(ledger.indices(digest)):
        entry = ledger.entries[index]
        if checkpoint is None or getattr(entry, _SELF.get(type(entry), ""), None) != agent.me:
            continue
        path = merkle.path(hashes[: checkpoint.size * merkle.HASH_BYTES], index)
        if merkle.root_from_path(ledger.leaves[index], index, checkpoint.size, path) == checkpoint.root:
            return index
    return None


def _prefix(room: RoomId) -> str:
    return f"ledger/{room}/journal/"
