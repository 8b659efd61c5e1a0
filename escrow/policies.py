"""P6: policies in force, and those that wait for their approval. When each came is in a receipt that the escrow signs.

What is checked of a policy is in `cleanroom.messages.policy_chain`, which both agents run again. Only the escrow can
see to the rest: that a policy names the newest roster and the terms in force now, and that each member puts its own.
"""

from datetime import datetime
from typing import Final, Literal

from sqlalchemy import bindparam, delete, select

from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.api import PolicyView, ProposalView
from cleanroom.messages.documents import instant, moment, read_document
from cleanroom.messages.entries import PolicyActivated, PolicyProposed
from cleanroom.messages.policies import ReadPolicy, read_policy
from cleanroom.messages.policy_chain import Before, InForce, Owner, enact, propose, sides_of
from cleanroom.messages.receipts import Receipt
from cleanroom.messages.signing import SignedDocument
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Effect, Policy
from escrow import ledger, rooms, rosters
from escrow.addresses import is_repeat
from escrow.consent_tables import PolicyRecord, ProposalRecord
from escrow.errors import PolicyOutdated
from escrow.identity import EscrowKey
from escrow.rooms import EnteredRoom, WorkingRoom, asked_once

_OF_ROOM: Final = (
    select(PolicyRecord)
    .where(PolicyRecord.room == bindparam("room"))
    .order_by(PolicyRecord.owner, PolicyRecord.version)
)
_PROPOSALS: Final = select(ProposalRecord).where(
    ProposalRecord.room == bindparam("room"), ProposalRecord.owner == bindparam("owner")
)


def put(
    entered: EnteredRoom, partner: PartnerId, version: int, signed: SignedDocument, *, escrow_key: EscrowKey
) -> Digest:
    """Put a version of the caller's policy in force.

    Raises:
        NotFound: not the caller's address.
        Conflict: another policy is this version.
        DocumentRefused, PolicyChainRefused, ApprovedTooEarly: it may not be in force, or not yet.
        PolicyOutdated: it names an older roster, older terms, another version, or comes from the future.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    rooms.own(entered, partner)
    held = entered.session.get(PolicyRecord, (entered.id, partner, version))
    if is_repeat(held.digest if held else None, signed.digest()):
        return signed.digest()
    room = rooms.working(entered)
    _require_current(room, version, signed)
    before, proposal = _before(room, partner), _proposal(room, signed.digest())
    proposed = _received(proposal.receipt) if proposal else None
    received = max(at for at in (room.now.replace(microsecond=0), proposed, before and before.since) if at)
    enacted = enact(signed, owner=_owner(room), before=before, received=received, proposed=proposed)
    receipt = _receipt(room, signed, "in_force", received, escrow_key)
    room.session.add(
        PolicyRecord(
            room=room.id,
            owner=partner,
            version=version,
            digest=signed.digest(),
            fresh_epoch=enacted.document.fresh_epoch,
            signed=signed.model_dump_json(),
            receipt=receipt.model_dump_json(),
            proposed=proposal.receipt if proposal else None,
        )
    )
    _forget_proposals(room)
    ledger.enter(room, _activated(room, enacted, receipt.digest()))
    rooms.touched(room)
    return signed.digest()


def put_proposal(
    entered: EnteredRoom, partner: PartnerId, version: int, signed: SignedDocument, *, escrow_key: EscrowKey
) -> Digest:
    """Register a version that waits for its approval, in place of any other of the caller's.

    Raises:
        NotFound: not the caller's address.
        Conflict: a policy of this version is in force already.
        DocumentRefused, PolicyChainRefused, PolicyOutdated: it could not come into force as it is.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    rooms.own(entered, partner)
    held = entered.session.get(PolicyRecord, (entered.id, partner, version))
    if is_repeat(held.digest if held else None, signed.digest()) or _proposal(entered, signed.digest()) is not None:
        return signed.digest()
    room = rooms.working(entered)
    _require_current(room, version, signed)
    before = _before(room, partner)
    received = max([room.now.replace(microsecond=0), *([before.since] if before else [])])
    proposed = propose(signed, owner=_owner(room), before=before, received=received)
    receipt = _receipt(room, signed, "proposed", received, escrow_key)
    _forget_proposals(room)
    room.session.add(
        ProposalRecord(
            room=room.id,
            owner=partner,
            digest=signed.digest(),
            version=version,
            signed=signed.model_dump_json(),
            receipt=receipt.model_dump_json(),
        )
    )
    ledger.enter(
        room,
        PolicyProposed(
            at=instant(room.now),
            author=proposed.document.author,
            document=signed.digest(),
            owner=partner,
            receipt=receipt.digest(),
            version=version,
        ),
    )
    rooms.touched(room)
    return signed.digest()


