"""P2: proposing terms, signing them, declining or leaving."""

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cleanroom.domain.vocabulary import Digest, PartnerId, RoomId, RoomState
from cleanroom.messages.api import SignatureBody
from cleanroom.messages.documents import instant, moment, read_document
from cleanroom.messages.entries import MemberNamed, PartnerWithdrew, TermsProposed, TermsSigned
from cleanroom.messages.rooms import Member, Terms, Withdrawal
from cleanroom.messages.signing import Signature, SignedDocument, check_signature, open_document
from escrow import counting, ledger, partners, purge, rooms, rosters
from escrow.addresses import is_repeat
from escrow.errors import Conflict, NotFound, TermsPending, TermsRefused, WithdrawalRefused
from escrow.rooms import EnteredRoom
from escrow.tables import Membership, Partner, Room, TermsSignature, TermsVersion, WithdrawalRecord
from matching import rule

KEPT: Final = (
    *("room", "members", "escrow_key", "starts", "epoch_days", "segments"),
    *("minimum_population", "changes", "answer_interval"),
)
"""What a later version cannot change: policies, epochs and the edges of answers depend on it, or the members do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """What terms must say of whoever runs this escrow: its public key, and the partner that it is, if it is one."""

    key: bytes
    host: PartnerId | Literal[""]


_SIGNATURES: Final = (
    select(TermsSignature.partner, TermsSignature.signature)
    .where(TermsSignature.room == bindparam("room"), TermsSignature.version == bindparam("version"))
    .order_by(TermsSignature.partner)
)


def create(room: EnteredRoom, signed: SignedDocument, *, operator: Operator) -> Digest:
    """Open a room that `reserve` has just made, with its first terms.

    Raises:
        DocumentRefused, TermsRefused: the document is not what it must be.
    """
    terms = _proposed(room, 1, signed, operator)
    partners.lock(room.session, *(member.partner for member in terms.members))
    enrolled = [_enrolled(room, member) for member in terms.members]
    at = instant(room.now)
    for partner in enrolled:
        room.session.add(Membership(room=room.id, partner=partner.id))
        ledger.enter(room, MemberNamed(at=at, document=Digest(partner.digest), partner=PartnerId(partner.id)))
    for partner in enrolled:
        for entry in rosters.entries(room.session, PartnerId(partner.id), at=at):
            ledger.enter(room, entry)
    return _propose(room, terms, signed)


def reserve(session: Session, room: RoomId, caller: PartnerId) -> bool:
    """Whether the room's name was free; then it is taken, for the first terms to be put in.

    Raises:
        NotFound: it is the name of a room that the caller is no member of.
    """
    held = session.scalar(select(Room.seq).where(Room.id == room))
    if held is None:
        session.add(Room(id=room, change=0, anchor=None, closed=None))
        session.flush()
        return True
    if session.get(Membership, (room, caller)) is None:
        raise NotFound
    return False


def propose(room: EnteredRoom, version: int, signed: SignedDocument, *, operator: Operator) -> Digest:
    """Propose a version of the terms of a room that exists.

    Raises:
        DocumentRefused, TermsRefused: the document is not what it must be.
        TermsPending: other terms wait for a signature.
        Conflict: this version is taken.
        RoomClosed: the room was declined or left.
    """
    versions = {held.version: held for held in room.versions()}
    at_address = versions.get(version)
    if at_address is not None and at_address.digest == signed.digest():
        return signed.digest()
    rooms.require_open(room)
    if any(held.in_force_since is None for held in versions.values()):
        raise TermsPending("terms: others wait for a signature; they are signed or declined first")
    if at_address is not None:
        raise Conflict
    current = rooms.in_force(room)
    terms = _proposed(room, version, signed, operator)
    if current is None or version != current.terms.version + 1 or terms.previous != current.digest:
        raise TermsRefused("terms: a later version follows the one in force and names its digest")
    changed = [name for name in KEPT if getattr(terms, name) != getattr(current.terms, name)]
    if changed:
        raise TermsRefused(f"terms: a later version cannot change {', '.join(changed)}")
    return _propose(room, terms, signed)


def sign(room: EnteredRoom, version: int, partner: PartnerId, body: SignatureBody) -> Digest:
    """Add a member's signature; the version is in force once all have signed.

    Raises:
        NotFound: no such version, or not the caller's address.
        DocumentRefused: the signature does not hold.
        TwoPeopleNeeded: it would bring weaker counting into force, and not every member has allowed that.
        Conflict: there is another signature.
        RoomClosed: the room was declined or left.
    """
    rooms.own(room, partner)
    held = room.session.get(TermsVersion, (room.id, version))
    if held is None:
        raise NotFound
    before = room.session.get(TermsSignature, (room.id, version, partner))
    if is_repeat(before.signature if before else None, body.signature.signature):
        return Digest(held.digest)
    rooms.require_open(room)
    terms = read_document(Terms, held.document)
    if body.signature.signer != partner:
        raise TermsRefused("signature: its signer is not the caller")
    if room.now >= moment(terms.expires):
        raise TermsRefused("terms: they have expired already")
    key = bytes.fromhex(terms.member(partner).identity_key)
    check_signature(terms.type, held.document, body.signature, key)
    _add_signature(room, version, body.signature)
    if {name for name, _ in signatures(room, version)} == {member.partner for member in terms.members}:
        counting.require_allowed(room, held, terms)
        held.in_force_since = room.now
    ledger.enter(
        room,
        TermsSigned(
            at=instant(room.now),
            document=Digest(held.digest),
            in_force=held.in_force_since is not None,
            partner=partner,
            version=version,
        ),
    )
    rooms.touched(room)
    return Digest(held.digest)


def withdraw(room: EnteredRoom, partner: PartnerId, signed: SignedDocument) -> Digest:
    """Decline pending terms, or leave: then all that the room holds is purged in this transaction.

    Raises:
        NotFound: not the caller's address.
        DocumentRefused: the document is not what it must be.
        WithdrawalRefused: there is nothing to decline, or nothing to leave.
        RoomClosed: the room was declined or left before.
    """
    rooms.own(room, partner)
    digest = signed.digest()
    if room.session.get(WithdrawalRecord, (room.id, partner, digest)) is not None:
        return digest
    rooms.require_open(room)
    versions = room.versions()
    terms = read_document(Terms, versions[-1].document)
    key = bytes.fromhex(terms.member(partner).identity_key)
    withdrawal = open_document(Withdrawal, signed, {partner: key})
    if (withdrawal.room, withdrawal.partner) != (room.id, partner):
        raise WithdrawalRefused("withdrawal: it speaks of another room or partner")
    rooms.not_in_the_future(withdrawal.created, room, WithdrawalRefused)
    if withdrawal.reason == "left":
        _leave(room, versions)
    else:
        _decline(room, versions)
    room.session.add(
        WithdrawalRecord(
            room=room.id, partner=partner, digest=digest, signed=signed.model_dump_json(), received_at=room.now
        )
    )
    entry = PartnerWithdrew(at=instant(room.now), document=digest, partner=partner, reason=withdrawal.reason)
    ledger.enter(room, entry)
    rooms.touched(room)
    return digest


def signatures(room: EnteredRoom, version: int) -> list[tuple[str, str]]:
    """(signer, signature) under a version, in the order of signers."""
    room.session.flush()
    found = room.session.execute(_SIGNATURES, {"room": room.id, "version": version})
    return [(row.partner, row.signature) for row in found]


def _proposed(room: EnteredRoom, version: int, signed: SignedDocument, operator: Operator) -> Terms:
    key = partners.identity_key(room.session, room.caller)
    terms = open_document(Terms, signed, {room.caller: key} if key else {})
    if (terms.room, terms.version) != (room.id, version):
        raise TermsRefused("terms: room and version differ from the address")
    if terms.escrow_key != operator.key.hex():
        raise TermsRefused("terms: made for another escrow")
    if terms.rule != rule.VERSION:
        raise TermsRefused("terms: this escrow does not have the rule by which they count")
    if room.caller not in {member.partner for member in terms.members}:
        raise TermsRefused("terms: only a member proposes them")
    if terms.host != (operator.host if operator.host in terms.identity_keys else ""):
        raise TermsRefused("terms: they do not say which member operates this escrow, or name one that does not")
    if room.now >= moment(terms.expires):
        raise TermsRefused("terms: they have expired already")
    return terms


def _enrolled(room: EnteredRoom, member: Member) -> Partner:
    held = partners.by_id(room.session, member.partner)
    named = (member.name, member.identity_key, member.sealing_key)
    if held is None or (held.name, held.identity_key, held.sealing_key) != named:
        raise TermsRefused("terms: a member is not enrolled with exactly this name and these keys")
    return held


def _propose(room: EnteredRoom, terms: Terms, signed: SignedDocument) -> Digest:
    digest = signed.digest()
    room.session.add(
        TermsVersion(room=room.id, version=terms.version, digest=digest, document=signed.document, in_force_since=None)
    )
    _add_signature(room, terms.version, signed.signatures[0])
    entry = TermsProposed(at=instant(room.now), document=digest, partner=room.caller, version=terms.version)
    ledger.enter(room, entry)
    rooms.touched(room)
    return digest


def _add_signature(room: EnteredRoom, version: int, signature: Signature) -> None:
    room.session.add(
        TermsSignature(room=room.id, version=version, partner=signature.signer, signature=signature.signature)
    )


def _leave(room: EnteredRoom, versions: list[TermsVersion]) -> None:
    if all(version.in_force_since is None for version in versions):
        raise WithdrawalRefused("withdrawal: terms that are not in force are declined, not left")
    purge.everything(room)
    room.row.closed = RoomState.LEFT.value


def _decline(room: EnteredRoom, versions: list[TermsVersion]) -> None:
    pending = versions[-1]
    if pending.in_force_since is not None:
        raise WithdrawalRefused("withdrawal: no terms wait for a signature; leave the room instead")
    if len(versions) == 1:
        room.row.closed = RoomState.DECLINED.value
    else:
        purge.pending_terms(room, pending)
