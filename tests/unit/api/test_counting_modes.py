"""Stricter counting is one member's wish; weaker takes terms and two people of every member."""

from datetime import timedelta

import pytest
from conftest import Escrow
from counting_rooms import MINUTE, MONTH, Counting, counting_room
from partner import START, Partner, code_of, digest_in, make_terms
from people import Side, staffed
from policymakers import Person, envelope

from cleanroom.domain.vocabulary import CountingMode, Role
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import AllowanceGiven, CountingTightened
from cleanroom.messages.rooms import Terms
from matching.disclosure.modes import YEAR_SECONDS

EXACT = {"mode": "exact", "floor": 2, "caps": "budget"}
STANDARD = {"mode": "standard", "floor": 2, "caps": "budget"}
CONFIDENTIAL = {"mode": "confidential", "floor": 2, "caps": "budget"}
UNCAPPED = {"mode": "exact", "floor": 2, "caps": "unsafe_none"}


@pytest.fixture
def counting(escrow: Escrow, ana: Partner, bo: Partner) -> Counting:
    return counting_room(escrow, ana, bo)


@pytest.fixture
def sides(counting: Counting) -> tuple[Side, Side]:
    return staffed(counting.setting.ana, counting.setting), staffed(counting.setting.bo, counting.setting)


def in_force(counting: Counting) -> CountingMode | None:
    modes = {who.view(counting.setting.room).counting for who in (counting.setting.ana, counting.setting.bo)}
    assert len(modes) == 1
    return modes.pop()


def weaken(counting: Counting, side: Side, terms: Terms, number: int = 1) -> None:
    digest_in(counting.allow(side, number, act="weaker_counting", terms=terms.digest(), units=0))


def test_a_wish_makes_counting_stricter_for_both_at_once(counting: Counting) -> None:
    ana, bo = counting.setting.ana, counting.setting.bo
    assert in_force(counting) == "standard"
    digest = digest_in(counting.wish(bo, "confidential"))
    assert digest_in(counting.wish(bo, "confidential")) == digest
    assert in_force(counting) == "confidential"
    assert [signed.digest() for signed in ana.view(counting.setting.room).wishes] == [digest]
    entry = counting.log()[-1]
    assert isinstance(entry, CountingTightened)
    assert (entry.document, entry.mode, entry.partner) == (digest, "confidential", bo.id)
    counting.begin()
    assert {who.counting.mode for partner in (ana, bo) for who in counting.answers(partner)} == {"confidential"}


@pytest.mark.parametrize("mode", ["exact", "standard"])
def test_a_wish_that_is_not_stricter_is_refused(counting: Counting, mode: str) -> None:
    refused = counting.wish(counting.setting.ana, mode)
    assert code_of(refused) == (409, "not_stricter")
    assert "two people of every member" in refused.json()["detail"]
    assert in_force(counting) == "standard"
    assert counting.setting.ana.view(counting.setting.room).wishes == ()


