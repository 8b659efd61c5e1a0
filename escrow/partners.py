"""P1: the directory of partners."""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.api import EnrolRequest, PartnerPage
from cleanroom.messages.documents import instant, read_document
from cleanroom.messages.entries import PartnerEnrolled
from cleanroom.messages.identity import PublicIdentity
from cleanroom.messages.rooms import Enrolment
from cleanroom.messages.signing import SignedDocument, open_document
from escrow import invites, ledger
from escrow.addresses import is_repeat
from escrow.errors import EnrolmentRefused, NameTaken
from escrow.pages import Page, cut
from escrow.tables import Partner

_IDENTITY_KEY: Final = select(Partner.identity_key).where(Partner.id == bindparam("partner"))


def enrol(session: Session, partner: PartnerId, request: EnrolRequest, *, escrow_key: bytes, now: datetime) -> Digest:
    """Enrol a partner under an invite.

    Raises:
        DocumentRefused, IdentityRefused, SealingKeyRefused, EnrolmentRefused: the document is not what it must be.
        InviteRefused, InviteUsed: see `escrow.invites.use`.
        NameTaken: another partner has the name, however written.
        Conflict: the partner is enrolled with another document.
    """
    claimed = read_document(Enrolment, request.enrolment.document)
    identity = PublicIdentity(
        identity_key=bytes.fromhex(claimed.identity_key), sealing_key=bytes.fromhex(claimed.sealing_key)
    )
    enrolment = open_document(Enrolment, request.enrolment, {partner: identity.identity_key})
    if identity.partner_id != partner:
        raise EnrolmentRefused("enrolment: the partner's id does not derive from its identity key")
    if enrolment.escrow_key != escrow_key.hex():
        raise EnrolmentRefused("enrolment: made for another escrow")
    digest = request.enrolment.digest()
    invites.use(session, request.invite, enrolment, digest=digest, now=now)
    held = by_id(session, partner)
    if is_repeat(held.digest if held else None, digest):
        return digest
    folded = " ".join(enrolment.name.casefold().split())
    if session.scalar(select(Partner.seq).where(Partner.folded_name == folded)) is not None:
        raise NameTaken("enrolment: another partner has this name")
    session.add(
        Partner(
            id=partner,
            name=enrolment.name,
            folded_name=folded,
            identity_key=enrolment.identity_key,
            sealing_key=enrolment.sealing_key,
            digest=digest,
            signed=request.enrolment.model_dump_json(),
            change=1,
            enrolled_at=now,
        )
    )
    entry = PartnerEnrolled(at=instant(now), document=digest, invite=invites.hash_of(request.invite), partner=partner)
    ledger.append(session, ledger.OPERATOR, entry)
    return digest


def by_id(session: Session, partner: str) -> Partner | None:
    """The partner, if it is enrolled."""
    return session.scalar(select(Partner).where(Partner.id == partner))


def lock(session: Session, *partners: str) -> None:
    """Until this transaction ends nobody else changes who these partners' people are, or puts them into a room."""
    query = select(Partner.seq).where(Partner.id.in_(partners)).order_by(Partner.id)
    session.execute(query.with_for_update()).all()


def identity_key(session: Session, partner: str) -> bytes | None:
    """The key that a partner's requests and documents are signed with, if it is enrolled."""
    key = session.scalar(_IDENTITY_KEY, {"partner": partner})
    return bytes.fromhex(key) if key is not None else None


def change(session: Session, partner: PartnerId) -> int:
    """How often something that this partner can see has changed."""
    return session.scalar(select(Partner.change).where(Partner.id == partner)) or 0


def directory(session: Session, page: Page) -> PartnerPage:
    """Signed enrolments, in order of enrolment."""
    query = select(Partner.seq, Partner.signed).where(Partner.seq > page.after).order_by(Partner.seq)
    found, following = cut(session.execute(query.limit(page.limit + 1)).all(), page, cursor=lambda row: int(row.seq))
    return PartnerPage(partners=tuple(SignedDocument.model_validate_json(row.signed) for row in found), next=following)
