"""An escrow that keeps two logs, or rewrites one: it signs what it likes."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from world import World

from cleanroom.agent.client import EscrowClient
from cleanroom.agent.session import Agent
from cleanroom.domain.clock import Clock
from cleanroom.domain.vocabulary import PartnerId, RoomId
from cleanroom.messages.api import LogView
from cleanroom.messages.entries import Entry, leaf, read_entry
from cleanroom.messages.notes import Checkpoint, Note, operator_origin, room_origin, sign_checkpoint
from escrow import ledger
from escrow.identity import EscrowKey
from escrow.ledger_tables import CosignatureRecord, LogEntry, LogRecord, LogTile
from matching import merkle
from matching.tiles import WIDTH

Leaves = list[bytes]


class SecondLog(EscrowClient):
    """What an agent hears of a log that the escrow made for it alone: `change` makes it out of the real one.

    `cosignatures`: whether the escrow shows it what the other member has cosigned.
    """

    def __init__(
        self,
        honest: EscrowClient,
        key: EscrowKey,
        clock: Clock,
        *,
        change: Callable[[Leaves], Leaves] = lambda leaves: leaves,
        cosignatures: bool = True,
    ) -> None:
        super().__init__(honest._transport)  # noqa: SLF001 - the same line to the same escrow
        self.key, self.clock, self.change, self.cosignatures = key, clock, change, cosignatures

    def log(self, room: RoomId, bundle: int) -> LogView:
        honest = super().log(room, bundle)
        leaves = self.change([text.encode() for text in honest.leaves])
        assert bundle == 0
        assert len(leaves) < WIDTH
        return LogView(
            checkpoint=str(signed(self.key, room, leaves, self.clock)),
            cosigned=honest.cosigned if self.cosignatures else None,
            leaves=tuple(item.decode() for item in leaves),
        )

    def put_cosignature(self, log: str, partner: PartnerId, note: str) -> None:
        """The operator's log stays honest."""
        if "/rooms/" not in log:
            super().put_cosignature(log, partner, note)


def with_second_log(victim: Agent, world: World, **how: object) -> Agent:
    """The victim, to whom the escrow shows a log of its own."""
    return replace(victim, escrow=SecondLog(victim.escrow, world.key, world.clock, **how))


def signed(key: EscrowKey, room: RoomId, leaves: Sequence[bytes], clock: Clock) -> Note:
    """A checkpoint over these leaves, as the escrow would sign it."""
    root = merkle.head(b"".join(map(merkle.leaf_hash, leaves)))
    return sign_checkpoint(
        Checkpoint(room_origin(key.public, room), len(leaves), root), key.public, key.sign, at=clock()
    )


def signed_operator(world: World, size: int) -> str:
    """The operator's log as it was once, signed again today."""

    def work(session: Session) -> bytes:
        return ledger.tree(session, ledger.OPERATOR, size).root()

    said = Checkpoint(operator_origin(world.key.public), size, world.database.read(work))
    return str(sign_checkpoint(said, world.key.public, world.key.sign, at=world.clock()))


def entries_of(world: World, room: RoomId) -> list[Entry]:
    """The log as the escrow's database has it."""

    def work(session: Session) -> list[Entry]:
        query = select(LogEntry.leaf).where(LogEntry.log == ledger.of_room(room)).order_by(LogEntry.number)
        return [read_entry(data) for data in session.scalars(query)]

    return world.database.read(work)


def rewrite(world: World, room: RoomId, change: Callable[[Leaves], Leaves]) -> None:
    """The operator makes the whole log anew out of the old one, tree and all, and forgets who cosigned it."""

    def work(session: Session) -> None:
        log = ledger.of_room(room)
        query = select(LogEntry.leaf).where(LogEntry.log == log).order_by(LogEntry.number)
        leaves = change(list(session.scalars(query)))
        for table in (LogEntry, LogTile, CosignatureRecord):
            session.execute(delete(table).where(table.log == log))
        session.execute(delete(LogRecord).where(LogRecord.name == log))
        session.flush()
        for data in leaves:
            ledger.append(session, log, read_entry(data))

    world.database.write(work)


def edit_row(world: World, room: RoomId, number: int, entry: Entry) -> None:
    """The operator edits one row of the database."""

    def work(session: Session) -> None:
        session.get_one(LogEntry, (ledger.of_room(room), number)).leaf = leaf(entry)

    world.database.write(work)
