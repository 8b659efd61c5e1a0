"""Each rule of `policy_chain` by itself: what satisfies it is accepted, what breaks only it is refused."""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from golden import TEXTS
from policymakers import Named, Person, envelope, policy_document, roster_of, showing, uncounted

from cleanroom.domain.vocabulary import PartnerId, Role
from cleanroom.messages.api import PolicyView, ProposalView
from cleanroom.messages.documents import DocumentRefused, instant, read_document
from cleanroom.messages.identity import partner_id_of
from cleanroom.messages.policies import PolicyDocument
from cleanroom.messages.policy_chain import (
    ALONE_AFTER,
    ApprovedTooEarly,
    Before,
    InForce,
    Owner,
    PolicyChainRefused,
    enact,
    propose,
)
from cleanroom.messages.policy_history import history_of, proposal_of
from cleanroom.messages.receipts import Receipt
from cleanroom.messages.rooms import Terms
from cleanroom.messages.signing import ESCROW, SignedDocument
from cleanroom.messages.users import Roster
from cleanroom.policy.model import Effect, Policy, Rule

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
CELL, OTHER_CELL = ("customers", "prospects"), ("prospects", "prospects")


@dataclass
class Case:
    """One owner with four people in a room, and an escrow."""

    partner: Named
    escrow: Named
    terms: Terms
    admin: Person
    manager: Person
    reviewer: Person
    seller: Person
    roster: Roster
    owner: Owner

    def document(self, policy: Policy, before: PolicyDocument | None = None, **changes: Any) -> PolicyDocument:  # noqa: ANN401 - any member
        made = {"roster": self.roster, "author": self.admin, **changes}
        return policy_document(policy, terms=self.terms, before=before, **made)

    def enacted(self, document: PolicyDocument, *more: Person, **changes: Any) -> InForce:  # noqa: ANN401 - any argument
        """The document under the owner's, the admin's and more people's signatures, received now."""
        signed = envelope(document, self.partner, self.admin, *more)
        arguments: dict[str, Any] = {"owner": self.owner, "before": None, "received": NOW, "proposed": None, **changes}
        return enact(signed, **arguments)

    def showing(self, *pairs: tuple[str, str]) -> Policy:
        return showing(self.owner.partner, *pairs)


@pytest.fixture
def case() -> Case:
    key = Ed25519PrivateKey.generate()
    partner_id = partner_id_of(key.public_key().public_bytes_raw())
    text = read_document(Terms, TEXTS["terms/4"])
    mine = text.members[0].model_copy(
        update={"partner": partner_id, "identity_key": key.public_key().public_bytes_raw().hex()}
    )
    terms = text.model_copy(update={"members": (mine, text.members[1])})
    people = [Person(role) for role in (Role.ADMIN, Role.PARTNER_MANAGER, Role.SECURITY_REVIEWER, Role.SELLER)]
    roster = roster_of(partner_id, *people)
    owner = Owner(
        room=terms.room,
        partner=partner_id,
        key=key.public_key().public_bytes_raw(),
        terms={terms.digest(): terms},
        rosters=(roster,),
    )
    escrow = Named(ESCROW, Ed25519PrivateKey.generate())
    return Case(Named(partner_id, key), escrow, terms, *people, roster, owner)


def before_of(item: InForce) -> Before:
    return item.as_before()


def refused(match: str, kind: type[Exception] = PolicyChainRefused) -> Any:  # noqa: ANN401 - pytest's own
    return pytest.raises(kind, match=match)


# ---- two people for what widens


def test_a_widening_with_another_persons_approval_is_in_force(case: Case) -> None:
    for approver in (case.manager, case.reviewer):
        item = case.enacted(case.document(case.showing(CELL)), approver)
        assert (item.author, item.approver, item.alone) == (case.admin.id, approver.id, False)
        assert (item.change.widens, item.change.narrows, item.since) == (True, False, NOW)
        assert item.policy == case.showing(CELL)


def test_a_widening_without_approval_is_refused(case: Case) -> None:
    with refused("no second person"):
        case.enacted(case.document(case.showing(CELL)))


def test_an_author_who_signs_twice_has_not_approved(case: Case) -> None:
    with refused("exactly whom", DocumentRefused):
        case.enacted(case.document(case.showing(CELL)), case.admin)


def test_an_author_under_another_name_has_not_approved(case: Case) -> None:
    """The author's own key once more: ids are made of keys, so the other name is in no roster."""
    with refused("its approver"):
        envelope_with = envelope(
            case.document(case.showing(CELL)), case.partner, case.admin, Named("ab" * 16, case.admin.private)
        )
        enact(envelope_with, owner=case.owner, before=None, received=NOW, proposed=None)


