"""P6: the life of this partner's policy in a room: proposed, approved, in force, refreshed, revoked.

A change that does not widen is in force at once, with its author's signature. One that widens waits at the escrow, and
here as a draft, until another person approves it; the only person who may approve can do so after 24 hours. Every step
stores before it sends: if the answer to the last one is lost, opening the room again finds out (`room_policies`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cleanroom.agent import drafts, users
from cleanroom.agent.drafts import DraftRecord
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserSession
from cleanroom.domain.errors import NotPossibleNow
from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Digest, Form, PartnerId, RoomId
from cleanroom.messages.documents import instant
from cleanroom.messages.policies import PolicyDocument, body_of, read_policy
from cleanroom.messages.policy_chain import ALONE_AFTER, InForce, Owner, change_of, enact, ground_of
from cleanroom.messages.signing import Signature, SignedDocument
from cleanroom.messages.users import APPROVERS, Roster
from cleanroom.policy.model import Effect, Policy, PolicyRefused, require_fits
from cleanroom.policy.own_change import OwnChange

NOTHING_TYPED: Final = "rules: []\n"


class NotAnApprover(NotPossibleNow):
    """The user is not in this partner's roster in a role that may write and approve policies."""

    code = "not_an_approver"


class ApproverIsAuthor(NotPossibleNow):
    """Nobody approves their own policy while somebody else could."""

    code = "approver_is_author"


class NoDraft(NotPossibleNow):
    """Nothing waits for an approval in this room."""

    code = "no_draft"


class NoPolicy(NotPossibleNow):
    """This partner has no policy in this room yet."""

    code = "no_policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A policy of this partner that waits for its approval. `alone_from`: when its author may approve it alone."""

    room: RoomId
    document: PolicyDocument
    digest: Digest
    policy: Policy
    yaml: str
    change: OwnChange
    alone_from: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """A version of either side's policy. `yaml` is as this partner typed it; the other side's is not known."""

    owner: PartnerId
    in_force: InForce
    until: datetime | None
    yaml: str | None


def propose(agent: Agent, room_id: RoomId, policy: Policy, author: UserSession, *, yaml: str) -> Draft | InForce:
    """Put a policy in force at once, or, if it widens, register it to be approved.

    It takes the place of a draft that waits.

    Raises:
        RoomNotActive: the room is not in force.
        NotAnApprover: the author may not write policies.
        PolicyRefused: the policy names what the room does not have, or is somebody else's.
    """
    with agent.locked("policies"):
        room = _working(agent, room_id)
        return _begin(agent, room, policy, author, yaml=yaml, fresh=False)


def refresh(agent: Agent, room_id: RoomId, author: UserSession) -> Draft | InForce:
    """The same policy again, in a fresh epoch: what was opened cannot be followed any more.

    Raises:
        NoPolicy, RoomNotActive, NotAnApprover: see there.
    """
    with agent.locked("policies"):
        room = _working(agent, room_id)
        current = _in_force(room)
        yaml = drafts.typed(agent, room_id, current.document.version) or ""
        return _begin(agent, room, current.policy, author, yaml=yaml, fresh=True)


def revoke(agent: Agent, room_id: RoomId, author: UserSession) -> Draft | InForce:
    """A policy that grants nothing, in force at once. What the old one denied of `account` stays denied.

    Raises:
        NoPolicy, RoomNotActive, NotAnApprover: see there.
    """
    with agent.locked("policies"):
        room = _working(agent, room_id)
        return _begin(agent, room, revoked(_in_force(room).policy), author, yaml=NOTHING_TYPED, fresh=False)


def revoked(policy: Policy) -> Policy:
    """The policy without its grants, and without anything whose absence would show more: revoking never widens."""
    hidden = {ACCOUNT: Form.HIDDEN} if policy.accepts.get(ACCOUNT) is Form.HIDDEN else {}
    denies = tuple(rule for rule in policy.rules if rule.effect is Effect.DENY and ACCOUNT in rule.fields)
    return Policy(owner=policy.owner, rules=denies, accepts=hidden, ceilings=policy.ceilings)


def approve(agent: Agent, room_id: RoomId, approver: UserSession, *, shown: str | None = None) -> InForce:
    """Sign the draft as a second person, and put it in force; or alone, where nobody else could, after 24 hours.

    `shown` is the digest of the draft that the approver has seen: reading and typing take a while, and another author
    may have been quicker. None approves whatever waits.

    Raises:
        NoDraft: nothing waits, or another draft than was shown, or it was made for another roster, terms or version.
        NotAnApprover, ApproverIsAuthor: the user may not approve, or not this.
        EscrowProblem: `approval_too_early`, naming the hour.
    """
    with agent.locked("policies"):
        room = _working(agent, room_id)
        record, draft = _waiting(agent, room)
        if shown not in (None, draft.digest):
            raise NoDraft(f"room {room.terms.title}: another draft waits by now than the one that was shown")
        _require_approver(approver, _roster(agent))
        if approver.id != draft.document.author:
            signature = approver.signature(draft.document.type, record.document)
            return enforce(agent, room, with_approval(record, draft.document, signature))
        if len(_roster(agent).approvers()) > 1:
            raise ApproverIsAuthor("policy: somebody else has to approve what widens; its author cannot")
        if draft.alone_from is None:
            agent.escrow.put_proposal(room.id, agent.me, record.version, signed(record))
        return _enforce(agent, room, with_approval(record, draft.document, None))


