"""P10: this agent as a witness of a room's log. Nothing is opened or released in a room whose log does not hold.

At each look:

1. the checkpoint is of this room's log, signed by the pinned escrow, and its moment is at most a minute old;
2. the log is not smaller than when it was last witnessed, and the entries that are served again are the same;
3. with the new entries, each of a known type, the tree has exactly the root of the checkpoint;
4. the newest checkpoint that the other member has cosigned is of this very tree;
5. every document that the escrow shows of the room is on record.

Then entries and checkpoint are kept, with this agent's own cosignature, before that is sent to the escrow: once, when a
sync has nothing more to do. What did not hold is remembered, and a checkpoint that contradicts what was kept is kept
beside it, as evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cleanroom.agent.client import log_of
from cleanroom.agent.ledger import Ledger, keep, load
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import NotPossibleNow, VerificationFailed
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import DOCUMENTS, unbundled
from cleanroom.messages.notes import (
    TIMED,
    Checkpoint,
    Note,
    NoteKey,
    cosign,
    cosigned,
    open_checkpoint,
    partner_key,
    read_checkpoint,
    read_note,
    room_origin,
)
from matching.tiles import WIDTH, bundles

CLOCK_SKEW: Final = timedelta(minutes=5)
FRESH: Final = timedelta(seconds=60)
COSIGN_AGAIN: Final = timedelta(minutes=10)
"""After which an unchanged log is cosigned again: a cosignature also says that nothing newer was known."""


class LogInconsistent(VerificationFailed):
    """The escrow's log does not continue what was witnessed, or its members are shown two different logs."""

    code = "log_inconsistent"


class NotOnRecord(VerificationFailed):
    """Something that discloses or agrees anything is not in the log."""

    code = "not_on_record"


class CheckpointStale(NotPossibleNow):
    """The escrow's newest checkpoint is not from now, by this machine's clock."""

    code = "checkpoint_stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What the escrow shows of a log: its checkpoint, the newest that the other member has cosigned, one bundle."""

    note: Note
    confirmed: Note | None
    first: int
    """Number of the bundle."""
    leaves: list[bytes]
    """Those of the bundle."""


