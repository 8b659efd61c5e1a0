"""Requests seen before. A nonce is kept until its request could not be accepted again anyway."""

from datetime import datetime

from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cleanroom.domain.vocabulary import PartnerId
from escrow.errors import RequestReplayed
from escrow.tables import Base, Nonce

_NOTED = insert(Base.metadata.tables[Nonce.__tablename__])  # every request says this, so it is not built anew for each


def remember(session: Session, *, partner: PartnerId, nonce: str, forget_at: datetime) -> None:
    """Take note of a request.

    Raises:
        RequestReplayed: it was here before.
    """
    try:
        session.connection().execute(_NOTED, {"partner": partner, "nonce": nonce, "forget_at": forget_at})
    except IntegrityError:
        raise RequestReplayed("This very request was sent before; sign a new one.") from None


def forget(session: Session, now: datetime) -> None:
    """Forget the requests that are over."""
    session.execute(delete(Nonce).where(Nonce.forget_at < now))
