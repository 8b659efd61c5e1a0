"""P10: exporting what an audit of a room needs, as one file. All of it is in the vault; the escrow is only asked again.

Where the escrow can be asked, every entry of the log is fetched anew and compared with what is kept. A room whose log
does not hold, or that was left, is exported all the same: the file then has the contradiction, or ends where the room
ended.
"""

from dataclasses import dataclass
from pathlib import Path

from cleanroom.agent.archive import archive, archived
from cleanroom.agent.ledger import Ledger, load
from cleanroom.agent.receipts import all_receipts
from cleanroom.agent.recording import journal
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.shown_records import lines_of
from cleanroom.agent.witness import tell, witness
from cleanroom.audit.bundle import Bundle, Contents, write
from cleanroom.domain.errors import CleanroomError, NotPossibleNow
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import MemberNamed


class NothingWitnessed(NotPossibleNow):
    """This agent has not witnessed the room's log yet, so there is nothing to check."""

    code = "nothing_witnessed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What is in the file. `problem`: why the log could not be compared with the escrow's now."""

    entries: int
    documents: int
    releases: int
    conflicts: int
    problem: CleanroomError | None


def export(agent: Agent, room: RoomId, path: Path) -> Exported:
    """Write the room's bundle to a file, in place of any other.

    Raises:
        NothingWitnessed: there is no log of the room in the vault.
        OSError: the file cannot be written.
    """
    problem = _compared(agent, room)
    ledger = load(agent, room)
    if not ledger.notes.newest:
        raise NothingWitnessed("the room's log was not witnessed by this agent yet: run cleanroom sync")
    bundle = Bundle(
        contents=Contents(
            created=instant(agent.clock()),
            escrow_key=agent.config.escrow_key,
            exported_by=agent.me,
            room=room,
        ),
        leaves=ledger.leaves,
        checkpoint=ledger.notes.newest,
        cosigned=_cosigned(agent, ledger),
        documents=tuple(archived(agent, room)),
        records={release: tuple(lines) for release, lines in lines_of(agent, room).items()},
        journal={agent.me: tuple(journal(agent, room))},
        receipts=all_receipts(agent, room),
        conflicts=_conflicts(ledger),
    )
    write(path, bundle)
    return Exported(
        entries=len(bundle.leaves),
        documents=len(bundle.documents),
        releases=len(bundle.records),
        conflicts=len(bundle.conflicts),
        problem=problem,
    )


def _compared(agent: Agent, room: RoomId) -> CleanroomError | None:
    """Look at the log and at all documents once more; why that was not possible, or did not hold."""
    try:
        view = open_room(agent, room)
        archive(agent, room, view.documents)
        archive(agent, room, agent.escrow.answers(room))
        ledger = witness(agent, view, anew=True)
        tell(agent, room)
        _archive_enrolments(agent, room, ledger)
    except CleanroomError as error:
        return error
    return None


def _archive_enrolments(agent: Agent, room: RoomId, ledger: Ledger) -> None:
    named = {entry.document for entry in ledger.entries if isinstance(entry, MemberNamed)}
    missing = named - {signed.digest() for signed in archived(agent, room)}
    if missing:
        archive(agent, room, (signed for signed in agent.escrow.partners() if signed.digest() in missing))


def _cosigned(agent: Agent, ledger: Ledger) -> dict[str, str]:
    """The newest notes of both members, by partner."""
    members = [entry.partner for entry in ledger.entries if isinstance(entry, MemberNamed)]
    notes = {member: ledger.notes.newest if member == agent.me else ledger.notes.other for member in members}
    return {member: text for member, text in notes.items() if text}


def _conflicts(ledger: Ledger) -> dict[str, str]:
    return {str(number): text for number, text in enumerate(ledger.notes.conflicts, start=1)}