def newest(room: EnteredRoom, owner: str, *, at: datetime | None = None) -> PolicyRecord | None:
    """A member's policy in force, now or at a moment."""
    own = (item for item in reversed(_all(room)) if item.owner == owner)
    return next((item for item in own if at is None or _received(item.receipt) <= at), None)


def sides(room: WorkingRoom, owner: PartnerId, *, at: datetime | None = None) -> Sides:
    """What `owner` shows to the other member, under the policies in force now or at a moment."""
    recipient = room.terms.other(owner).partner
    mine, theirs = (_policy(newest(room, partner, at=at)) for partner in (owner, recipient))
    return sides_of(room.terms, owner, mine=mine, theirs=theirs)


def views(room: EnteredRoom) -> tuple[PolicyView, ...]:
    """All policies that are or were in force in a room, by owner and version."""
    return tuple(
        PolicyView(
            policy=_read(item.signed),
            receipt=_read(item.receipt),
            proposed=_read(item.proposed) if item.proposed else None,
        )
        for item in _all(room)
    )


def proposals(room: EnteredRoom) -> tuple[ProposalView, ...]:
    """What of the caller's waits for its approval. What a partner has not decided yet is not the other member's."""
    found = room.session.scalars(_PROPOSALS, {"room": room.id, "owner": room.caller})
    return tuple(ProposalView(policy=_read(item.signed), receipt=_read(item.receipt)) for item in found)


@asked_once
def _all(room: EnteredRoom) -> tuple[PolicyRecord, ...]:
    """All that are or were in force, by owner and version."""
    return tuple(room.session.scalars(_OF_ROOM, {"room": room.id}))


def _require_current(room: WorkingRoom, version: int, signed: SignedDocument) -> None:
    document = read_policy(signed.document).document
    if document.version != version:
        raise PolicyOutdated("policy: its version differs from the address")
    chain = rosters.of(room.session, room.caller)
    if not chain or document.roster != chain[-1].digest():
        raise PolicyOutdated("policy: it names another roster than the newest; propose it again")
    if document.terms != room.digest:
        raise PolicyOutdated("policy: written under other terms than those in force; propose it again")
    rooms.not_in_the_future(document.created, room, PolicyOutdated)


def _owner(room: WorkingRoom) -> Owner:
    return Owner(
        room=room.id,
        partner=room.caller,
        key=bytes.fromhex(room.me.identity_key),
        terms={terms.digest(): terms for terms in room.versions_in_force},
        rosters=rosters.of(room.session, room.caller),
    )


def _before(room: EnteredRoom, owner: str) -> Before | None:
    record = newest(room, owner)
    if record is None:
        return None
    return Before(read=_read_policy(record), since=_received(record.receipt))


def _proposal(room: EnteredRoom, digest: str) -> ProposalRecord | None:
    return room.session.get(ProposalRecord, (room.id, room.caller, digest))


def _forget_proposals(room: EnteredRoom) -> None:
    room.session.execute(
        delete(ProposalRecord).where(ProposalRecord.room == room.id, ProposalRecord.owner == room.caller)
    )


def _receipt(
    room: EnteredRoom,
    signed: SignedDocument,
    state: Literal["proposed", "in_force"],
    received: datetime,
    key: EscrowKey,
) -> SignedDocument:
    return key.signed(Receipt(room=room.id, of=signed.digest(), state=state, received=instant(received)))


def _activated(room: WorkingRoom, enacted: InForce, receipt: Digest) -> PolicyActivated:
    return PolicyActivated(
        at=instant(room.now),
        approver=enacted.approver or "",
        author=enacted.author,
        document=enacted.digest,
        fresh_epoch=enacted.document.fresh_epoch,
        narrows=enacted.change.narrows,
        owner=room.caller,
        receipt=receipt,
        revokes=not any(rule.effect is Effect.GRANT for rule in enacted.policy.rules),
        version=enacted.document.version,
        widens=enacted.change.widens,
    )


def _received(receipt: str) -> datetime:
    return moment(read_document(Receipt, _read(receipt).document).received)


def _read_policy(record: PolicyRecord) -> ReadPolicy:
    return read_policy(_read(record.signed).document)


def _policy(record: PolicyRecord | None) -> Policy | None:
    return None if record is None else _read_policy(record).policy


def _read(text: str) -> SignedDocument:
    return SignedDocument.model_validate_json(text)
