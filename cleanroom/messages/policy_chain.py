"""P6: whether a version of a policy may be in force. The same lines for escrow, agents and the offline verifier.

A version is in force if
1. it is of this room and owner, names terms that are or were in force, no older ones than the version before, and
   follows that version by number and digest;
2. it names a roster of the owner's chain, not older than the one that the version before named; its author is in it, in
   a role that may write policies;
3. it is signed by the owner, the author and at most one approver, and by nobody else;
4. what it says fits the fields and segments of its terms;
5. if it narrows, it starts a fresh epoch;
6. if it widens, another person than the author has approved it, from the same roster, in a role that may. Where the
   roster has one such person only, it may approve alone, 24 hours after the escrow had its proposal;
7. the escrow's receipts are of exactly this text, no older than the version before, nor than the text itself.

What widens and narrows is measured on the owner's own policy, at the moment of the receipt
(`cleanroom.policy.own_change`). Not done here: reading receipts (`policy_history`); whether roster and terms were the
newest (the escrow sees to that).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from cleanroom.domain.vocabulary import Digest, PartnerId, RoomId
from cleanroom.messages.documents import DocumentRefused, instant, moment
from cleanroom.messages.policies import PolicyDocument, ReadPolicy, read_policy
from cleanroom.messages.rooms import AnyTerms
from cleanroom.messages.signing import SignedDocument, check_signature
from cleanroom.messages.users import APPROVERS, Roster, RosterUser
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Ground, Policy, PolicyRefused, require_fits
from cleanroom.policy.own_change import OwnChange, own_change

ALONE_AFTER: Final = timedelta(hours=24)
"""How long a proposal waits before the only person who may approve may approve alone."""

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far the clocks of a partner and the escrow may be apart."""


class PolicyChainRefused(DocumentRefused):
    """A policy may not be in force: it does not follow, or is not written or approved by whom it must be."""

    code = "policy_chain_refused"


