"""P6 in a room's view: rosters and policies of both members, checked, and compared with what the vault remembers.

Steps 7 and 8 of `cleanroom.agent.rooms` are here. What the vault remembers is read before the view is fetched: another
process of this home may go on meanwhile, and its newer memory is no proof that the escrow went back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from cleanroom.agent import drafts
from cleanroom.agent.drafts import Remembered
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import VerificationFailed
from cleanroom.domain.vocabulary import PartnerId, RoomId, RoomState
from cleanroom.messages.api import RoomView
from cleanroom.messages.documents import DocumentRefused, read_document
from cleanroom.messages.policies import read_policy
from cleanroom.messages.policy_chain import (
    CLOCK_SKEW,
    InForce,
    Owner,
    PolicyChainRefused,
    Proposed,
)
from cleanroom.messages.policy_history import history_of, proposal_of
from cleanroom.messages.rooms import Member, Terms
from cleanroom.messages.users import Roster, roster_chain

ENDED = frozenset({RoomState.LEFT, RoomState.DECLINED})


class OwnPolicyDiffers(VerificationFailed):
    """The escrow shows another policy of this partner than the one that this vault has put in force."""

    code = "own_policy_differs"


class PolicyRolledBack(VerificationFailed):
    """The escrow shows an older policy of the other side than before, or another one in its place."""

    code = "policy_rolled_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What this vault knows of a room's policies."""

    own: Remembered | None
    theirs: Remembered | None

    @classmethod
    def of(cls, agent: Agent, room: RoomId) -> Self:
        """As it is now."""
        return cls(own=drafts.own(agent, room), theirs=drafts.theirs(agent, room))


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Users and policies of both members; every version, oldest first."""

    rosters: Mapping[PartnerId, tuple[Roster, ...]]
    policies: Mapping[PartnerId, tuple[InForce, ...]]
    proposals: Mapping[PartnerId, Proposed]

    @property
    def fresh(self) -> int:
        """How many epochs policies have begun."""
        return sum(item.document.fresh_epoch for chain in self.policies.values() for item in chain)


def read_consent(agent: Agent, view: RoomView, in_force: list[Terms], memory: Memory) -> Consent:
    """What a view says of users and policies, checked. `in_force` are all terms that are or were, oldest first.

    Raises:
        DocumentRefused, PolicyChainRefused: if a document is not what it must be.
        OwnPolicyDiffers, PolicyRolledBack: if the vault remembers otherwise.
    """
    members = in_force[-1].members if in_force else ()
    owners = {member.partner: _owner(view, member, in_force) for member in members}
    key = bytes.fromhex(agent.config.escrow_key)
    of_policies = [read_policy(item.policy.document).policy.owner for item in view.policies]
    if not set(of_policies) <= set(owners):
        raise DocumentRefused("PolicyDocument: of somebody who is no member")
    policies = {
        partner: history_of(
            [item for item, whose in zip(view.policies, of_policies, strict=True) if whose == partner],
            owner=owner,
            escrow_key=key,
        )
        for partner, owner in owners.items()
    }
    _require_past(agent, policies)
    if view.state not in ENDED:
        _require_remembered(agent, view.room, policies, memory)
    return Consent(
        rosters={partner: owner.rosters for partner, owner in owners.items()},
        policies=policies,
        proposals=_proposals(view, owners, policies, key),
    )


def _owner(view: RoomView, member: Member, in_force: list[Terms]) -> Owner:
    key = bytes.fromhex(member.identity_key)
    documents = [item for item in view.rosters if read_document(Roster, item.document).partner == member.partner]
    return Owner(
        room=view.room,
        partner=member.partner,
        key=key,
        terms={terms.digest(): terms for terms in in_force},
        rosters=roster_chain(documents, partner=member.partner, key=key),
    )


def _proposals(
    view: RoomView,
    owners: Mapping[PartnerId, Owner],
    policies: Mapping[PartnerId, tuple[InForce, ...]],
    escrow_key: bytes,
) -> dict[PartnerId, Proposed]:
    found: dict[PartnerId, Proposed] = {}
    for item in view.proposals:
        partner = read_policy(item.policy.document).policy.owner
        if partner not in owners or partner in found:
            raise DocumentRefused("PolicyDocument: a proposal of somebody who is no member, or a second one")
        chain = policies[partner]
        before = chain[-1].as_before() if chain else None
        found[partner] = proposal_of(item, owner=owners[partner], before=before, escrow_key=escrow_key)
    return found


def _require_past(agent: Agent, policies: Mapping[PartnerId, tuple[InForce, ...]]) -> None:
    latest = agent.clock() + CLOCK_SKEW
    if any(item.since > latest for chain in policies.values() for item in chain):
        raise PolicyChainRefused("policy: a receipt comes from the future, by this machine's clock")


def _require_remembered(
    agent: Agent, room: RoomId, policies: Mapping[PartnerId, tuple[InForce, ...]], memory: Memory
) -> None:
    for partner, chain in policies.items():
        if partner == agent.me:
            _require_own(agent, room, chain, memory.own)
        else:
            _require_not_rolled_back(agent, room, chain, memory.theirs)


def _require_own(agent: Agent, room: RoomId, chain: tuple[InForce, ...], known: Remembered | None) -> None:
    """Step 7. What was sent, and whose answer was lost, is in the draft, and is adopted."""
    shown = _remembered(chain[-1]) if chain else None
    if shown in {known, drafts.own(agent, room)}:
        return
    draft = drafts.load(agent, room)
    follows = shown is not None and shown.version == (known.version + 1 if known else 1)
    if draft is None or not draft.sent or draft.remembered != shown or not follows:
        raise OwnPolicyDiffers(
            f"room {room}: the escrow does not show the policy that this agent has put in force. Do not go on; if this "
            "home was restored from an older copy, leave the room and agree on a new one"
        )
    drafts.promote(agent, room, draft)


def _require_not_rolled_back(agent: Agent, room: RoomId, chain: tuple[InForce, ...], known: Remembered | None) -> None:
    """Step 8."""
    if known is not None and known not in {_remembered(item) for item in chain}:
        raise PolicyRolledBack(f"room {room}: the escrow took back a policy of the other side that it had shown")
    if chain and _remembered(chain[-1]) != known:
        drafts.remember_theirs(agent, room, _remembered(chain[-1]))


def _remembered(item: InForce) -> Remembered:
    return Remembered(version=item.document.version, digest=item.digest)