def pending(agent: Agent, room: Room) -> Draft | None:
    """The draft that waits for its approval, if there is one that could still come into force."""
    record = drafts.load(agent, room.id)
    if record is None:
        return None
    read = read_policy(record.document)
    document, policy = read.document, read.policy
    chain = room.policies[agent.me]
    follows = (document.version, document.previous) == (len(chain) + 1, room.policy_digest(agent.me))
    roster = users.newest_roster(agent)
    if not follows or document.terms != room.terms.digest() or roster is None or document.roster != roster.digest():
        return None
    proposal = room.proposals.get(agent.me)
    registered = proposal is not None and proposal.digest == record.remembered.digest
    return Draft(
        room=room.id,
        document=document,
        digest=record.remembered.digest,
        policy=policy,
        yaml=record.yaml,
        change=change_of(room.policy(agent.me), policy, terms=room.terms, at=agent.clock()),
        alone_from=proposal.received + ALONE_AFTER if registered and proposal else None,
    )


def history(agent: Agent, room: Room) -> tuple[PolicyVersion, ...]:
    """All versions of both sides' policies, in the order in which they came into force."""
    found = [
        PolicyVersion(
            owner=owner,
            in_force=item,
            until=following.since if following else None,
            yaml=drafts.typed(agent, room.id, item.document.version) if owner == agent.me else None,
        )
        for owner, chain in room.policies.items()
        for item, following in zip(chain, [*chain[1:], None], strict=False)
    ]
    return tuple(sorted(found, key=lambda item: (item.in_force.since, item.owner, item.in_force.document.version)))


def enforce(agent: Agent, room: Room, record: DraftRecord) -> InForce:
    """Put an approved draft in force, once its signatures are seen to hold. Raises DocumentRefused."""
    chain, member = room.policies[agent.me], room.terms.member(agent.me)
    enact(
        signed(record),
        owner=Owner(
            room=room.id,
            partner=agent.me,
            key=bytes.fromhex(member.identity_key),
            terms={room.terms.digest(): room.terms},
            rosters=(_roster(agent),),
        ),
        before=chain[-1].as_before() if chain else None,
        received=max([agent.clock(), *([chain[-1].since] if chain else [])]),
        proposed=None,
    )
    return _enforce(agent, room, record)


def signed(record: DraftRecord) -> SignedDocument:
    """The draft in its envelope."""
    return SignedDocument(document=record.document, signatures=record.signatures)


def with_approval(record: DraftRecord, document: PolicyDocument, approval: Signature | None) -> DraftRecord:
    """The draft under its owner's and author's signatures, and this approval in place of any other."""
    kept = tuple(item for item in record.signatures if item.signer in {document.owner, document.author})
    return record.model_copy(update={"signatures": (*kept, approval) if approval else kept})


def _begin(  # noqa: PLR0913 - what, by whom, how
    agent: Agent, room: Room, policy: Policy, author: UserSession, *, yaml: str, fresh: bool
) -> Draft | InForce:
    roster = _roster(agent)
    _require_approver(author, roster)
    if policy.owner != agent.me:
        raise PolicyRefused("policy: it is not this partner's")
    require_fits(policy, ground_of(room.terms))
    chain, now = room.policies[agent.me], agent.clock()
    change = change_of(room.policy(agent.me), policy, terms=room.terms, at=now)
    document = PolicyDocument(
        room=room.id,
        terms=room.terms.digest(),
        owner=agent.me,
        version=len(chain) + 1,
        previous=room.policy_digest(agent.me),
        fresh_epoch=fresh or change.narrows,
        roster=roster.digest(),
        author=author.id,
        body=body_of(policy),
        created=instant(now),
    )
    text = document.text()
    signatures = (agent.signature(document.type, text), author.signature(document.type, text))
    record = DraftRecord(version=document.version, sent=False, document=text, signatures=signatures, yaml=yaml)
    if not change.widens:
        return _enforce(agent, room, record)
    drafts.save(agent, room.id, record)
    agent.escrow.put_proposal(room.id, agent.me, record.version, signed(record))
    return _waiting(agent, open_room(agent, room.id))[1]


def _enforce(agent: Agent, room: Room, record: DraftRecord) -> InForce:
    record = record.model_copy(update={"sent": True})
    drafts.save(agent, room.id, record)
    agent.escrow.put_policy(room.id, agent.me, record.version, signed(record))
    drafts.promote(agent, room.id, record)
    return _in_force(open_room(agent, room.id))


def _working(agent: Agent, room_id: RoomId) -> Room:
    users.publish(agent)
    room = open_room(agent, room_id)
    room.require_active()
    return room


def _waiting(agent: Agent, room: Room) -> tuple[DraftRecord, Draft]:
    record, draft = drafts.load(agent, room.id), pending(agent, room)
    if record is None or draft is None:
        raise NoDraft("policy: nothing waits for an approval, or it was made for another roster, terms or version")
    return record, draft


def _in_force(room: Room) -> InForce:
    chain = room.policies[room.me]
    if not chain:
        raise NoPolicy(f"room {room.terms.title}: this partner has no policy in it yet")
    return chain[-1]


def _roster(agent: Agent) -> Roster:
    roster = users.newest_roster(agent)
    if roster is None:
        raise NotAnApprover("policy: this partner has no users yet; add an admin first")
    return roster


def _require_approver(user: UserSession, roster: Roster) -> None:
    entry = roster.user(user.id)
    if entry is None or entry.role not in APPROVERS:
        raise NotAnApprover("policy: this user is not in the roster in a role that may write and approve policies")
