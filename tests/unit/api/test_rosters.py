"""Rosters over HTTP: each partner publishes its own, as a chain; members of a room in force see both."""

from datetime import timedelta

import pytest
from conftest import Escrow, Setting
from partner import Partner, code_of, digest_in, make_terms
from policymakers import Person, envelope, roster_of

from cleanroom.domain.vocabulary import Role
from cleanroom.messages.documents import instant
from cleanroom.messages.signing import SignedDocument
from cleanroom.messages.users import Roster

ANN, BOB = Person(Role.ADMIN), Person(Role.SECURITY_REVIEWER)


def path(partner: Partner, version: int = 1) -> str:
    return f"/v1/partners/{partner.id}/rosters/{version}"


@pytest.fixture
def first(ana: Partner) -> Roster:
    return roster_of(ana.id, ANN, BOB)


def test_a_roster_is_published_once_and_seen_by_both(setting: Setting, first: Roster) -> None:
    signed = envelope(first, setting.ana)
    for _ in range(2):
        assert digest_in(setting.ana.put(path(setting.ana), signed)) == first.digest()
    second = envelope(roster_of(setting.ana.id, ANN, before=first), setting.ana, ANN)
    digest_in(setting.ana.put(path(setting.ana, 2), second))
    of_bo = envelope(roster_of(setting.bo.id, Person(Role.ADMIN)), setting.bo)
    digest_in(setting.bo.put(path(setting.bo), of_bo))
    for partner in (setting.ana, setting.bo):
        assert partner.view(setting.room).rosters == (signed, second, of_bo)


def test_another_roster_at_a_taken_version_is_a_conflict(ana: Partner, first: Roster) -> None:
    digest_in(ana.put(path(ana), envelope(first, ana)))
    other = envelope(roster_of(ana.id, ANN), ana)
    assert code_of(ana.put(path(ana), other)) == (409, "conflict")


def test_a_roster_at_somebody_elses_address_is_not_found(ana: Partner, bo: Partner, first: Roster) -> None:
    assert code_of(bo.put(path(ana), envelope(first, ana))) == (404, "not_found")
    digest_in(ana.put(path(ana), envelope(first, ana)))
    assert code_of(bo.put(path(ana), envelope(first, ana))) == (404, "not_found")


def test_rosters_that_do_not_follow_or_are_not_an_admins_are_refused(ana: Partner, first: Roster) -> None:
    digest_in(ana.put(path(ana), envelope(first, ana)))
    second = roster_of(ana.id, ANN, before=first)
    forged: tuple[tuple[int, SignedDocument], ...] = (
        (2, envelope(second, ana)),
        (2, envelope(second, ana, BOB)),
        (2, envelope(second, ana, Person(Role.ADMIN))),
        (2, envelope(second, ANN)),
        (2, envelope(roster_of(ana.id, ANN, before=first, previous="ab" * 32), ana, ANN)),
        (3, envelope(roster_of(ana.id, ANN, before=first, version=3), ana, ANN)),
    )
    for version, signed in forged:
        assert code_of(ana.put(path(ana, version), signed)) == (422, "document_refused")
    assert code_of(ana.put(path(ana, 3), envelope(second, ana, ANN))) == (422, "roster_refused")
    digest_in(ana.put(path(ana, 2), envelope(second, ana, ANN)))


def test_a_roster_from_the_future_is_refused(escrow: Escrow, ana: Partner) -> None:
    late = roster_of(ana.id, ANN, created=instant(escrow.clock() + timedelta(minutes=6)))
    assert code_of(ana.put(path(ana), envelope(late, ana))) == (422, "roster_refused")


def test_who_only_proposes_a_room_sees_no_roster(ana: Partner, bo: Partner, first: Roster) -> None:
    digest_in(ana.put(path(ana), envelope(first, ana)))
    terms = make_terms(bo, ana)
    digest_in(bo.propose(terms))
    assert bo.view(terms.room).rosters == ()
    digest_in(ana.accept(terms))
    assert len(bo.view(terms.room).rosters) == 1
