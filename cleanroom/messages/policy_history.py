"""Policies as the escrow shows them: every version of a member's policy with its receipts, read as one chain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from cleanroom.domain.vocabulary import Digest
from cleanroom.messages.api import PolicyView, ProposalView
from cleanroom.messages.documents import moment
from cleanroom.messages.policy_chain import Before, InForce, Owner, PolicyChainRefused, Proposed, enact, propose
from cleanroom.messages.receipts import Receipt
from cleanroom.messages.signing import ESCROW, SignedDocument, open_document


def history_of(views: Sequence[PolicyView], *, owner: Owner, escrow_key: bytes) -> tuple[InForce, ...]:
    """All versions of one owner's policy, oldest first, each checked against the one before.

    Raises:
        DocumentRefused, PolicyChainRefused: naming the version and the rule.
    """
    found: list[InForce] = []
    for view in views:
        before = found[-1].as_before() if found else None
        found.append(version_of(view, owner=owner, before=before, escrow_key=escrow_key))
    return tuple(found)


def version_of(view: PolicyView, *, owner: Owner, before: Before | None, escrow_key: bytes) -> InForce:
    """A version as the escrow shows it, which follows the one before. Raises DocumentRefused, PolicyChainRefused."""
    digest = view.policy.digest()
    received = _received(view.receipt, digest, "in_force", owner, escrow_key)
    proposed = _received(view.proposed, digest, "proposed", owner, escrow_key) if view.proposed else None
    return enact(view.policy, owner=owner, before=before, received=received, proposed=proposed)


def proposal_of(view: ProposalView, *, owner: Owner, before: Before | None, escrow_key: bytes) -> Proposed:
    """A proposal as the escrow shows it. Raises DocumentRefused, PolicyChainRefused."""
    received = _received(view.receipt, view.policy.digest(), "proposed", owner, escrow_key)
    return propose(view.policy, owner=owner, before=before, received=received)


def _received(
    signed: SignedDocument, digest: Digest, state: Literal["proposed", "in_force"], owner: Owner, escrow_key: bytes
) -> datetime:
    receipt = open_document(Receipt, signed, {ESCROW: escrow_key})
    if (receipt.room, receipt.of, receipt.state) != (owner.room, digest, state):
        raise PolicyChainRefused("policy: a receipt is of something else")
    return moment(receipt.received)
