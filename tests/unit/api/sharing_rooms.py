"""Rooms with policies in force and a round that both have opened, for tests of what comes after it."""

import hashlib
from typing import Any

from conftest import Setting
from partner import SEGMENTS, Partner
from policymakers import Person, envelope, policy_document, roster_of, showing

from cleanroom.domain.vocabulary import Role, RoundState
from cleanroom.messages.documents import instant
from cleanroom.messages.policies import PolicyDocument
from cleanroom.messages.releases import SEALED_OVERHEAD, STEP, Release
from escrow.consent_tables import PolicyRecord, RoundRecord
from escrow.database import Database
from escrow.tables import Base

AUTHOR = Person(Role.ADMIN)


def digest_text(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def add(database: Database, *rows: Base) -> None:
    """Puts rows where the escrow's own steps would have put them."""

    def write(session: Any) -> None:  # noqa: ANN401 - SQLAlchemy's session
        session.add_all(rows)

    database.write(write)


def policy_of(setting: Setting, owner: Partner, version: int = 1) -> PolicyDocument:
    """A policy that agrees to every cell."""
    cells = [(mine, theirs) for mine in SEGMENTS for theirs in SEGMENTS]
    return policy_document(
        showing(owner.id, *cells),
        terms=setting.terms,
        roster=roster_of(owner.id, AUTHOR),
        author=AUTHOR,
        version=version,
        previous="" if version == 1 else digest_text("the one before"),
    )


def put_policy(database: Database, setting: Setting, owner: Partner, version: int = 1) -> str:
    """A policy in force, as far as releases can tell."""
    document = policy_of(setting, owner, version)
    add(
        database,
        PolicyRecord(
            room=setting.room,
            owner=owner.id,
            version=version,
            digest=document.digest(),
            fresh_epoch=False,
            signed=envelope(document, owner, AUTHOR).model_dump_json(),
            receipt="",
            proposed=None,
        ),
    )
    return document.digest()


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
            first_mature=1,
            second_mature=1,
            exchanged_after=None,
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
        "sender_policy": policy_of(setting, sender).digest(),
        "recipient_policy": policy_of(setting, recipient).digest(),
        "batches": [
            {"sealed": hashlib.sha256(data).hexdigest(), "size": len(data), "handles": digest_text("handles")}
            for data in sealed
        ],
        "matches": len(sealed),
        "records": digest_text("records"),
        "log_size": 0,
        "log_root": digest_text(""),
        "created": instant(sender.clock()),
    }
    return Release.model_validate({**fields, **changes})


def put_release(sender: Partner, document: Release, number: int | None = None) -> Any:  # noqa: ANN401 - a response
    return sender.put(release_path(sender, document.room, number or document.number), sender.sign(document))


def deliver(sender: Partner, room: str, number: int) -> Any:  # noqa: ANN401 - a response
    return sender.put(f"{release_path(sender, room, number)}/delivery", {})