def test_the_authors_key_under_the_approvers_name_does_not_hold(case: Case) -> None:
    forged = Named(case.manager.id, case.admin.private)
    signed = envelope(case.document(case.showing(CELL)), case.partner, case.admin, forged)
    with refused("signature does not hold", DocumentRefused):
        enact(signed, owner=case.owner, before=None, received=NOW, proposed=None)


def test_a_roster_cannot_hold_one_key_twice(case: Case) -> None:
    twice = case.admin.entry.model_copy(update={"role": Role.PARTNER_MANAGER})
    with pytest.raises(ValueError, match="sorted by id"):
        roster_of(case.owner.partner, case.admin, users=[case.admin.entry, twice])


@pytest.mark.parametrize("who", ["seller", "stranger", "partner"])
def test_who_may_not_approve_cannot(case: Case, who: str) -> None:
    signers = {"seller": case.seller, "stranger": Person(Role.ADMIN), "partner": case.escrow}
    with refused("its approver"):
        signed = envelope(case.document(case.showing(CELL)), case.partner, case.admin, signers[who])
        enact(signed, owner=case.owner, before=None, received=NOW, proposed=None)


def test_two_approvers_are_more_than_must_sign(case: Case) -> None:
    with refused("more than"):
        case.enacted(case.document(case.showing(CELL)), case.manager, case.reviewer)


def test_the_owner_must_sign(case: Case) -> None:
    signed = envelope(case.document(case.showing(CELL)), case.admin, case.manager)
    with refused("exactly whom", DocumentRefused):
        enact(signed, owner=case.owner, before=None, received=NOW, proposed=None)


def test_only_approvers_write_policies(case: Case) -> None:
    document = case.document(case.showing(), author=case.seller)
    with refused("its author"):
        enact(envelope(document, case.partner, case.seller), owner=case.owner, before=None, received=NOW, proposed=None)


# ---- alone


@pytest.fixture
def alone(case: Case) -> Case:
    """The same partner, where only the admin may approve."""
    roster = roster_of(case.owner.partner, case.admin, case.seller)
    return replace(case, roster=roster, owner=replace(case.owner, rosters=(roster,)))


def test_the_only_approver_may_approve_alone_after_a_day(alone: Case) -> None:
    document = alone.document(alone.showing(CELL))
    item = alone.enacted(document, received=NOW + ALONE_AFTER, proposed=NOW)
    assert (item.approver, item.alone) == (None, True)


def test_the_only_approver_waits_for_the_whole_day(alone: Case) -> None:
    document = alone.document(alone.showing(CELL))
    with refused("from 2026-03-02T09:00:00Z on", ApprovedTooEarly):
        alone.enacted(document, received=NOW + timedelta(hours=23, minutes=59, seconds=59), proposed=NOW)


def test_nobody_is_alone_without_a_proposal(alone: Case) -> None:
    with refused("no second person"):
        alone.enacted(alone.document(alone.showing(CELL)), received=NOW + timedelta(days=30))


def test_nobody_is_alone_where_a_second_person_may_approve(case: Case) -> None:
    with refused("no second person"):
        case.enacted(case.document(case.showing(CELL)), received=NOW + timedelta(days=30), proposed=NOW)


def test_what_was_written_long_ago_has_not_waited(alone: Case) -> None:
    """Backdated: only the escrow's receipt counts."""
    document = alone.document(alone.showing(CELL), created="2020-01-01T00:00:00Z")
    with refused("from 2026-03-02", ApprovedTooEarly):
        alone.enacted(document, received=NOW + timedelta(hours=1), proposed=NOW)


def test_no_receipt_is_older_than_the_text(alone: Case) -> None:
    """An escrow that backdates what came to it cannot shorten the day: the author has signed when it was written."""
    document = alone.document(alone.showing(CELL))
    skew = timedelta(minutes=5)
    assert alone.enacted(document, received=NOW + ALONE_AFTER - skew, proposed=NOW - skew).alone
    with refused("before it was written"):
        alone.enacted(document, received=NOW + ALONE_AFTER, proposed=NOW - skew - timedelta(seconds=1))
    with refused("before it was written"):
        alone.enacted(alone.document(alone.showing()), received=NOW - skew - timedelta(seconds=1))


# ---- what does not widen


def test_narrowing_is_in_force_at_once_and_starts_an_epoch(case: Case) -> None:
    first = case.enacted(case.document(case.showing(CELL, OTHER_CELL)), case.manager)
    narrower = case.document(case.showing(CELL), first.document, fresh_epoch=True)
    second = case.enacted(narrower, before=before_of(first))
    assert (second.approver, second.alone, second.change.narrows, second.change.widens) == (None, False, True, False)


