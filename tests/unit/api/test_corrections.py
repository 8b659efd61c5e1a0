"""One answer more in the first month, because a list was wrong."""

from datetime import timedelta

import pytest
from conftest import Escrow
from counting_rooms import MONTH, Counting, counting_room, spent_before
from partner import START, Partner, code_of, companies, digest_in

from cleanroom.messages.documents import instant
from cleanroom.messages.entries import CorrectionAsked, CountsReleased
from escrow.edges import seconds

EXACT = {"mode": "exact", "floor": 2, "caps": "budget"}
REFUSED = (409, "correction_refused")
FIRST_MONTH = timedelta(days=30)


@pytest.fixture
def counting(escrow: Escrow, ana: Partner, bo: Partner) -> Counting:
    """A room in standard mode with its first answer, an hour ago."""
    made = counting_room(escrow, ana, bo)
    made.begin()
    escrow.clock.step(hours=1, seconds=7)
    return made


def test_a_correction_is_given_at_once_from_lists_that_are_evaluated(escrow: Escrow, counting: Counting) -> None:
    ana, bo = counting.setting.ana, counting.setting.bo
    counting.grow(range(30, 34))
    assert counting.numbers() == [1]
    now = instant(escrow.clock())
    digest = digest_in(counting.correct(bo, 1))
    assert counting.numbers() == [1, 2]
    answer = counting.answers(ana)[1]
    assert (answer.correction, answer.edge, answer.cost) == (True, now, 1)
    asked, _, released = counting.log()[-3:]
    assert isinstance(asked, CorrectionAsked)
    assert (asked.document, asked.partner, asked.at) == (digest, bo.id, now)
    assert isinstance(released, CountsReleased)
    assert (released.correction, released.edge, released.number) == (True, now, 2)
    assert [signed.digest() for signed in ana.view(counting.setting.room).corrections] == [digest]
    assert digest_in(counting.correct(bo, 1)) == digest
    assert counting.gauge(ana, ana).left == 11
    assert counting.gauge(ana, ana).owner_left == 12


def test_it_does_not_push_the_next_answer_back(escrow: Escrow, counting: Counting) -> None:
    counting.grow(range(30, 34))
    digest_in(counting.correct(counting.setting.ana, 1))
    counting.grow(range(34, 38))
    escrow.clock.now = START + timedelta(seconds=MONTH - 1)
    assert counting.numbers() == [1, 2]
    escrow.clock.step(seconds=1)
    assert counting.numbers() == [1, 2, 3]


def test_its_edge_is_the_moment_of_the_request(escrow: Escrow, counting: Counting) -> None:
    ana = counting.setting.ana
    rows = ana.rows(counting.setting.terms, companies(range(30, 34), split=2))
    counting.a.append(ana.push(counting.setting.terms, rows, counting.setting.bo, previous=counting.a[-1]))
    asked = instant(escrow.clock())
    digest_in(counting.correct(ana, 1))
    assert counting.numbers() == [1]
    escrow.clock.step(hours=5)
    pending = counting.correct(counting.setting.bo, 1)
    assert code_of(pending) == REFUSED
    assert "asked for already" in pending.json()["detail"]
    snapshot = counting.a[-1].digest()
    counting.grow(range(34, 38))
    assert counting.numbers() == [1, 2]
    assert (counting.answers(ana)[1].edge, counting.answers(ana)[1].lists[0].snapshot) == (asked, snapshot)


def test_an_answer_that_comes_first_ends_the_request(escrow: Escrow, counting: Counting) -> None:
    ana = counting.setting.ana
    terms = counting.setting.terms
    rows = ana.rows(terms, companies(range(30, 34), split=2))
    counting.a.append(ana.push(terms, rows, counting.setting.bo, previous=counting.a[-1]))
    digest_in(counting.correct(ana, 1))
    escrow.clock.now = START + timedelta(seconds=MONTH)
    counting.evaluate()
    assert [answer.correction for answer in counting.answers(ana)] == [False, False]
    assert counting.numbers() == [1, 2]
    assert len([entry for entry in counting.log() if isinstance(entry, CorrectionAsked)]) == 1


def test_without_a_change_of_a_list_there_is_nothing_to_correct(counting: Counting) -> None:
    refused = counting.correct(counting.setting.ana, 1)
    assert code_of(refused) == REFUSED
    assert "neither list has changed" in refused.json()["detail"]
    assert not any(isinstance(entry, CorrectionAsked) for entry in counting.log())


def test_there_is_one_correction(counting: Counting) -> None:
    counting.grow(range(30, 34))
    digest_in(counting.correct(counting.setting.ana, 1))
    counting.grow(range(34, 38))
    refused = counting.correct(counting.setting.bo, 2)
    assert code_of(refused) == REFUSED
    assert "1 of 1 corrections" in refused.json()["detail"]


@pytest.mark.parametrize(("more", "given"), [(-1, True), (0, True), (1, False)])
def test_it_comes_in_the_thirty_days_after_the_first_answer(
    escrow: Escrow, counting: Counting, more: int, *, given: bool
) -> None:
    counting.grow(range(30, 34))
    escrow.clock.now = START + FIRST_MONTH + timedelta(seconds=more)
    assert (counting.correct(counting.setting.ana, 1).status_code == 200) is given
    assert counting.numbers() == ([1, 2] if given else [1])


def test_it_names_the_newest_answer_and_its_own_address(escrow: Escrow, counting: Counting) -> None:
    ana, bo = counting.setting.ana, counting.setting.bo
    counting.grow(range(30, 34))
    assert code_of(counting.correct(ana, 2)) == REFUSED
    assert code_of(counting.correct(ana, 1, room="0f" * 16)) == REFUSED
    later = instant(escrow.clock() + timedelta(minutes=6))
    assert code_of(counting.correct(ana, 1, created=later)) == REFUSED
    assert code_of(counting.correct(ana, 1, partner=bo.id)) == REFUSED
    assert counting.numbers() == [1]


def test_rooms_without_budgets_or_answers_have_none(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    counting = counting_room(escrow, ana, bo, counting={**EXACT, "caps": "unsafe_none"})
    assert code_of(counting.correct(ana, 1)) == REFUSED
    counting.begin()
    counting.grow(range(30, 34))
    refused = counting.correct(ana, 1)
    assert code_of(refused) == REFUSED
    assert "no budgets" in refused.json()["detail"]


@pytest.mark.parametrize("whose", [0, 1])
def test_what_an_owner_has_given_to_all_bounds_corrections_too(escrow: Escrow, counting: Counting, whose: int) -> None:
    both = counting.setting.ana, counting.setting.bo
    spent_before(escrow, both[whose].id, "0f" * 16, *(seconds(START) - 60 * n for n in range(1, 14)))
    counting.grow(range(30, 34))
    said = [counting.correct(partner, 1) for partner in both]
    assert [code_of(refused) for refused in said] == [REFUSED] * 2
    assert "14 of 14 answers" in said[whose].json()["detail"]
    assert "14" not in said[1 - whose].json()["detail"]
    assert "two people of theirs" in said[1 - whose].json()["detail"]
