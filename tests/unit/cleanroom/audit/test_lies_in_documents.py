"""A document, a policy, a record or a journal is not what it must be: the audit says what and where.

Most of it is done by a lying escrow or member while the room lives, so that every root and signature that comes later
fits: only the one check that the test is of can tell."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lies import broken, requires
from log_made import Twist
from partners_made import ANA, BO, Partner, granting, key
from policymakers import Person, Signer, roster_of
from room_made import Life, lived

from cleanroom.domain.vocabulary import Role
from cleanroom.messages import entries as log
from cleanroom.messages.documents import Document
from cleanroom.messages.lists import WithheldCell
from cleanroom.messages.signing import SignedDocument
from cleanroom.messages.users import Roster


@pytest.fixture(scope="module")
def life() -> Life:
    return lived()


def test_a_policy_that_its_author_alone_has_approved_is_named() -> None:
    """The roster has two people who may approve: nobody is ever alone."""
    later = lived()
    granted = granting(ANA)
    later.policy(ANA, replace(granted, rules=granted.rules[:2]), widens=False, narrows=True)
    later.policy(ANA, granted)
    requires(broken(later.bundle()), "entry 30 (policy-activated/1)", "no second person has approved it")


class Alone(Partner):
    """Ana, whose manager has left."""

    @property
    def roster(self) -> Roster:
        return roster_of(self.id, self.admin, before=super().roster)


@pytest.mark.parametrize(("hours", "found"), [(25, False), (23, True)])
def test_who_alone_may_approve_has_waited_for_a_day(*, hours: int, found: bool) -> None:
    later = lived()
    alone = Alone(ANA.number, ANA.name)
    signed = later.signed(alone.roster, ANA.signer, ANA.admin)
    later.add(log.RosterPublished, document=signed.digest(), partner=ANA.id, version=2)
    granted = granting(ANA)
    later.policy(alone, replace(granted, rules=granted.rules[:2]), widens=False, narrows=True)

    def waited(entry: log.Entry) -> log.Entry:
        if isinstance(entry, log.PolicyProposed):
            later.now += timedelta(hours=hours)
        return entry

    later.twist = Twist(entry=waited)
    later.policy(alone, granted)
    early = {what for rules in broken(later.bundle()).values() for what in rules}
    assert bool(early) is found
    assert all("one person alone may approve it from" in what for what in early)


def test_a_receipt_of_another_moment_is_named() -> None:
    """Else a lying escrow could say that a proposal had waited for a day."""

    def earlier(document: Document) -> Document:
        if document.type == "receipt/1":
            return document.model_copy(update={"received": "2026-02-01T09:00:00Z"})
        return document

    found = broken(lived(Twist(document=earlier)).bundle())
    requires(found, "(policy-proposed/1)", "its receipt is of another moment")
    requires(found, "(policy-activated/1)", "its receipt is of another moment")


def test_a_narrowing_without_a_fresh_epoch_is_named() -> None:
    later = lived()
    granted = granting(ANA)
    later.twist = Twist(
        document=lambda item: item.model_copy(update={"fresh_epoch": False}) if item.type == "policy/1" else item
    )
    later.policy(ANA, replace(granted, rules=granted.rules[:2]), widens=False, narrows=True)
    requires(broken(later.bundle()), "entry 28 (policy-activated/1)", "narrows without starting a fresh epoch")


def test_a_roster_that_does_not_follow_is_named() -> None:
    later = lived()
    roster = roster_of(ANA.id, ANA.admin, Person(Role.ADMIN, key(77)), before=ANA.roster)
    signed = later.signed(roster, ANA.signer)  # and by no admin of the one before
    later.add(log.RosterPublished, document=signed.digest(), partner=ANA.id, version=2)
    requires(broken(later.bundle()), "entry 27 (roster-published/1)", "not signed by one admin")


def test_a_policy_of_an_older_roster_is_named() -> None:
    later = lived()
    roster = roster_of(ANA.id, ANA.admin, before=ANA.roster)
    signed = later.signed(roster, ANA.signer, ANA.admin)
    later.add(log.RosterPublished, document=signed.digest(), partner=ANA.id, version=2)
    later.policy(ANA, granting(ANA), widens=False)
    found = broken(later.bundle())
    assert found == {"entry 29 (policy-activated/1)": {"its document names another roster than the newest"}}


def test_a_roster_that_was_never_entered_is_told() -> None:
    later = lived()
    later.signed(ANA.roster.model_copy(update={"version": 2, "previous": ANA.roster.digest()}), ANA.signer, ANA.admin)
    requires(broken(later.bundle()), f"rosters of {ANA.id}", "version 2 does not follow")


def resigned(of_type: str, *signers: Signer) -> Twist:
    return Twist(signers=lambda document, honest: signers if document.type == of_type else honest)


@pytest.mark.parametrize(
    ("of_type", "where"),
    [
        ("enrolment/1", "(member-named/1)"),
        ("epoch-key/1", "(key-published/1)"),
        ("answer/2", "(counts-released/1)"),
        ("opening/2", "(opening-recorded/1)"),
        ("release/2", "(release-recorded/1)"),
        ("notice/1", "(notice-sent/1)"),
        ("receipt/1", "(policy-activated/1)"),
        ("roster/1", "(roster-published/1)"),
    ],
)
def test_a_document_that_somebody_else_has_signed_is_named(of_type: str, where: str) -> None:
    requires(broken(lived(resigned(of_type, Person(Role.ADMIN, key(99)))).bundle()), where, "sign")


def test_a_policy_that_a_stranger_has_signed_is_named() -> None:
    stranger = Person(Role.ADMIN, key(99))
    found = broken(lived(resigned("policy/1", ANA.signer, ANA.admin, stranger)).bundle())
    requires(found, "entry 7 (policy-activated/1)", "its approver is not in the roster")


def test_a_signature_that_does_not_hold_is_named(life: Life) -> None:
    for digest_, signed in life.documents.items():
        if '"terms/4"' in signed.document:
            continue
        zero = signed.signatures[0].model_copy(update={"signature": "00" * 64})
        forged = SignedDocument(document=signed.document, signatures=(zero, *signed.signatures[1:]))
        documents = {**life.documents, digest_: forged}
        found = broken(life.bundle(documents=tuple(documents.values())))
        assert any("a signature does not hold" in what for rules in found.values() for what in rules), signed.document


@pytest.mark.parametrize(
    "of_type", ["enrolment/1", "roster/1", "policy/1", "receipt/1", "answer/2", "opening/2", "release/2"]
)
def test_a_document_that_must_be_carried_is_missed(of_type: str) -> None:
    found = broken(lived(Twist(carried=lambda document: document.type != of_type)).bundle())
    requires(found, "entry", "document is not carried" if of_type != "answer/2" else "neither document is carried")


def test_terms_that_one_member_alone_has_signed_are_named() -> None:
    later = lived()
    later.twist = resigned("terms/4", ANA.signer)
    later.agree_terms()
    requires(broken(later.bundle()), "entry 28 (terms-signed/1)", "not signed by all members")


def test_claims_that_do_not_mirror_each_other_are_named() -> None:
    def other_key(document: Document) -> Document:
        claim = getattr(document, "claim", None)
        if claim is None or claim.prover != BO.id:
            return document
        return document.model_copy(update={"claim": claim.model_copy(update={"verifier_key": "ab" * 32})})

    found = broken(lived(Twist(document=other_key)).bundle())
    requires(found, "(openings-exchanged/1)", "do not mirror each other")


def test_an_opening_towards_nobody_of_the_room_is_named() -> None:
    def astray(document: Document) -> Document:
        claim = getattr(document, "claim", None)
        if claim is None or claim.prover != ANA.id:
            return document
        return document.model_copy(update={"claim": claim.model_copy(update={"verifier": "00" * 16})})

    found = broken(lived(Twist(document=astray)).bundle())
    requires(found, "(opening-recorded/1)", "`verifier` is not what its document says")
    requires(found, "(openings-exchanged/1)", "not the newest on record before it")


def witnessed(of_type: str, **changes: Any) -> Twist:  # noqa: ANN401 - any member
    """Who signs a document has seen another log."""

    def seen(document: Document) -> Document:
        if document.type != of_type:
            return document
        claim = getattr(document, "claim", None)
        update = changes if claim is None else {"claim": claim.model_copy(update=changes)}
        return document.model_copy(update=update)

    return Twist(document=seen)


@pytest.mark.parametrize("of_type", ["opening/2", "release/2"])
def test_a_signer_that_has_seen_another_log_is_told(of_type: str) -> None:
    found = broken(lived(witnessed(of_type, log_root="00" * 32)).bundle())
    requires(found, f"({of_type.removesuffix('/2')}-recorded/1)", "its signer has witnessed size")
    found = broken(lived(witnessed(of_type, log_size=1_000)).bundle())
    requires(found, f"({of_type.removesuffix('/2')}-recorded/1)", "names the log at 1000 entries, before they were")


def test_an_answer_that_withholds_other_cells_is_named() -> None:
    def withheld(document: Document) -> Document:
        cells = getattr(document, "cells", None)
        if cells is None:
            return document
        row = (WithheldCell(withheld="by_policy"), *cells[0][1:])
        return document.model_copy(update={"cells": (row, *cells[1:])})

    requires(broken(lived(Twist(document=withheld)).bundle()), "(counts-released/1)", "withholds other cells")
