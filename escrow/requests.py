"""Requests seen before. A nonce is kept until its request could not be accepted again anyway."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from cleanroom.domain.vocabulary import PartnerId
from escrow.errors import RequestReplayed
from escrow.tables import Nonce


def remember(session: Session, *, partner: PartnerId, nonce: str, forget_at: datetime, now: datetime) -> None:
    """Take note of a request, and forget those that are over.

    Raises:
        RequestReplayed: it was here before.
    """
    session.execute(delete(Nonce).where(Nonce.forget_at < now))
    if session.get(Nonce, (partner, nonce)) is not None:
        raise RequestReplayed("This very request was sent before; sign a new one.")
    session.add(Nonce(partner=partner, nonce=nonce, forget_at=forget_at))
