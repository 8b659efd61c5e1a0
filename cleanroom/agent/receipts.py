"""P10: receipts: a self-contained proof that something of a room is on record, for whoever asks for it later."""

from dataclasses import dataclass

from cleanroom.agent.ledger import Ledger, load
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.entries import (
    DOCUMENTS,
    AnswerGiven,
    AnyEntry,
    CountsReleased,
    PolicyActivated,
    ReleaseRecorded,
)
from cleanroom.messages.inclusion import Inclusion
from cleanroom.messages.notes import Note, read_checkpoint, read_note
from matching import merkle


class NoReceipt(InputRefused):
    """There is no such thing on record, as far as this agent has witnessed the log."""

    code = "no_receipt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a receipt is asked for: exactly one of these. `release` and `policy` are of mine, numbered as shown."""

    release: int | None = None
    epoch: int | None = None
    policy: int | None = None
    answer: int | None = None
    document: str | None = None


def receipt(agent: Agent, room: RoomId, wanted: Wanted) -> str:
    """The newest entry that is asked for, as a tlog-proof under the checkpoint with the most witnesses.

    Raises:
        NoReceipt: nothing like that is on record.
    """
    ledger = load(agent, room)
    found = [i for i, entry in enumerate(ledger.entries) if _is_wanted(entry, wanted, agent.me)]
    if not found:
        raise NoReceipt("the room's log, as it was last witnessed, has no such entry")
    note = _covering(ledger, found[-1])
    size = read_checkpoint(note).size
    path = merkle.path(ledger.hashes[: size * merkle.HASH_BYTES], found[-1])
    return Inclusion(leaf=ledger.leaves[found[-1]], index=found[-1], path=path, checkpoint=note).text()


def all_receipts(agent: Agent, room: RoomId) -> dict[str, str]:
    """A receipt of each of my policies and releases on record: "policy-3", "release-2-17" (epoch, number)."""
    found: dict[str, str] = {}
    for entry in load(agent, room).entries:
        if isinstance(entry, PolicyActivated) and entry.owner == agent.me:
            found[f"policy-{entry.version}"] = receipt(agent, room, Wanted(document=entry.document))
        if isinstance(entry, ReleaseRecorded) and entry.sender == agent.me:
            found[f"release-{entry.epoch}-{entry.number}"] = receipt(agent, room, Wanted(document=entry.document))
    return found


def _is_wanted(entry: AnyEntry, wanted: Wanted, me: str) -> bool:
    if wanted.document is not None:
        return any(getattr(entry, name, "").startswith(wanted.document) for name in DOCUMENTS)
    match entry:
        case ReleaseRecorded(sender=sender, number=number, epoch=epoch):
            return sender == me and number == wanted.release and wanted.epoch in {None, epoch}
        case PolicyActivated(owner=owner, version=version):
            return owner == me and version == wanted.policy
        case AnswerGiven(number=number) | CountsReleased(number=number):
            return number == wanted.answer
        case _:
            return False


def _covering(ledger: Ledger, index: int) -> Note:
    """Of the notes that are kept, the one with the most signatures whose tree has the entry."""
    kept = [read_note(text) for text in (ledger.notes.newest, ledger.notes.other) if text]
    covering = [note for note in kept if read_checkpoint(note).size > index]
    if not covering:
        raise NoReceipt("this agent has not witnessed the entry yet: run cleanroom sync")
    return max(covering, key=lambda note: len(note.signatures))