def test_narrowing_in_the_same_epoch_is_refused(case: Case) -> None:
    first = case.enacted(case.document(case.showing(CELL, OTHER_CELL)), case.manager)
    with refused("fresh epoch"):
        case.enacted(case.document(case.showing(CELL), first.document), before=before_of(first))


def test_what_widens_here_and_narrows_there_needs_both(case: Case) -> None:
    first = case.enacted(case.document(case.showing(CELL)), case.manager)
    other = case.document(case.showing(OTHER_CELL), first.document, fresh_epoch=True)
    with refused("no second person"):
        case.enacted(other, before=before_of(first))
    assert case.enacted(other, case.manager, before=before_of(first)).change.narrows
    same_epoch = case.document(case.showing(OTHER_CELL), first.document)
    with refused("fresh epoch"):
        case.enacted(same_epoch, case.manager, before=before_of(first))


def test_a_first_policy_that_forbids_counts_narrows(case: Case) -> None:
    policy = uncounted(case.owner.partner, CELL)
    with refused("fresh epoch"):
        case.enacted(case.document(policy))
    assert case.enacted(case.document(policy, fresh_epoch=True)).approver is None


def test_taking_back_a_deny_widens(case: Case) -> None:
    first = case.enacted(case.document(uncounted(case.owner.partner, CELL), fresh_epoch=True))
    with refused("no second person"):
        case.enacted(case.document(case.showing(), first.document), before=before_of(first))


def test_what_has_expired_when_the_escrow_has_it_is_nobodys_narrowing(case: Case) -> None:
    ends = NOW + timedelta(hours=1)
    open_until = replace(case.showing(CELL).rules[0], expires=ends)
    first = case.enacted(case.document(replace(case.showing(CELL), rules=(open_until,))), case.manager)
    without = case.document(replace(case.showing(CELL), rules=()), first.document)
    with refused("fresh epoch"):
        case.enacted(without, before=before_of(first), received=ends - timedelta(seconds=1))
    assert not case.enacted(without, before=before_of(first), received=ends).change.narrows


def test_the_same_again_may_start_an_epoch(case: Case) -> None:
    first = case.enacted(case.document(case.showing(CELL)), case.manager)
    again = case.document(case.showing(CELL), first.document, fresh_epoch=True)
    assert not case.enacted(again, before=before_of(first)).change.widens


# ---- where it belongs


def test_versions_follow_from_each_other(case: Case) -> None:
    first = case.enacted(case.document(case.showing(CELL)), case.manager)
    skipped = case.document(case.showing(CELL), first.document, version=3)
    forked = case.document(case.showing(CELL), first.document, previous="ab" * 32)
    restarted = case.document(case.showing(CELL))
    for document in (skipped, forked, restarted):
        with refused("does not follow"):
            case.enacted(document, case.manager, before=before_of(first))
    with refused("does not follow"):
        case.enacted(case.document(case.showing(CELL), first.document), case.manager)


def test_a_policy_of_another_room_or_owner_is_refused(case: Case) -> None:
    elsewhere = case.document(case.showing(), room=secrets.token_hex(16))
    with refused("another room or owner"):
        case.enacted(elsewhere)
    someone = PartnerId("ab" * 16)
    with refused("another room or owner"):
        case.enacted(case.document(showing(someone)))


def test_a_policy_under_terms_that_never_were_is_refused(case: Case) -> None:
    with refused("terms"):
        case.enacted(case.document(case.showing()), owner=replace(case.owner, terms={"ab" * 32: case.terms}))


def test_a_policy_names_no_older_terms_than_the_one_before(case: Case) -> None:
    renewed = case.terms.model_copy(update={"version": 3, "previous": case.terms.digest()})
    both = replace(case, owner=replace(case.owner, terms={item.digest(): item for item in (case.terms, renewed)}))
    first = replace(both, terms=renewed)
    item = first.enacted(first.document(first.showing(CELL)), first.manager)
    with refused("overtaken"):
        both.enacted(both.document(both.showing(CELL), item.document), before=before_of(item))
    again = first.document(first.showing(CELL), item.document)
    assert first.enacted(again, before=before_of(item)).document.version == 2


def test_a_policy_fits_the_fields_and_segments_of_its_terms(case: Case) -> None:
    rule = Rule(id="odd", effect=Effect.DENY, fields=frozenset({"no_such_field"}))
    with refused("rule odd"):
        case.enacted(case.document(Policy(owner=case.owner.partner, rules=(rule,))))
    with refused("segment"):
        case.enacted(case.document(case.showing(("customers", "nowhere"))), case.manager)


