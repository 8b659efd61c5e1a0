"""Rooms with policies in force and a round that both have opened, for tests of what comes after it."""

import hashlib
from typing import Any

from conftest import Setting
from partner import Partner

from cleanroom.domain.vocabulary import RoundState
from cleanroom.messages.documents import instant
from cleanroom.messages.releases import SEALED_OVERHEAD, STEP, Release
from escrow.consent_tables import PolicyRecord, RoundRecord
from escrow.database import Database
from escrow.tables import Base


def digest_text(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def add(database: Database, *rows: Base) -> None:
    """Puts rows where the escrow's own steps would have put them."""

    def write(session: Any) -> None:  # noqa: ANN401 - SQLAlchemy's session
        session.add_all(rows)

    database.write(write)


def put_policy(database: Database, setting: Setting, owner: Partner, version: int = 1) -> str:
    """A policy in force, as far as releases can tell."""
    digest = digest_text(f"{owner.name} {version}")
    add(
        database,
        PolicyRecord(
            room=setting.room,
            owner=owner.id,
            version=version,
            digest=digest,
            fresh_epoch=False,
            signed="",
            receipt="",
            proposed=None,
        ),
    )
    return digest


def put_round(database: Database, setting: Setting, number: int, state: RoundState = RoundState.EXCHANGED) -> None:
    add(
        database,
        RoundRecord(
            room=setting.room,
            number=number,
            epoch=0,
            terms=setting.terms.digest(),
            first_snapshot=digest_text("a"),
            second_snapshot=digest_text("b"),
            first_policy=digest_text("pa"),
            second_policy=digest_text("pb"),
            cells=f"[[0,{number}]]",
            rows=1,
            state=state,
            started_at=setting.ana.clock(),
            first_opened_at=None,
        ),
    )


def sealed_bytes(name: str, steps: int = 1) -> bytes:
    """Bytes of a size that a sealed batch has; what is inside is not the escrow's business."""
    return (name.encode() * (1 + (SEALED_OVERHEAD + steps * STEP) // len(name)))[: SEALED_OVERHEAD + steps * STEP]


def release_path(partner: Partner, room: str, number: int, epoch: int = 0) -> str:
    return f"/v1/rooms/{room}/epochs/{epoch}/releases/{partner.id}/{number}"


def put_batch(partner: Partner, room: str, number: int, index: int, data: bytes) -> Any:  # noqa: ANN401 - a response
    path = f"{release_path(partner, room, number)}/batches/{index}"
    return partner.call("PUT", path, data, media="application/octet-stream")


def release(
    setting: Setting,
    sender: Partner,
    *sealed: bytes,
    previous: Release | None = None,
    **changes: Any,  # noqa: ANN401 - any field
) -> Release:
    """The document over these batches."""
    recipient = setting.bo if sender is setting.ana else setting.ana
    fields = {
        "room": setting.room,
        "terms": setting.terms.digest(),
        "epoch": 0,
        "number": previous.number + 1 if previous else 1,
        "previous": previous.digest() if previous else "",
        "round": 1,
        "sender": sender.id,
        "recipient": recipient.id,
        "sender_policy": digest_text(f"{sender.name} 1"),
        "recipient_policy": digest_text(f"{recipient.name} 1"),
        "batches": [
            {"sealed": hashlib.sha256(data).hexdigest(), "size": len(data), "handles": digest_text("handles")}
            for data in sealed
        ],
        "created": instant(sender.clock()),
    }
    return Release.model_validate({**fields, **changes})


def put_release(sender: Partner, document: Release, number: int | None = None) -> Any:  # noqa: ANN401 - a response
    return sender.put(release_path(sender, document.room, number or document.number), sender.sign(document))
