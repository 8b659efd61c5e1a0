"""P10: a room's log as this agent keeps it: every entry that it has seen, and the newest checkpoint that it witnessed.

What is kept here is only ever added to, stays when the room is left, and is all that an audit needs of the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Annotated

from pydantic import BeforeValidator

from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import Wire, as_tuple
from cleanroom.messages.entries import AnyEntry, bundled, read_entry, unbundled
from cleanroom.messages.notes import Checkpoint, read_checkpoint, read_note
from matching import merkle
from matching.tiles import WIDTH

_read = lru_cache(maxsize=16_384)(read_entry)  # a log is read at every look, and its entries never change


class Notes(Wire):
    """Checkpoints, as notes; "" for none. `newest` is mine, `other` the newest that the other member has cosigned.

    `told` is the newest of mine that the escrow has got. `conflicts` are those that were shown and contradict what was
    witnessed, `alarms` says what did not hold, and when.
    """

    newest: str = ""
    told: str = ""
    other: str = ""
    conflicts: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = ()
    alarms: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = ()

    def with_conflict(self, shown: str, what: str, at: str) -> "Notes":
        """The same, and what was shown. Each checkpoint and each alarm is remembered once."""
        known = {read_note(text).text for text in (self.newest, *self.conflicts) if text}
        fresh = () if read_note(shown).text in known else (shown,)
        alarm = () if any(text.endswith(what) for text in self.alarms) else (f"{at} {what}",)
        return self.model_copy(update={"conflicts": (*self.conflicts, *fresh), "alarms": (*self.alarms, *alarm)})


@dataclass(frozen=True)
class Ledger:
    """The entries of a log, oldest first, and the notes that cover them."""

    leaves: Sequence[bytes] = field(default=(), repr=False)
    notes: Notes = field(default_factory=Notes)

    @cached_property
    def hashes(self) -> bytes:
        """The hashes of all leaves, concatenated."""
        return b"".join(map(merkle.leaf_hash, self.leaves))

    @cached_property
    def entries(self) -> tuple[AnyEntry, ...]:
        """All entries, read. Raises EntryRefused."""
        return tuple(map(_read, self.leaves))

    def root(self, size: int) -> bytes | None:
        """The root when the log had that size; None if it is not known to have been so large."""
        return merkle.head(self.hashes[: size * merkle.HASH_BYTES]) if size <= len(self.leaves) else None

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The newest one that this agent has witnessed."""
        return read_checkpoint(read_note(self.notes.newest)) if self.notes.newest else None

    def indices(self, document: str) -> tuple[int, ...]:
        """Where a document is on record, by its digest."""
        return tuple(i for i, entry in enumerate(self.entries) if getattr(entry, "document", None) == document)


def load(agent: Agent, room: RoomId) -> Ledger:
    """What is kept of a room's log."""
    prefix = _prefix(room)
    bundles = (agent.vault.get(address) or b"" for address in agent.vault.addresses(prefix + "entries/"))
    leaves = [leaf for data in bundles for leaf in unbundled(data)]
    return Ledger(leaves, agent.load(Notes, prefix + "notes") or Notes())


def keep(agent: Agent, room: RoomId, ledger: Ledger, *, since: int) -> None:
    """Put the entries from `since` on, and the notes, into the vault, in one transaction."""
    with agent.vault.transaction():
        for number in range(since // WIDTH, -(-len(ledger.leaves) // WIDTH)):
            part = ledger.leaves[number * WIDTH : (number + 1) * WIDTH]
            agent.vault.put(f"{_prefix(room)}entries/{number:08}", bundled(part))
        agent.save(_prefix(room) + "notes", ledger.notes)


def _prefix(room: RoomId) -> str:
    return f"ledger/{room}/log/"