def test_a_roster_is_the_owners_and_not_overtaken(case: Case) -> None:
    newer = roster_of(case.owner.partner, case.admin, case.manager, before=case.roster)
    both = replace(case, owner=replace(case.owner, rosters=(case.roster, newer)))
    first = both.enacted(both.document(both.showing(CELL), roster=newer), both.manager)
    overtaken = both.document(both.showing(CELL), first.document)
    with refused("unknown or overtaken"):
        both.enacted(overtaken, both.reviewer, before=before_of(first))
    with refused("unknown or overtaken"):
        case.enacted(case.document(case.showing(CELL), roster=newer), case.manager)
    with refused("its approver"):
        both.enacted(both.document(both.showing(CELL), roster=newer), both.reviewer)


# ---- as the escrow shows it


def receipted(case: Case, signed: SignedDocument, state: str, at: datetime = NOW, **changes: Any) -> SignedDocument:  # noqa: ANN401 - any member
    members = {"room": case.terms.room, "of": signed.digest(), "state": state, "received": instant(at), **changes}
    return envelope(Receipt.model_validate(members), case.escrow)


def shown(case: Case, *documents: tuple[PolicyDocument, datetime]) -> list[PolicyView]:
    signed = [(envelope(document, case.partner, case.admin, case.manager), at) for document, at in documents]
    return [
        PolicyView(policy=item, receipt=receipted(case, item, "in_force", at), proposed=None) for item, at in signed
    ]


def read(case: Case, views: list[PolicyView]) -> tuple[InForce, ...]:
    return history_of(views, owner=case.owner, escrow_key=case.escrow.private.public_key().public_bytes_raw())


def test_a_history_is_read_in_order(case: Case) -> None:
    first = case.document(case.showing(CELL))
    second = case.document(case.showing(CELL, OTHER_CELL), first)
    views = shown(case, (first, NOW), (second, NOW + timedelta(days=1)))
    found = read(case, views)
    assert [(item.document.version, item.digest) for item in found] == [(1, first.digest()), (2, second.digest())]
    for wrong in (views[1:], views[::-1], [*views, views[1]]):
        with refused("does not follow"):
            read(case, wrong)


def test_receipts_are_of_this_policy_room_and_state(case: Case) -> None:
    (view,) = shown(case, (case.document(case.showing(CELL)), NOW))
    wrong = [
        receipted(case, view.policy, "proposed"),
        receipted(case, view.policy, "in_force", of="ab" * 32),
        receipted(case, view.policy, "in_force", room="ab" * 16),
    ]
    for receipt in wrong:
        with refused("a receipt is of something else"):
            read(case, [view.model_copy(update={"receipt": receipt})])
    other = replace(case, escrow=Named(ESCROW, Ed25519PrivateKey.generate()))
    with refused("signature does not hold", DocumentRefused):
        read(case, [view.model_copy(update={"receipt": receipted(other, view.policy, "in_force")})])


def test_receipts_do_not_go_back_in_time(case: Case) -> None:
    first = case.document(case.showing(CELL))
    second = case.document(case.showing(CELL, OTHER_CELL), first)
    assert len(read(case, shown(case, (first, NOW), (second, NOW)))) == 2
    with refused("received before"):
        read(case, shown(case, (first, NOW), (second, NOW - timedelta(seconds=1))))


def test_the_receipt_of_the_proposal_says_when_one_may_approve_alone(alone: Case) -> None:
    signed = envelope(alone.document(alone.showing(CELL)), alone.partner, alone.admin)
    late = receipted(alone, signed, "in_force", NOW + ALONE_AFTER)
    view = PolicyView(policy=signed, receipt=late, proposed=receipted(alone, signed, "proposed"))
    assert read(alone, [view])[0].alone
    in_time = receipted(alone, signed, "proposed", NOW + timedelta(seconds=1))
    with refused("alone may approve", ApprovedTooEarly):
        read(alone, [view.model_copy(update={"proposed": in_time})])
    other = receipted(alone, signed, "proposed", of="ab" * 32)
    with refused("a receipt is of something else"):
        read(alone, [view.model_copy(update={"proposed": other})])


def test_a_proposal_carries_its_authors_signature_and_no_approval(case: Case) -> None:
    document = case.document(case.showing(CELL))
    signed = envelope(document, case.partner, case.admin)
    key = case.escrow.private.public_key().public_bytes_raw()
    view = ProposalView(policy=signed, receipt=receipted(case, signed, "proposed"))
    found = proposal_of(view, owner=case.owner, before=None, escrow_key=key)
    assert (found.digest, found.received, found.change.widens) == (document.digest(), NOW, True)
    approved = envelope(document, case.partner, case.admin, case.manager)
    with refused("not by an approver"):
        propose(approved, owner=case.owner, before=None, received=NOW)
