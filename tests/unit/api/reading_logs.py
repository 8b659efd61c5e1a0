"""What stands in the escrow's logs, read behind its API, and what partners witness of them."""

from collections.abc import Callable
from typing import Any

from conftest import Escrow
from partner import Partner, digest_in
from sqlalchemy import select

from cleanroom.messages.entries import AnyEntry, read_entry
from cleanroom.messages.notes import Note, cosign, partner_key, read_note
from escrow.ledger import OPERATOR, Log, of_room
from escrow.ledger_tables import LogEntry


def entries(escrow: Escrow, room: str | None = None) -> list[AnyEntry]:
    """All entries of a room's log, or of the operator's."""
    log: Log = of_room(room) if room else OPERATOR
    query = select(LogEntry.leaf).where(LogEntry.log == log).order_by(LogEntry.number)
    return [read_entry(data) for data in escrow.desk.read(lambda session: session.scalars(query).all())]


def log_path(room: str | None) -> str:
    return f"/v1/rooms/{room}/log" if room else "/v1/log"


def checkpoint(partner: Partner, room: str | None) -> Note:
    """A log's checkpoint, as the partner is shown it."""
    answer = partner.get(f"{log_path(room)}/checkpoint")
    assert answer.status_code == 200, answer.text
    return read_note(answer.content.decode())


def cosigned(note: Note, partner: Partner) -> Note:
    """The note, with the partner's cosignature of now."""
    key = partner_key(partner.id, partner.key)
    return note.with_signature(cosign(note.text, key, partner.identity.sign, at=partner.clock()))


class Watch:
    """What is new in a room's log, each time it is asked."""

    def __init__(self, escrow: Escrow, room: str | None) -> None:
        self.escrow, self.room = escrow, room
        self.seen = len(entries(escrow, room))

    def new(self) -> list[AnyEntry]:
        found = entries(self.escrow, self.room)[self.seen :]
        self.seen += len(found)
        return found

    def one(self) -> dict[str, Any]:
        (entry,) = self.new()
        return entry.model_dump(exclude={"at"})

    def after(self, write: Callable[[], Any]) -> dict[str, Any]:
        """The only new entry after a write that is accepted; its repeat leaves none."""
        digest_in(write())
        found = self.one()
        digest_in(write())
        assert self.new() == []
        return found
