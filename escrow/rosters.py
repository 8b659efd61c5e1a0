"""P6: who the people of a partner are: keys and roles, a chain of versions."""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.documents import instant, moment, read_document
from cleanroom.messages.entries import RosterPublished
from cleanroom.messages.signing import SignedDocument
from cleanroom.messages.users import Roster, open_roster
from escrow import ledger, partners, rooms
from escrow.addresses import is_repeat
from escrow.consent_tables import RosterRecord
from escrow.errors import NotFound, RosterRefused
from escrow.rooms import CLOCK_SKEW

_DOCUMENTS: Final = (
    select(RosterRecord.signed).where(RosterRecord.partner == bindparam("partner")).order_by(RosterRecord.version)
)


def put(session: Session, partner: PartnerId, version: int, signed: SignedDocument, *, now: datetime) -> Digest:
    """Publish the next version of a partner's roster, which is the caller: on record in each of its open rooms.

    Raises:
        NotFound: no such partner.
        Conflict: another roster is this version.
        DocumentRefused: it does not follow from the one before, or is not signed by whom it must be.
        RosterRefused: it speaks of another version, or comes from the future.
    """
    key = partners.identity_key(session, partner)
    if key is None:
        raise NotFound
    held = session.get(RosterRecord, (partner, version))
    if is_repeat(held.digest if held else None, signed.digest()):
        return signed.digest()
    partners.lock(session, partner)
    logs = [*map(ledger.of_room, rooms.locked_open(session, partner)), ledger.OPERATOR]
    chain = of(session, partner)
    roster = open_roster(signed, partner=partner, key=key, before=chain[-1] if chain else None)
    if roster.version != version:
        raise RosterRefused("roster: its version differs from the address")
    if moment(roster.created) > now + CLOCK_SKEW:
        raise RosterRefused("created: in the future, by the escrow's clock")
    record = RosterRecord(partner=partner, version=version, digest=signed.digest(), signed=signed.model_dump_json())
    session.add(record)
    session.flush()
    for log in logs:
        entry = RosterPublished(at=instant(now), document=signed.digest(), partner=partner, version=version)
        ledger.append(session, log, entry)
    return signed.digest()


def documents(session: Session, partner: str) -> tuple[SignedDocument, ...]:
    """All versions of a partner's roster as they were signed, oldest first."""
    found = session.scalars(_DOCUMENTS, {"partner": partner})
    return tuple(SignedDocument.model_validate_json(text) for text in found)


def entries(session: Session, partner: PartnerId, *, at: str) -> list[RosterPublished]:
    """What a log has to say of all versions of a partner's roster so far."""
    query = select(RosterRecord.version, RosterRecord.digest).where(RosterRecord.partner == partner)
    return [
        RosterPublished(at=at, document=Digest(row.digest), partner=partner, version=row.version)
        for row in session.execute(query.order_by(RosterRecord.version))
    ]


def of(session: Session, partner: str) -> tuple[Roster, ...]:
    """All versions of a partner's roster, oldest first. They were checked when they came."""
    return tuple(read_document(Roster, signed.document) for signed in documents(session, partner))