def test_wishes_have_numbers_and_one_address(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    counting = counting_room(escrow, ana, bo, counting=EXACT)
    assert code_of(counting.wish(ana, "standard", 2)) == (409, "out_of_order")
    assert code_of(counting.wish(ana, "standard", 1, room="0f" * 16)) == (422, "counting_refused")
    later = instant(START + timedelta(minutes=6))
    assert code_of(counting.wish(ana, "standard", 1, created=later)) == (422, "counting_refused")
    digest_in(counting.wish(ana, "standard"))
    assert code_of(counting.wish(ana, "confidential")) == (409, "conflict")
    assert code_of(counting.wish(bo, "standard")) == (409, "not_stricter")
    digest_in(counting.wish(ana, "confidential", 2))
    assert in_force(counting) == "confidential"


@pytest.mark.parametrize(("seconds", "mode"), [(0, "confidential"), (1, "standard")])
def test_a_wish_holds_for_edges_that_are_not_before_it(
    escrow: Escrow, counting: Counting, seconds: int, mode: str
) -> None:
    a, b = counting.setting.push_both()
    escrow.clock.step(seconds=seconds)
    digest_in(counting.wish(counting.setting.ana, "confidential"))
    counting.a, counting.b = [a], [b]
    counting.evaluate()
    assert [answer.counting.mode for answer in counting.answers(counting.setting.bo)] == [mode]


def test_a_wish_in_a_room_without_budgets_gives_it_budgets(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    counting = counting_room(escrow, ana, bo, counting=UNCAPPED)
    assert ana.view(counting.setting.room).gauges == ()
    digest_in(counting.wish(ana, "standard"))
    counting.begin()
    counting.grow(range(30, 34))
    escrow.clock.step(days=20)
    assert counting.numbers() == [1]
    assert counting.gauge(ana, bo).reason == "too_soon"


@pytest.mark.parametrize("weaker", [EXACT, UNCAPPED])
def test_weaker_terms_take_two_people_of_every_member(
    escrow: Escrow, counting: Counting, sides: tuple[Side, Side], weaker: dict[str, object]
) -> None:
    bo, after = counting.setting.bo, counting.amended(counting=weaker)
    refused = bo.accept(after)
    assert code_of(refused) == (409, "two_people_needed")
    assert "missing: the other member's, yours" in refused.json()["detail"]
    weaken(counting, sides[0], after)
    entry = counting.log()[-1]
    assert isinstance(entry, AllowanceGiven)
    assert (entry.act, entry.author, entry.approver, entry.units) == (
        "weaker_counting",
        sides[0].admin.id,
        sides[0].reviewer.id,
        0,
    )
    refused = bo.accept(after)
    assert code_of(refused) == (409, "two_people_needed")
    assert "missing: yours" in refused.json()["detail"]
    weaken(counting, sides[1], after)
    digest_in(bo.accept(after))
    assert in_force(counting) == "exact"
    assert len(bo.view(counting.setting.room).allowances) == 2
    escrow.clock.step(seconds=MINUTE)


def test_an_allowance_is_for_exactly_one_version(counting: Counting, sides: tuple[Side, Side]) -> None:
    ana, bo = counting.setting.ana, counting.setting.bo
    declined = counting.amended(counting=EXACT)
    for side in sides:
        weaken(counting, side, declined)
    digest_in(ana.withdraw(declined.room, "declined"))
    other = counting.amended(counting={**EXACT, "floor": 3})
    assert code_of(bo.accept(other)) == (409, "two_people_needed")


def test_a_lower_floor_is_weaker_in_exact_mode_only(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    counting = counting_room(escrow, ana, bo, counting={**EXACT, "floor": 5})
    assert code_of(bo.accept(counting.amended(counting={**EXACT, "floor": 4}))) == (409, "two_people_needed")
    digest_in(ana.withdraw(counting.setting.terms.room, "declined"))
    digest_in(bo.accept(counting.amended(counting={**STANDARD, "floor": 1})))
    assert in_force(counting) == "standard"


def test_weaker_terms_end_earlier_wishes(counting: Counting, sides: tuple[Side, Side]) -> None:
    ana, bo = counting.setting.ana, counting.setting.bo
    digest_in(counting.wish(ana, "confidential"))
    same = counting.amended(counting=CONFIDENTIAL)
    digest_in(bo.accept(same))
    counting.setting.terms = same
    after = counting.amended(counting=STANDARD)
    assert code_of(bo.accept(after)) == (409, "two_people_needed")
    for side in sides:
        weaken(counting, side, after)
    digest_in(bo.accept(after))
    assert in_force(counting) == "standard"
    digest_in(counting.wish(ana, "confidential", 2))
    assert in_force(counting) == "confidential"


def test_terms_that_say_what_is_in_force_leave_wishes_alone(counting: Counting) -> None:
    digest_in(counting.wish(counting.setting.ana, "confidential"))
    counting.setting.terms = counting.amended(counting=CONFIDENTIAL)
    digest_in(counting.setting.bo.accept(counting.setting.terms))
    after = counting.amended(title="The same, under another title")
    digest_in(counting.setting.bo.accept(after))
    assert in_force(counting) == "confidential"


def test_a_new_room_of_two_is_no_weaker_than_what_they_were_shown_in_a_year(
    counting: Counting, sides: tuple[Side, Side]
) -> None:
    counting.begin()
    ana, bo = counting.setting.ana, counting.setting.bo
    digest_in(bo.withdraw(counting.setting.terms.room, "left"))
    terms = make_terms(bo, ana, counting=EXACT, expires=instant(START + timedelta(days=900)))
    digest_in(bo.propose(terms))
    assert code_of(ana.accept(terms)) == (409, "two_people_needed")
    counting.setting.terms = terms
    for side in sides:
        weaken(counting, side, terms)
    digest_in(ana.accept(terms))
    assert in_force(counting) == "exact"


@pytest.mark.parametrize(("seconds", "accepted"), [(YEAR_SECONDS - 1, False), (YEAR_SECONDS, True)])
def test_what_was_shown_is_forgotten_after_a_year(
    escrow: Escrow, counting: Counting, seconds: int, *, accepted: bool
) -> None:
    counting.begin()
    ana, bo = counting.setting.ana, counting.setting.bo
    escrow.clock.step(seconds=seconds)
    terms = make_terms(ana, bo, counting=EXACT, expires=instant(START + timedelta(days=900)))
    digest_in(ana.propose(terms))
    assert (bo.accept(terms).status_code == 200) is accepted


def test_an_allowance_is_signed_by_two_people_of_the_newest_roster(
    counting: Counting, sides: tuple[Side, Side]
) -> None:
    side = sides[0]
    ana, path = side.partner, f"{counting.path}/allowances/{side.partner.id}/1"
    seller, stranger = Person(Role.SELLER), Person(Role.ADMIN)
    allowance = counting.allowance(side)
    for signers in ((side.admin,), (side.admin, stranger), (side.admin, side.reviewer, stranger), (side.reviewer,)):
        assert ana.put(path, envelope(allowance, ana, *signers)).status_code == 422
    outdated = envelope(allowance, ana, side.admin, side.reviewer)
    side.change_people(side.admin, side.reviewer, seller)
    assert code_of(ana.put(path, outdated)) == (422, "allowance_refused")
    by_a_seller = envelope(counting.allowance(side), ana, side.admin, seller)
    assert code_of(ana.put(path, by_a_seller)) == (422, "allowance_refused")
    other = f"{counting.path}/allowances/{sides[1].partner.id}/1"
    assert code_of(ana.put(other, by_a_seller)) == (404, "not_found")
    assert code_of(counting.allow(side, 2)) == (409, "out_of_order")
    assert code_of(counting.allow(side, terms="0f" * 32)) == (422, "counting_refused")
    weak = {"act": "weaker_counting", "units": 0}
    assert code_of(counting.allow(side, **weak)) == (422, "counting_refused")
    assert code_of(counting.allow(side, room="0f" * 16)) == (422, "counting_refused")
    digest_in(counting.allow(side))


def test_a_partner_without_people_allows_nothing(counting: Counting, sides: tuple[Side, Side]) -> None:
    carl = counting.escrow.partner("Carl Hosting")
    other = counting_room(counting.escrow, carl, counting.setting.bo)
    side = Side(carl, other.setting, sides[0].admin, sides[0].reviewer, sides[0].roster)
    assert code_of(other.allow(side)) == (422, "allowance_refused")


def test_what_is_asked_for_goes_with_the_room_and_budgets_stay(counting: Counting, sides: tuple[Side, Side]) -> None:
    counting.begin()
    digest_in(counting.wish(counting.setting.ana, "confidential"))
    digest_in(counting.allow(sides[0]))
    digest_in(counting.setting.ana.withdraw(counting.setting.terms.room, "left"))
    view = counting.setting.bo.view(counting.setting.room)
    assert (view.wishes, view.allowances, view.corrections) == ((), (), ())
    assert len(counting.spends()) == 2
    assert len(counting.draws()) == 1
    counting.escrow.clock.step(seconds=MONTH)
    assert counting.setting.bo.view(counting.setting.room).next_answer is None
