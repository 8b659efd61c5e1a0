"""P10: checkpoints of a log, and what its members have cosigned of them.

A cosignature is taken if the escrow itself has signed the checkpoint under it and still holds that tree. It says that
this member knew the log at that size: from then on neither of the two can be shown another log that begins otherwise.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cleanroom.domain.vocabulary import Digest, PartnerId, RoomId
from cleanroom.messages.api import LogView
from cleanroom.messages.documents import digest_of
from cleanroom.messages.notes import (
    MOST_SIGNATURES,
    TIMED,
    Checkpoint,
    CheckpointRefused,
    Note,
    cosigned,
    open_checkpoint,
    operator_origin,
    partner_key,
    read_note,
    room_origin,
    sign_checkpoint,
)
from escrow import ledger, partners
from escrow.errors import NotFound
from escrow.identity import EscrowKey
from escrow.ledger import OPERATOR, Log
from escrow.ledger_tables import CosignatureRecord
from escrow.rooms import EnteredRoom

MOST_ATTACHED: Final = MOST_SIGNATURES - 3
"""Readers of notes take no more signatures: two are the escrow's, and whoever is shown a note can add its own."""


def checkpoint(session: Session, log: Log, *, escrow_key: EscrowKey, now: datetime) -> Note:
    """The log as it is, signed now, with the newest cosignatures of exactly this."""
    size = ledger.size(session, log)
    root = ledger.tree(session, log, size).root()
    said = Checkpoint(_origin(log, escrow_key.public), size, root)
    note = sign_checkpoint(said, escrow_key.public, escrow_key.sign, at=now)
    query = (
        select(CosignatureRecord)
        .where(CosignatureRecord.log == log, CosignatureRecord.size == size)
        .order_by(CosignatureRecord.received_at.desc(), CosignatureRecord.signer)
        .limit(MOST_ATTACHED)
    )
    for record in session.scalars(query):
        key = partner_key(PartnerId(record.signer), partners.identity_key(session, record.signer) or b"")
        for signature in read_note(record.note).signatures:
            if (signature.name, signature.key_id) == (key.name, key.id(TIMED)):
                note = note.with_signature(signature)
    return note


def look(room: EnteredRoom, bundle: int, *, escrow_key: EscrowKey) -> LogView:
    """All that the caller needs to witness the room's log, unless it has not looked for more than a bundle."""
    session, log = room.session, ledger.of_room(room.id)
    query = (
        select(CosignatureRecord.note)
        .where(CosignatureRecord.log == log, CosignatureRecord.signer != room.caller)
        .order_by(CosignatureRecord.size.desc())
        .limit(1)
    )
    return LogView(
        checkpoint=str(checkpoint(session, log, escrow_key=escrow_key, now=room.now)),
        cosigned=session.scalar(query),
        leaves=tuple(leaf.decode() for leaf in ledger.leaves(session, log, bundle)),
    )


def cosign(  # noqa: PLR0913 - which log, by whom, what; at this escrow, now
    session: Session, log: Log, partner: PartnerId, text: str, *, escrow_key: EscrowKey, now: datetime
) -> Digest:
    """Keep a note that a partner has cosigned, in place of its one before.

    Raises:
        CheckpointRefused: it is of another log or another tree, older than the one before, or not signed by both.
    """
    held = session.get(CosignatureRecord, (log, partner))
    if held is not None and held.note == text:
        return digest_of(text)
    note = read_note(text)
    said, _ = open_checkpoint(note, _origin(log, escrow_key.public), escrow_key.public)
    if cosigned(note, partner_key(partner, partners.identity_key(session, partner) or b"")) is None:
        raise CheckpointRefused(f"checkpoint ({said}): not cosigned by whom it comes from")
    record = ledger.locked(session, log)
    if said.size > record.size or said.root != ledger.tree(session, log, said.size).root():
        raise CheckpointRefused(f"checkpoint ({said}): the log has no such tree")
    held = session.get(CosignatureRecord, (log, partner), populate_existing=True)
    if held is None:
        session.add(CosignatureRecord(log=log, signer=partner, size=said.size, note=text, received_at=now))
    elif said.size < held.size:
        raise CheckpointRefused(f"checkpoint ({said}): smaller than what was cosigned before")
    else:
        held.size, held.note, held.received_at = said.size, text, now
    return digest_of(text)


def witnessed(session: Session, log: Log, partner: PartnerId) -> str:
    """The newest note that a partner has cosigned. Raises NotFound."""
    held = session.get(CosignatureRecord, (log, partner))
    if held is None:
        raise NotFound
    return held.note


def _origin(log: Log, key: bytes) -> str:
    return operator_origin(key) if log == OPERATOR else room_origin(key, RoomId(log.removeprefix("rooms/")))
