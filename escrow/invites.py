"""Invites: how the operator lets a partner in. The escrow keeps only the hash of an invite's secret."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cleanroom.domain.vocabulary import Digest, PartnerKind
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import InviteMade
from cleanroom.messages.rooms import Enrolment
from escrow import ledger
from escrow.errors import EnrolmentRefused, InviteRefused, InviteUsed
from escrow.tables import Invite

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Whom an invite is for: any name or kind where the operator fixed none."""

    name: str | None
    kind: PartnerKind | None
    expires_at: datetime


def make(session: Session, allowance: Allowance, *, now: datetime) -> str:
    """A new invite's secret, 32 bytes in hex. It is not kept."""
    secret = secrets.token_hex(SECRET_BYTES)
    session.add(
        Invite(
            secret_hash=hash_of(secret),
            name=allowance.name,
            kind=allowance.kind,
            created_at=now,
            expires_at=allowance.expires_at,
            used_for=None,
        )
    )
    entry = InviteMade(at=instant(now), expires=instant(allowance.expires_at), invite=hash_of(secret))
    ledger.append(session, ledger.OPERATOR, entry)
    return secret


def use(session: Session, secret: str, enrolment: Enrolment, *, digest: Digest, now: datetime) -> None:
    """Spend the invite on this enrolment; nothing where it was spent on the very same one.

    Raises:
        InviteRefused: there is no such invite, or it has expired.
        InviteUsed: it was spent on another enrolment.
        EnrolmentRefused: it is for somebody else.
    """
    invite = session.scalar(select(Invite).where(Invite.secret_hash == hash_of(secret)).with_for_update())
    if invite is None:
        raise InviteRefused("There is no such invite, or it has expired.")
    if invite.used_for is not None:
        if invite.used_for != digest:
            raise InviteUsed("This invite was used for another enrolment.")
        return
    if now >= invite.expires_at:
        raise InviteRefused("There is no such invite, or it has expired.")
    if invite.name not in (None, enrolment.name) or invite.kind not in (None, enrolment.kind.value):
        raise EnrolmentRefused("enrolment: name and kind must be those that the invite names")
    invite.used_for = digest


def hash_of(secret: str) -> str:
    """SHA-256 of an invite's secret, in hex: how the escrow knows an invite."""
    return hashlib.sha256(bytes.fromhex(secret)).hexdigest()