def witness(agent: Agent, room: Room, *, anew: bool = False) -> Ledger:
    """The room's log, seen to hold, kept under this agent's cosignature. `anew`: every entry is compared again.

    Raises:
        CheckpointRefused, EntryRefused: a checkpoint or an entry is not what it must be.
        CheckpointStale: the checkpoint is not from now.
        LogInconsistent: naming what was kept and what is shown.
        NotOnRecord: the escrow shows a document that its log does not have.
    """
    with agent.locked(f"ledger-{room.id}"):
        kept = load(agent, room.id)
        look = _looked(agent, room, 0 if anew else max(len(kept.leaves) - 1, 0) // WIDTH)
        note, confirmed = look.note, look.confirmed
        shown = fresh_checkpoint(agent, note, room_origin(bytes.fromhex(agent.config.escrow_key), room.id))
        if kept.checkpoint is not None and shown.size < kept.checkpoint.size:
            raise _conflict(agent, room, kept, note, "it was rolled back")
        found = Ledger(_leaves(agent, room, kept, look), kept.notes)
        if found.root(shown.size) != shown.root:
            raise _conflict(agent, room, kept, note, "it does not continue what was witnessed")
        _require_on_record(room, found)
        if confirmed is not None and not _is_of(room, found, confirmed):
            raise _conflict(agent, room, kept, confirmed, f"{room.other.name} has cosigned another one")
        update = {"newest": str(_mine(agent, kept, note)), "other": str(confirmed or kept.notes.other)}
        seen = Ledger(found.leaves, kept.notes.model_copy(update=update))
        keep(agent, room.id, seen, since=len(kept.leaves))
        return seen


def tell(agent: Agent, room: RoomId) -> None:
    """Give the escrow this agent's newest cosignature of a room's log, if it has not got it."""
    with agent.locked(f"ledger-{room}"):
        kept = load(agent, room)
        if kept.notes.newest != kept.notes.told:
            agent.escrow.put_cosignature(log_of(room), agent.me, kept.notes.newest)
            notes = kept.notes.model_copy(update={"told": kept.notes.newest})
            keep(agent, room, Ledger(kept.leaves, notes), since=len(kept.leaves))


def witnessed(agent: Agent, room: Room) -> Checkpoint:
    """The room's log as it was last witnessed; it is looked at first if it never was."""
    checkpoint = load(agent, room.id).checkpoint or witness(agent, room).checkpoint
    if checkpoint is None:
        raise NotOnRecord(f"room {room.terms.title}: its log has no checkpoint")
    return checkpoint


def require_same(agent: Agent, room: Room, size: int, root: str, what: str) -> None:
    """That the other member has witnessed this very log: what it has signed names the log's size and root.

    Raises:
        LogInconsistent: it has witnessed another one.
    """
    ledger = load(agent, room.id)
    if size > len(ledger.leaves):
        ledger = witness(agent, room)
    mine = ledger.root(size)
    if mine is None or mine.hex() != root:
        raise _split(room, ledger.checkpoint, f"{what} stands on one of size {size}, root {root[:16]}")


def fresh_checkpoint(agent: Agent, note: Note, origin: str) -> Checkpoint:
    """Step 1. Raises CheckpointRefused, CheckpointStale."""
    checkpoint, since = open_checkpoint(note, origin, bytes.fromhex(agent.config.escrow_key))
    if not -CLOCK_SKEW <= agent.clock() - since <= FRESH + CLOCK_SKEW:
        raise CheckpointStale(
            f"log: the escrow's newest checkpoint ({checkpoint}) is not from now; if this machine's clock is right, "
            "the escrow is hiding what came after it"
        )
    return checkpoint


def witness_key(agent: Agent) -> NoteKey:
    """This agent's key as a witness."""
    return partner_key(agent.me, agent.identity.public().identity_key)


def cosigned_by_me(agent: Agent, note: Note) -> Note:
    """A log's checkpoint with this agent's cosignature, of now."""
    return note.with_signature(cosign(note.text, witness_key(agent), agent.identity.sign, at=agent.clock()))


def _looked(agent: Agent, room: Room, first: int) -> _Look:
    view, key = (
        agent.escrow.log(room.id, first),
        partner_key(room.other.partner, bytes.fromhex(room.other.identity_key)),
    )
    note, confirmed = read_note(view.checkpoint), read_note(view.cosigned) if view.cosigned else None
    return _Look(
        note=note,
        confirmed=note if note.of(key, TIMED) is not None else confirmed,
        first=first,
        leaves=[text.encode() for text in view.leaves],
    )


def _leaves(agent: Agent, room: Room, kept: Ledger, look: _Look) -> Sequence[bytes]:
    """Steps 2 and 3, but for the root. The last bundle that was kept is looked at again, grown or not."""
    leaves = list(kept.leaves[: look.first * WIDTH])
    for number, width in bundles(look.first * WIDTH, read_checkpoint(look.note).size):
        came_along = number == look.first
        part = look.leaves if came_along else list(unbundled(agent.escrow.log_bundle(log_of(room.id), number, width)))
        before = kept.leaves[number * WIDTH : number * WIDTH + width]
        altered = next((i for i, (old, new) in enumerate(zip(before, part, strict=False)) if old != new), None)
        if altered is not None:
            raise _conflict(agent, room, kept, look.note, f"entry {number * WIDTH + altered} was rewritten")
        if len(part) != width:
            raise _conflict(agent, room, kept, look.note, f"entries from {number * WIDTH} on are missing")
        leaves += part
    return leaves


def _is_of(room: Room, found: Ledger, confirmed: Note) -> bool:
    """Step 4: whether what the other member has cosigned is of this very tree."""
    signed = read_checkpoint(confirmed)
    if cosigned(confirmed, partner_key(room.other.partner, bytes.fromhex(room.other.identity_key))) is None:
        raise _split(room, signed, "what the escrow shows as cosigned by the other side is not")
    origin = room_origin(bytes.fromhex(room.terms.escrow_key), room.id)
    return signed.origin == origin and found.root(signed.size) == signed.root


def _mine(agent: Agent, kept: Ledger, note: Note) -> Note:
    """The note under this agent's cosignature: the one that is kept, if the log is the same and it is recent."""
    before = read_note(kept.notes.newest) if kept.notes.newest else None
    if before is not None and before.text == note.text:
        since = cosigned(before, witness_key(agent))
        if since is not None and agent.clock() - since < COSIGN_AGAIN:
            return before
    return cosigned_by_me(agent, note)


def _require_on_record(room: Room, found: Ledger) -> None:
    """Step 5, and that each entry is of a known type."""
    logged = {getattr(entry, name, "") for entry in found.entries for name in DOCUMENTS}
    missing = [signed for signed in room.documents if signed.digest() not in logged]
    if missing:
        kind = missing[0].document.partition('"type":"')[2].partition('"')[0]
        raise NotOnRecord(
            f"room {room.terms.title}: the escrow shows a document ({kind}) that is not in the room's log"
        )


def _conflict(agent: Agent, room: Room, kept: Ledger, shown: Note, what: str) -> LogInconsistent:
    """The error, once the evidence is kept."""
    notes = kept.notes.with_conflict(str(shown), what, instant(agent.clock()))
    keep(agent, room.id, Ledger(kept.leaves, notes), since=len(kept.leaves))
    return _split(room, kept.checkpoint, f"{what}. Shown: {read_checkpoint(shown)}")


def _split(room: Room, kept: Checkpoint | None, what: str) -> LogInconsistent:
    return LogInconsistent(
        f"room {room.terms.title}: the escrow's log is not the one that was witnessed: {what}. Witnessed: "
        f"{kept or 'nothing yet'}. Nothing is opened or released; call the other side, and keep this home"
    )
