"""Policies over HTTP: what the escrow takes, when, from whom, and what it shows to whom."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from conftest import Escrow, Setting
from partner import Partner, code_of, companies, digest_in, make_terms, opened
from people import Side, staffed
from policymakers import Person, envelope, uncounted
from sqlalchemy import func, select

from cleanroom.domain.vocabulary import Role
from cleanroom.messages.documents import instant
from cleanroom.messages.lists import Answer, ShownCell, WithheldCell
from cleanroom.messages.receipts import Receipt
from cleanroom.policy.model import MOST_RULES, Effect, Policy, Rule
from escrow.consent_tables import PolicyRecord, ProposalRecord

CELL, OTHER_CELL = ("customers", "prospects"), ("prospects", "prospects")


@pytest.fixture
def ours(setting: Setting) -> Side:
    return staffed(setting.ana, setting)


@pytest.fixture
def lone(ours: Side) -> Side:
    """The same partner, where only the admin may approve."""
    ours.change_people(ours.admin, Person(Role.SELLER))
    return ours


def count(escrow: Escrow, table: type[PolicyRecord | ProposalRecord]) -> int:
    return escrow.desk.database.read(lambda session: session.scalar(select(func.count()).select_from(table)) or 0)


# ---- in force


def test_a_widening_takes_two_people(setting: Setting, ours: Side) -> None:
    document = ours.document(ours.showing(CELL))
    assert code_of(ours.put(document)) == (422, "policy_chain_refused")
    assert code_of(ours.put(document, ours.admin)) == (422, "document_refused")
    assert code_of(ours.put(document, Person(Role.ADMIN))) == (422, "policy_chain_refused")
    assert setting.bo.view(setting.room).policies == ()
    for _ in range(2):
        assert digest_in(ours.put(document, ours.reviewer)) == document.digest()
    for partner in (setting.ana, setting.bo):
        (view,) = partner.view(setting.room).policies
        assert view.policy == ours.signed(document, ours.reviewer)
        assert view.proposed is None


def test_the_receipt_says_what_and_since_when(escrow: Escrow, setting: Setting, ours: Side) -> None:
    escrow.clock.step(seconds=7, milliseconds=900)
    digest = digest_in(ours.put(ours.document(ours.showing(CELL)), ours.reviewer))
    receipt = opened(setting.bo.view(setting.room).policies[0].receipt, Receipt)
    assert receipt == Receipt(room=setting.room, of=digest, state="in_force", received="2026-03-01T09:00:07Z")


def test_a_narrowing_needs_nobody_else_and_begins_an_epoch(setting: Setting, ours: Side) -> None:
    first = ours.document(ours.showing(CELL, OTHER_CELL))
    digest_in(ours.put(first, ours.reviewer))
    assert setting.bo.view(setting.room).epoch == 0
    second = ours.document(ours.showing(CELL), first)
    assert code_of(ours.put(second)) == (422, "policy_chain_refused")
    digest_in(ours.put(ours.document(ours.showing(CELL), first, fresh_epoch=True)))
    assert setting.bo.view(setting.room).epoch == 1


def test_the_others_wait_for_changes_hears_of_a_policy(setting: Setting, ours: Side) -> None:
    before = setting.bo.view(setting.room).change
    digest_in(ours.put(ours.document(ours.showing(CELL)), ours.reviewer))
    assert setting.bo.view(setting.room).change > before


def test_another_policy_at_a_taken_version_is_a_conflict(ours: Side) -> None:
    first = ours.document(ours.showing(CELL))
    digest_in(ours.put(first, ours.reviewer))
    assert code_of(ours.put(ours.document(ours.showing(OTHER_CELL)), ours.reviewer)) == (409, "conflict")
    assert code_of(ours.propose(ours.document(ours.showing(OTHER_CELL)))) == (409, "conflict")


def test_a_fork_and_a_gap_are_refused(ours: Side) -> None:
    first = ours.document(ours.showing(CELL))
    digest_in(ours.put(first, ours.reviewer))
    fork = ours.document(ours.showing(CELL), first, previous="ab" * 32)
    gap = ours.document(ours.showing(CELL), first, version=3)
    for document in (fork, gap):
        assert code_of(ours.put(document, ours.reviewer)) == (422, "policy_chain_refused")


def test_a_policy_of_another_room_is_refused(ours: Side) -> None:
    other = make_terms(ours.setting.ana, ours.setting.bo)
    digest_in(ours.setting.ana.propose(other))
    digest_in(ours.setting.bo.accept(other))
    document = ours.document(ours.showing(CELL), room=other.room)
    assert code_of(ours.put(document, ours.reviewer)) == (422, "policy_chain_refused")


def test_nobody_puts_the_other_members_policy(setting: Setting, ours: Side) -> None:
    document = ours.document(ours.showing(CELL))
    signed = ours.signed(document, ours.reviewer)
    assert code_of(setting.bo.put(ours.path(1), signed)) == (404, "not_found")
    assert code_of(setting.bo.put(ours.path(1) + "/proposal", ours.signed(document))) == (404, "not_found")
    theirs = f"/v1/rooms/{setting.room}/policies/{setting.bo.id}/1"
    assert code_of(setting.bo.put(theirs, signed)) == (409, "policy_outdated")
    staffed(setting.bo, setting)
    assert code_of(setting.bo.put(theirs, signed)) == (409, "policy_outdated")


def test_a_stranger_sees_and_puts_nothing(escrow: Escrow, setting: Setting, ours: Side) -> None:
    stranger = escrow.partner("Cy")
    document = ours.signed(ours.document(ours.showing(CELL)), ours.reviewer)
    for path in (ours.path(1), f"/v1/rooms/{setting.room}/policies/{stranger.id}/1"):
        assert code_of(stranger.put(path, document)) == (404, "not_found")


def test_policies_name_the_newest_roster(ours: Side) -> None:
    old = ours.document(ours.showing(CELL))
    ours.change_people(ours.admin, Person(Role.PARTNER_MANAGER))
    assert code_of(ours.put(old, ours.reviewer)) == (409, "policy_outdated")
    new = ours.document(ours.showing(CELL))
    assert code_of(ours.put(new, ours.reviewer)) == (422, "policy_chain_refused")


def test_policies_name_the_terms_in_force(setting: Setting, ours: Side) -> None:
    renewed = setting.terms.model_copy(update={"version": 2, "previous": setting.terms.digest(), "quota": 2000})
    digest_in(setting.ana.propose(renewed))
    old, early = ours.document(ours.showing(CELL)), ours.document(ours.showing(CELL), terms=renewed)
    assert code_of(ours.put(early, ours.reviewer)) == (409, "policy_outdated")
    digest_in(setting.bo.accept(renewed))
    assert code_of(ours.put(old, ours.reviewer)) == (409, "policy_outdated")
    digest_in(ours.put(early, ours.reviewer))


def test_policies_are_for_rooms_in_force(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    terms = make_terms(ana, bo)
    digest_in(ana.propose(terms))
    side = staffed(ana, Setting(ana, bo, terms, {}, {}))
    document = side.document(side.showing(CELL))
    assert code_of(side.put(document, side.reviewer)) == (409, "room_not_active")
    digest_in(bo.accept(terms))
    digest_in(side.propose(document))
    digest_in(bo.withdraw(terms.room, "left"))
    assert code_of(side.put(document, side.reviewer)) == (409, "room_closed")
    assert (count(escrow, PolicyRecord), count(escrow, ProposalRecord)) == (0, 0)


def test_leaving_purges_policies(escrow: Escrow, setting: Setting, ours: Side) -> None:
    digest_in(ours.put(ours.document(ours.showing(CELL)), ours.reviewer))
    digest_in(setting.bo.withdraw(setting.terms.room, "left"))
    assert count(escrow, PolicyRecord) == 0
    assert setting.ana.view(setting.room).policies == ()


def test_a_policy_from_the_future_or_at_another_address_is_refused(escrow: Escrow, ours: Side) -> None:
    late = ours.document(ours.showing(CELL), created=instant(escrow.clock() + timedelta(minutes=6)))
    assert code_of(ours.put(late, ours.reviewer)) == (409, "policy_outdated")
    document = ours.document(ours.showing(CELL))
    assert code_of(ours.put(document, ours.reviewer, version=2)) == (409, "policy_outdated")


def test_the_longest_policy_fits_through_the_door(ours: Side) -> None:
    fields = frozenset({"account"})
    rules = tuple(Rule(id=f"r{number}", effect=Effect.DENY, fields=fields) for number in range(MOST_RULES))
    document = ours.document(Policy(owner=ours.partner.id, rules=rules), fresh_epoch=True)
    digest_in(ours.put(document))


# ---- proposals


def test_a_proposal_is_seen_by_its_partner_only(setting: Setting, ours: Side) -> None:
    document = ours.document(ours.showing(CELL))
    for _ in range(2):
        assert digest_in(ours.propose(document)) == document.digest()
    (view,) = setting.ana.view(setting.room).proposals
    assert view.policy == ours.signed(document)
    assert opened(view.receipt, Receipt).state == "proposed"
    assert setting.bo.view(setting.room).proposals == setting.bo.view(setting.room).policies == ()


def test_a_new_proposal_takes_the_place_of_the_old(setting: Setting, ours: Side) -> None:
    digest_in(ours.propose(ours.document(ours.showing(CELL))))
    other = ours.document(ours.showing(OTHER_CELL))
    digest_in(ours.propose(other))
    (view,) = setting.ana.view(setting.room).proposals
    assert view.policy.digest() == other.digest()
    digest_in(ours.put(other, ours.reviewer))
    assert setting.ana.view(setting.room).proposals == ()
    (item,) = setting.bo.view(setting.room).policies
    assert item.proposed is not None


def test_a_proposal_is_checked_like_a_policy(ours: Side) -> None:
    seller = Person(Role.SELLER)
    ours.change_people(ours.admin, ours.reviewer, seller)
    document = ours.document(ours.showing(CELL))
    assert code_of(ours.propose(document, ours.reviewer)) == (422, "policy_chain_refused")
    assert code_of(ours.propose(ours.document(ours.showing(("x", "y"))))) == (422, "policy_chain_refused")
    by_seller = ours.document(ours.showing(CELL), author=seller)
    signed = envelope(by_seller, ours.partner, seller)
    assert code_of(ours.partner.put(ours.path(1) + "/proposal", signed)) == (422, "policy_chain_refused")


# ---- alone


def test_one_person_alone_waits_a_day_to_the_second(escrow: Escrow, setting: Setting, lone: Side) -> None:
    document = lone.document(lone.showing(CELL))
    assert code_of(lone.put(document)) == (422, "policy_chain_refused")
    digest_in(lone.propose(document))
    escrow.clock.step(hours=23, minutes=59, seconds=59)
    early = lone.put(document)
    assert code_of(early) == (409, "approval_too_early")
    assert "2026-03-02T09:00:00Z" in early.json()["detail"]
    assert setting.bo.view(setting.room).policies == ()
    escrow.clock.step(seconds=1)
    digest_in(lone.put(document))
    (view,) = setting.bo.view(setting.room).policies
    assert view.proposed is not None
    assert opened(view.proposed, Receipt).received == "2026-03-01T09:00:00Z"


def test_the_day_begins_again_with_another_proposal(escrow: Escrow, lone: Side) -> None:
    first, other = lone.document(lone.showing(CELL)), lone.document(lone.showing(OTHER_CELL))
    digest_in(lone.propose(first))
    escrow.clock.step(hours=23)
    digest_in(lone.propose(other))
    escrow.clock.step(hours=1)
    assert code_of(lone.put(other)) == (409, "approval_too_early")
    assert code_of(lone.put(first)) == (422, "policy_chain_refused")
    digest_in(lone.propose(first))
    escrow.clock.step(hours=23)
    assert code_of(lone.put(first)) == (409, "approval_too_early")


def test_a_backdated_proposal_waits_as_long(escrow: Escrow, lone: Side) -> None:
    document = lone.document(lone.showing(CELL), created="2025-01-01T00:00:00Z")
    digest_in(lone.propose(document))
    assert code_of(lone.put(document)) == (409, "approval_too_early")
    escrow.clock.step(hours=24)
    digest_in(lone.put(document))


def test_nobody_is_alone_once_a_second_person_is_there(escrow: Escrow, lone: Side) -> None:
    document = lone.document(lone.showing(CELL))
    digest_in(lone.propose(document))
    lone.change_people(lone.admin, lone.reviewer)
    escrow.clock.step(hours=24)
    assert code_of(lone.put(document)) == (409, "policy_outdated")
    again = lone.document(lone.showing(CELL))
    digest_in(lone.propose(again))
    escrow.clock.step(hours=24)
    assert code_of(lone.put(again)) == (422, "policy_chain_refused")


# ---- counts


def cells(setting: Setting) -> tuple[tuple[ShownCell | WithheldCell, ...], ...]:
    signed = setting.bo.view(setting.room).answer
    assert signed is not None
    answer: Answer = opened(signed, Answer)
    return answer.cells


@pytest.mark.parametrize("who", ["ana", "bo"])
def test_a_cell_that_either_side_gives_no_count_for_is_withheld(
    escrow: Escrow, room_with: Callable[..., Setting], who: str
) -> None:
    setting = room_with(answer_interval=86_400)
    a, b = setting.push_both()
    setting.evaluate_both([a], [b])
    assert all(isinstance(cell, ShownCell) for row in cells(setting) for cell in row)
    side = staffed(getattr(setting, who), setting)
    cell = ("customers", "prospects") if who == "ana" else ("prospects", "customers")
    document = side.document(uncounted(side.partner.id, cell), fresh_epoch=True)
    digest_in(side.put(document))
    assert all(isinstance(cell, ShownCell) for row in cells(setting) for cell in row), "given before"
    for partner in (setting.ana, setting.bo):
        digest_in(partner.publish(partner.epoch_key(setting.terms, 1)))
    setting.ana_list = companies(range(32), split=2)
    a, b = setting.push_both(epoch=1)
    setting.evaluate_both([a], [b])
    escrow.clock.step(days=1)
    found = cells(setting)
    assert found[0][1] == WithheldCell(withheld="by_policy")
    assert [isinstance(cell, ShownCell) for row in found for cell in row] == [True, False, True, True]


def test_the_policies_of_the_edge_decide_whatever_came_since(escrow: Escrow, setting: Setting, ours: Side) -> None:
    first = ours.document(uncounted(ours.partner.id, CELL), fresh_epoch=True)
    digest_in(ours.put(first))
    for partner in (setting.ana, setting.bo):
        digest_in(partner.publish(partner.epoch_key(setting.terms, 1)))
    a, b = setting.push_both(epoch=1)
    escrow.clock.step(hours=1)
    digest_in(ours.put(ours.document(ours.showing(), first), ours.reviewer))
    setting.evaluate_both([a], [b])
    assert cells(setting)[0][1] == WithheldCell(withheld="by_policy")
    escrow.clock.step(days=1)
    more = setting.ana.rows(setting.terms, companies(range(30, 32), split=2), 1)
    a2 = setting.ana.push(setting.terms, more, setting.bo, previous=a, epoch=1)
    setting.evaluate_both([a, a2], [b])
    escrow.clock.step(days=1)
    assert isinstance(cells(setting)[0][1], ShownCell)
