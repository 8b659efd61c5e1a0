"""P10: the logs: one for each room, one for the operator. Entries are appended in the transaction that they tell of.

A room's log is serial by the room's lock, the operator's by a lock of its own; so is whoever makes a log, by its name.
A log outlives what it tells of: `escrow.purge` does not touch it. Who has witnessed it: `escrow.witnesses`.
"""

from collections.abc import Sequence
from typing import Final, NewType

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cleanroom.messages.entries import MOST_LEAF_BYTES, Entry, EntryRefused, bundled, leaf, read_entry
from escrow.errors import NotFound
from escrow.ledger_tables import LogEntry, LogRecord, LogTile
from escrow.rooms import EnteredRoom
from matching.merkle import HASH_BYTES, leaf_hash
from matching.refusal import Refusal
from matching.tiles import WIDTH, Tree, appended, read_tile_name

Log = NewType("Log", str)
"""A log's name: `rooms/{room}`, or `operator`."""

OPERATOR: Final = Log("operator")
HIGHEST_LEVEL: Final = 5
"""C2SP's: tiles of level 5 are enough for 2**63 entries."""

_SIZE: Final = select(LogRecord.size).where(LogRecord.name == bindparam("log"))
_HASHES: Final = select(LogTile.hashes).where(
    LogTile.log == bindparam("log"), LogTile.level == bindparam("level"), LogTile.number == bindparam("number")
)
_LEAVES: Final = (
    select(LogEntry.leaf)
    .where(LogEntry.log == bindparam("log"), LogEntry.number >= bindparam("first"), LogEntry.number < bindparam("end"))
    .order_by(LogEntry.number)
)


def of_room(room: str) -> Log:
    """A room's log."""
    return Log(f"rooms/{room}")


def enter(room: EnteredRoom, entry: Entry) -> None:
    """Append to a room's log. The room is locked."""
    append(room.session, of_room(room.id), entry)


def append(session: Session, log: Log, entry: Entry) -> None:
    """Append an entry, in this transaction. Where the clock went back, it is as late as the one before.

    Raises:
        EntryRefused: its leaf is longer than an entry can be.
    """
    record = locked(session, log)
    data = leaf(entry.model_copy(update={"at": max(entry.at, _last_moment(session, record))}))
    if len(data) > MOST_LEAF_BYTES:
        raise EntryRefused("longer than an entry can be")
    for level, number, hashes in appended(record.size, leaf_hash(data), tree(session, log, record.size).read):
        held = session.get(LogTile, (log, level, number))
        if held is None:
            session.add(LogTile(log=log, level=level, number=number, hashes=hashes))
        else:
            held.hashes = hashes
    session.add(LogEntry(log=log, number=record.size, leaf=data))
    record.size += 1
    session.flush()


def locked(session: Session, log: Log) -> LogRecord:
    """The log, made at its first use: nobody else appends to it before this transaction ends."""
    record = session.scalar(select(LogRecord).where(LogRecord.name == log).with_for_update())
    if record is None:
        record = LogRecord(name=log, size=0)
        session.add(record)
        session.flush()
    return record


def size(session: Session, log: Log) -> int:
    """How many entries a log has; none where it was never written."""
    return session.scalar(_SIZE, {"log": log}) or 0


def tree(session: Session, log: Log, entries: int) -> Tree:
    """The tree of the log when it had so many entries."""

    def read(level: int, number: int, width: int) -> bytes:
        return _hashes(session, log, level, number)[: width * HASH_BYTES]

    return Tree(entries, read)


def tile(session: Session, log: Log, level: int, name: str) -> bytes:
    """A tile, as wide as its name says, if it is or was. Raises NotFound."""
    number, width = _place(name)
    hashes = _hashes(session, log, level, number)[: width * HASH_BYTES]
    if len(hashes) < width * HASH_BYTES:
        raise NotFound
    return hashes


def bundle(session: Session, log: Log, name: str) -> bytes:
    """The entries of a tile of leaves: each leaf behind its length (16 bits, big-endian). Raises NotFound."""
    number, width = _place(name)
    found = leaves(session, log, number, width)
    if len(found) < width:
        raise NotFound
    return bundled(found)


def leaves(session: Session, log: Log, number: int, width: int = WIDTH) -> Sequence[bytes]:
    """The first `width` leaves of a bundle, or as many as there are."""
    first = number * WIDTH
    return session.scalars(_LEAVES, {"log": log, "first": first, "end": first + width}).all()


def _place(name: str) -> tuple[int, int]:
    try:
        number, width = read_tile_name(name)
    except Refusal:
        raise NotFound from None
    if number * WIDTH >= 1 << 53:
        raise NotFound
    return number, width


def _hashes(session: Session, log: Log, level: int, number: int) -> bytes:
    return session.scalar(_HASHES, {"log": log, "level": level, "number": number}) or b""


def _last_moment(session: Session, record: LogRecord) -> str:
    """When the last entry was made; moments in this form sort as texts. Empty for none."""
    last = session.get(LogEntry, (record.name, record.size - 1))
    return read_entry(last.leaf).at if last else ""
