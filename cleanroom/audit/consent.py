"""Steps 8 and 9 of the audit (docs/audit.md): what the members agreed on, in its order: terms, rosters, policies."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from cleanroom.audit.documents import Documents
from cleanroom.audit.findings import Findings
from cleanroom.domain.vocabulary import PartnerId, RoomId
from cleanroom.messages import entries
from cleanroom.messages.api import PolicyView, ProposalView
from cleanroom.messages.policies import read_policy
from cleanroom.messages.policy_chain import CLOCK_SKEW, Before, InForce, Owner, sides_of
from cleanroom.messages.policy_history import proposal_of, version_of
from cleanroom.messages.receipts import Receipt
from cleanroom.messages.rooms import AnyTerms
from cleanroom.messages.signing import ESCROW, SignedDocument, open_document
from cleanroom.messages.terms_chain import amended_epochs, type_of
from cleanroom.messages.users import Roster, open_roster
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Effect


@dataclass(slots=True, kw_only=True)
class Consent:
    """What is in force at an entry. `known` are all terms, `activated` the policies that the log ever activates.

    `rosters` begins with those from before the room; `before` is the moment of the entry before.
    """

    documents: Documents
    findings: Findings
    known: Mapping[str, AnyTerms]
    activated: AbstractSet[str]
    rosters: dict[str, list[Roster]]
    terms: dict[str, AnyTerms] = field(default_factory=dict)
    policies: dict[str, list[InForce]] = field(default_factory=dict)
    before: str = ""
    _fresh: int = 0
    _entered: set[str] = field(default_factory=set)
    _proposed: dict[str, tuple[str, SignedDocument | None]] = field(default_factory=dict)
    _sides: dict[tuple[str, ...], Sides] = field(default_factory=dict)

    def in_force(self, owner: str, at: datetime | None = None) -> InForce | None:
        """A member's newest policy, or the newest one whose receipt is not later than a moment."""
        versions = reversed(self.policies.get(owner, []))
        return next((item for item in versions if at is None or item.since <= at), None)

    def epochs(self, at: datetime) -> set[int]:
        """The epoch at a moment by the newest terms, their changes, and the policies; two right after one has begun.

        The log's clock stands still while the escrow's is behind it.
        """
        versions = list(self.terms.values())
        fresh = self._fresh + amended_epochs(versions)
        return {versions[-1].epoch_at(then, fresh=fresh) for then in (at - CLOCK_SKEW, at)} if versions else set()

    def sides(self, owner: str, mine: InForce | None, theirs: InForce | None) -> Sides:
        """What a member shows under these policies and the newest terms. The same ones remember what they decided."""
        newest, terms = next(reversed(self.terms.items()))
        key = (newest, owner, mine.digest if mine else "", theirs.digest if theirs else "")
        if key not in self._sides:
            policies = {"mine": mine.policy if mine else None, "theirs": theirs.policy if theirs else None}
            self._sides[key] = sides_of(terms, PartnerId(owner), **policies)
        return self._sides[key]

    def terms_proposed(self, entry: entries.TermsProposed) -> None:
        """That all members have signed what came into force is step 2."""
        signed = self.documents.take(entry.document, required=False)
        if signed is not None:
            signers = {item.signer: self.documents.keys.get(item.signer, b"") for item in signed.signatures}
            self.documents.compare(entry, dict(open_document(type_of(signed), signed, signers)))

    def terms_signed(self, entry: entries.TermsSigned) -> None:
        """From now on, perhaps, these are the newest terms."""
        self.documents.named.add(entry.document)
        if entry.in_force and entry.document in self.known:
            self.terms[entry.document] = self.known[entry.document]

    def roster_published(self, entry: entries.RosterPublished) -> None:
        """A version that follows the one before."""
        signed = self.documents.take(entry.document, required=True)
        if signed is not None and self._is_member(entry.partner):
            chain, key = self.rosters[entry.partner], self.documents.keys[entry.partner]
            roster = open_roster(signed, partner=entry.partner, key=key, before=chain[-1] if chain else None)
            self.documents.compare(entry, dict(roster))
            chain.append(roster)
            self._entered.add(entry.partner)

    def policy_proposed(self, entry: entries.PolicyProposed) -> None:
        """A version that waits; what comes into force later is checked then."""
        receipt = self._receipt(entry, required=False)
        self._proposed[entry.owner] = entry.document, receipt
        policy = self.documents.take(entry.document, required=False)
        if policy is None or not self._is_member(entry.owner):
            return
        self.documents.compare(entry, dict(read_policy(policy.document).document))
        if receipt is not None and entry.document not in self.activated:
            view, escrow_key = ProposalView(policy=policy, receipt=receipt), self.documents.keys[ESCROW]
            proposal_of(view, owner=self._owner(entry.owner), before=self._newest(entry.owner), escrow_key=escrow_key)

    def policy_activated(self, entry: entries.PolicyActivated) -> None:
        """A version that may be in force, under the newest terms and roster."""
        self._fresh += entry.fresh_epoch
        document, proposed = self._proposed.pop(entry.owner, ("", None))
        policy = self.documents.take(entry.document, required=True)
        receipt = self._receipt(entry, required=True)
        if policy is None or receipt is None or not self._is_member(entry.owner):
            return
        view = PolicyView(policy=policy, receipt=receipt, proposed=proposed if document == entry.document else None)
        escrow_key, owner = self.documents.keys[ESCROW], self._owner(entry.owner)
        self.findings.checked["policies"] += 1
        item = version_of(view, owner=owner, before=self._newest(entry.owner), escrow_key=escrow_key)
        follows = {
            "approver": item.approver or "",
            "narrows": item.change.narrows,
            "revokes": not any(rule.effect is Effect.GRANT for rule in item.policy.rules),
            "widens": item.change.widens,
        }
        self.documents.compare(entry, dict(item.document) | follows)
        under = item.document.terms == next(reversed(self.terms), "")
        self.findings.require(under, "its document is under other terms than those in force")
        newest = entry.owner not in self._entered or item.document.roster == owner.rosters[-1].digest()
        self.findings.require(newest, "its document names another roster than the newest")
        self.policies[entry.owner].append(item)

    def _is_member(self, partner: str) -> bool:
        return self.findings.require(partner in self.policies, "of nobody in the room")

    def _owner(self, partner: PartnerId) -> Owner:
        return Owner(
            room=RoomId(self.documents.room),
            partner=partner,
            key=self.documents.keys[partner],
            terms=self.terms,
            rosters=tuple(self.rosters[partner]),
        )

    def _newest(self, owner: str) -> Before | None:
        last = self.in_force(owner)
        return last.as_before() if last else None

    def _receipt(
        self, entry: entries.PolicyProposed | entries.PolicyActivated, *, required: bool
    ) -> SignedDocument | None:
        """The escrow's receipt, of the entry's own moment: else it could be made to have come earlier."""
        signed = self.documents.take(entry.receipt, required=required)
        if signed is not None:
            received = open_document(Receipt, signed, {ESCROW: self.documents.keys[ESCROW]}).received
            same = received == entry.at or (received < entry.at == self.before)  # then the log's clock stood still
            self.findings.require(same, "its receipt is of another moment")
        return signed