class ApprovedTooEarly(PolicyChainRefused):
    """The only person who may approve did so before the proposal had waited long enough."""

    code = "approval_too_early"


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A version that is or was in force. No `approver`: nobody else signed; `alone`: although it widens."""

    document: PolicyDocument
    digest: Digest
    policy: Policy
    since: datetime
    author: str
    approver: str | None
    alone: bool
    change: OwnChange

    def as_before(self) -> "Before":
        """As the version that the next one follows."""
        read = ReadPolicy(document=self.document, digest=self.digest, policy=self.policy)
        return Before(read=read, since=self.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A version that its author has signed and that waits for its approval since `received`."""

    document: PolicyDocument
    digest: Digest
    policy: Policy
    received: datetime
    change: OwnChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What one member's policies are checked against. `terms` are all that are or were in force, by digest."""

    room: RoomId
    partner: PartnerId
    key: bytes
    terms: Mapping[str, AnyTerms]
    rosters: tuple[Roster, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The version that another one follows, and since when it is in force."""

    read: ReadPolicy
    since: datetime

    @property
    def document(self) -> PolicyDocument:
        """What it says."""
        return self.read.document


def ground_of(terms: AnyTerms) -> Ground:
    """What policies under these terms may speak of. Raises PolicyRefused where names clash."""
    return Ground(catalogue=terms.catalogue, segments=terms.segments)


def sides_of(terms: AnyTerms, owner: PartnerId, *, mine: Policy | None, theirs: Policy | None) -> Sides:
    """What a member shows to the other one under these two policies."""
    return Sides(
        owner=mine,
        recipient=theirs,
        owner_id=owner,
        recipient_id=terms.other(owner).partner,
        ground=ground_of(terms),
        use=terms.use,
    )


def change_of(old: Policy | None, new: Policy, *, terms: AnyTerms, at: datetime) -> OwnChange:
    """What a new policy does to the one before, from `at` on, both read under the same terms."""
    other = terms.other(new.owner).partner
    return own_change(old, new, recipient=other, ground=ground_of(terms), use=terms.use, at=at)


def propose(signed: SignedDocument, *, owner: Owner, before: Before | None, received: datetime) -> Proposed:
    """The version, seen to be one that its author may propose: steps 1 to 5, without an approver.

    Raises:
        DocumentRefused, PolicyChainRefused: naming the rule.
    """
    written = _written(signed, owner=owner, before=before, received=received)
    if written.approver is not None:
        raise PolicyChainRefused(f"{written.place}: a proposal is signed by its author, not by an approver")
    return Proposed(
        document=written.document,
        digest=signed.digest(),
        policy=written.policy,
        received=received,
        change=written.change,
    )


def enact(
    signed: SignedDocument, *, owner: Owner, before: Before | None, received: datetime, proposed: datetime | None
) -> InForce:
    """The version, seen to be one that may be in force since `received`: steps 1 to 7.

    `proposed` is when the escrow had the same text as a proposal, if it had.

    Raises:
        DocumentRefused, PolicyChainRefused: naming the rule.
        ApprovedTooEarly: naming the hour.
    """
    written = _written(signed, owner=owner, before=before, received=received)
    if proposed is not None:
        _require_after_writing(written.document, proposed)
    alone = written.change.widens and written.approver is None
    if alone:
        _require_lone(written, received, proposed)
    return InForce(
        document=written.document,
        digest=signed.digest(),
        policy=written.policy,
        since=received,
        author=written.document.author,
        approver=written.approver,
        alone=alone,
        change=written.change,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A version after steps 1 to 5."""

    document: PolicyDocument
    policy: Policy
    roster: Roster
    approver: str | None
    change: OwnChange

    @property
    def place(self) -> str:
        return f"policy: version {self.document.version}"


def _written(signed: SignedDocument, *, owner: Owner, before: Before | None, received: datetime) -> _Written:
    read = read_policy(signed.document)
    document, policy = read.document, read.policy
    place = f"policy: version {document.version}"
    _require_follows(document, owner, before, received)
    terms, older = owner.terms.get(document.terms), owner.terms.get(before.document.terms) if before else None
    if terms is None or (older is not None and terms.version < older.version):
        raise PolicyChainRefused(f"{place}: written under terms that are not this room's, or overtaken")
    roster = _roster(document, owner, before)
    approver = _approver(signed, document, owner, roster)
    try:
        require_fits(policy, ground_of(terms))
        change = _cached_change(
            _Compared(
                key=(document.previous, read.digest, received),
                old=before.read.policy if before else None,
                new=policy,
                terms=terms,
            )
        )
    except PolicyRefused as error:
        raise PolicyChainRefused(f"{place}: {error}") from None
    if change.narrows and not document.fresh_epoch:
        raise PolicyChainRefused(f"{place}: narrows without starting a fresh epoch")
    return _Written(document=document, policy=policy, roster=roster, approver=approver, change=change)


def _require_follows(document: PolicyDocument, owner: Owner, before: Before | None, received: datetime) -> None:
    place = f"policy: version {document.version}"
    if (document.room, document.owner) != (owner.room, owner.partner):
        raise PolicyChainRefused(f"{place}: of another room or owner")
    expected = (before.document.version + 1, before.read.digest) if before else (1, "")
    if (document.version, document.previous) != expected:
        raise PolicyChainRefused(f"{place}: does not follow from the one before")
    if before is not None and received < before.since:
        raise PolicyChainRefused(f"{place}: received before the one that it follows")
    _require_after_writing(document, received)


def _require_after_writing(document: PolicyDocument, received: datetime) -> None:
    if received < moment(document.created) - CLOCK_SKEW:
        raise PolicyChainRefused(f"policy: version {document.version}: received before it was written")


def _roster(document: PolicyDocument, owner: Owner, before: Before | None) -> Roster:
    """Step 2, but for the author."""
    by_digest = {roster.digest(): roster for roster in owner.rosters}
    roster = by_digest.get(document.roster)
    oldest = by_digest.get(before.document.roster) if before else None
    if roster is None or (oldest is not None and roster.version < oldest.version):
        raise PolicyChainRefused(f"policy: version {document.version}: names a roster that is unknown or overtaken")
    return roster


def _approver(signed: SignedDocument, document: PolicyDocument, owner: Owner, roster: Roster) -> str | None:
    """Steps 2 and 3: author and approver may be that, and these two and the owner have signed, and nobody else."""
    place = f"policy: version {document.version}"
    author = _may_approve(roster, document.author, f"{place}: its author")
    others = [item.signer for item in signed.signatures if item.signer not in {owner.partner, author.user}]
    if len(others) > 1:
        raise PolicyChainRefused(f"{place}: signed by more than the owner, its author and an approver")
    approvers = [_may_approve(roster, name, f"{place}: its approver") for name in others]
    keys = {owner.partner: owner.key, **{user.user: bytes.fromhex(user.key) for user in (author, *approvers)}}
    if sorted(item.signer for item in signed.signatures) != sorted(keys):
        raise DocumentRefused(f"{place}: not signed by exactly whom it must be")
    for item in signed.signatures:
        check_signature(document.type, signed.document, item, keys[PartnerId(item.signer)])
    return approvers[0].user if approvers else None


def _may_approve(roster: Roster, name: str, who: str) -> RosterUser:
    user = roster.user(name)
    if user is None or user.role not in APPROVERS:
        raise PolicyChainRefused(f"{who} is not in the roster in a role that may write and approve policies")
    return user


def _require_lone(written: _Written, received: datetime, proposed: datetime | None) -> None:
    """Step 6 where nobody but the author has signed."""
    if len(written.roster.approvers()) != 1 or proposed is None:
        raise PolicyChainRefused(f"{written.place}: widens, and no second person has approved it")
    from_then = proposed + ALONE_AFTER
    if received < from_then:
        raise ApprovedTooEarly(f"{written.place}: one person alone may approve it from {instant(from_then)} on")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """Two policies to compare, told apart by what they were read from."""

    key: tuple[str, str, datetime]
    old: Policy | None = field(compare=False)
    new: Policy = field(compare=False)
    terms: AnyTerms = field(compare=False)


@lru_cache(maxsize=256)
def _cached_change(compared: _Compared) -> OwnChange:
    """A room's view is read often, and comparing two long policies takes a while."""
    return change_of(compared.old, compared.new, terms=compared.terms, at=compared.key[-1])
