"""What is new in a list waits: for the next epoch before it counts, for hours and snapshots before it is opened."""

import pytest
from conftest import Escrow
from counting_rooms import Counting, counting_room
from opening_rooms import agree
from partner import Partner, companies, digest_in

from cleanroom.messages.lists import Answer, ShownCell

EXACT = {"mode": "exact", "floor": 2, "caps": "budget"}
NEXT_EPOCH = {"count_from": "next_epoch", "open_after_hours": 0, "open_after_snapshots": 1}


@pytest.fixture
def counting(escrow: Escrow, ana: Partner, bo: Partner) -> Counting:
    """A room in exact mode where new tokens count from the next epoch; its first answer is given."""
    made = counting_room(escrow, ana, bo, counting=EXACT, new_tokens=NEXT_EPOCH)
    made.begin()
    return made


def totals(counting: Counting) -> list[int]:
    """Of every answer: all companies, which both members are told alike."""
    both = [[total(answer) for answer in counting.answers(who)] for who in (counting.setting.ana, counting.setting.bo)]
    assert both[0] == both[1]
    return both[0]


def total(answer: Answer) -> int:
    return sum(cell.companies for row in answer.cells for cell in row if isinstance(cell, ShownCell))


def test_what_a_later_batch_brings_counts_from_the_next_epoch(escrow: Escrow, counting: Counting) -> None:
    counting.grow(range(30, 40))
    escrow.clock.step(days=7)
    assert totals(counting) == [20, 20]
    assert counting.answers(counting.setting.ana)[1].lists[0].size == "20 to 50"
    setting = counting.setting
    escrow.clock.step(days=359)
    for partner in (setting.ana, setting.bo):
        digest_in(partner.publish(partner.epoch_key(setting.terms, 1)))
    setting.ana_list = companies(range(40), split=2)
    a, b = setting.push_both(1)
    setting.evaluate_both([a], [b])
    escrow.clock.step(seconds=60)
    assert totals(counting) == [20, 20, 30]


def test_where_the_terms_say_so_it_counts_in_the_next_answer(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    counting = counting_room(escrow, ana, bo, counting=EXACT)
    counting.begin()
    counting.grow(range(30, 40))
    escrow.clock.step(days=7)
    assert totals(counting) == [20, 30]


def test_what_goes_away_counts_no_more_and_comes_back_under_another_handle(escrow: Escrow, counting: Counting) -> None:
    setting = counting.setting
    counting.grow(range(50, 52), gone=("c11", "c13"))
    escrow.clock.step(days=7)
    del setting.ana.handles["0/c11"], setting.ana.handles["0/c13"]
    back = {f"c{i}": (1, {"domain": f"company{i}.example"}) for i in (11, 13, 30, 31)}
    rows = setting.ana.rows(setting.terms, back)
    counting.a.append(setting.ana.push(setting.terms, rows, setting.bo, previous=counting.a[-1]))
    counting.evaluate()
    escrow.clock.step(days=7)
    assert totals(counting) == [20, 18, 20]


def test_a_correction_counts_all_and_so_do_the_answers_after_it(escrow: Escrow, counting: Counting) -> None:
    escrow.clock.step(hours=1)
    counting.grow(range(30, 36))
    digest_in(counting.correct(counting.setting.ana, 1))
    assert totals(counting) == [20, 26]
    counting.grow(range(36, 40))
    escrow.clock.step(days=7)
    assert totals(counting) == [20, 26, 26]


def rows_to_open(counting: Counting) -> int | None:
    """How many row pairs the round has that is open now."""
    found = {who.view(counting.setting.room).round for who in (counting.setting.ana, counting.setting.bo)}
    assert len(found) == 1
    view = found.pop()
    return view.rows if view else None


def waiting(escrow: Escrow, ana: Partner, bo: Partner, **rule: int) -> Counting:
    """A room in which everything is agreed, and the first batches are evaluated."""
    new_tokens = {"count_from": "next_answer", "open_after_hours": 0, "open_after_snapshots": 1, **rule}
    counting = counting_room(escrow, ana, bo, counting=EXACT, new_tokens=new_tokens)
    agree(counting.setting)
    counting.begin()
    return counting


def test_batches_are_opened_once_they_are_here_for_long_enough(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    counting = waiting(escrow, ana, bo, open_after_hours=72)
    escrow.clock.step(hours=72, seconds=-1)
    assert rows_to_open(counting) is None
    escrow.clock.step(seconds=1)
    assert rows_to_open(counting) == 20
    counting.grow_both(range(40, 44))
    assert rows_to_open(counting) == 20
    escrow.clock.step(hours=72, seconds=-1)
    assert rows_to_open(counting) == 20
    before = counting.setting.ana.view(counting.setting.room).round
    escrow.clock.step(seconds=1)
    assert rows_to_open(counting) == 24
    after = counting.setting.ana.view(counting.setting.room).round
    assert before is not None
    assert after is not None
    assert after.number == before.number + 1


def test_and_in_enough_snapshots(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    counting = waiting(escrow, ana, bo, open_after_snapshots=3)
    assert rows_to_open(counting) == 20
    counting.grow_both(range(40, 44))
    assert rows_to_open(counting) == 20
    counting.grow_both(range(60, 64))
    assert rows_to_open(counting) == 20
    counting.grow_both(range(64, 68))
    assert rows_to_open(counting) == 24


def test_nothing_waits_where_the_terms_do_not_say_so(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    counting = waiting(escrow, ana, bo)
    assert rows_to_open(counting) == 20
    counting.grow_both(range(40, 44))
    assert rows_to_open(counting) == 24
