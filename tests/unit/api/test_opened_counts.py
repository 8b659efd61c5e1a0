"""What was opened is subtracted before anything is shown, and what openings tell of other cells is charged."""

import pytest
from conftest import Escrow
from counting_rooms import Counting, counting_room
from opening_rooms import Opener
from partner import SEGMENTS, Partner, digest_in
from people import staffed

from cleanroom.messages.lists import ShownCell

WEEKS = {"counting": {"mode": "exact", "floor": 2, "caps": "budget"}}
ALL = tuple((mine, theirs) for mine in SEGMENTS for theirs in SEGMENTS)


def opened_room(escrow: Escrow, ana: Partner, bo: Partner, *cells: tuple[str, str]) -> Counting:
    """A room in exact mode whose first round, over these cells (Ana's segment, Bo's), is exchanged."""
    counting = counting_room(escrow, ana, bo, **WEEKS)
    setting = counting.setting
    a, b = setting.push_both()
    counting.a, counting.b = [a], [b]
    by_bo, by_ana = setting.sign_both([a], [b])
    for evaluator, batches in ((setting.bo, by_bo), (setting.ana, by_ana)):
        digest_in(evaluator.upload(setting.room, 1, batches[0]))
    for partner, pairs in ((ana, cells), (bo, tuple(pair[::-1] for pair in cells))):
        side = staffed(partner, setting)
        digest_in(side.put(side.document(side.showing(*pairs)), side.reviewer))
    ana.view(setting.room)
    for opener in (Opener(setting, ana, bo, a, b, by_ana[0]), Opener(setting, bo, ana, b, a, by_bo[0])):
        opener.deliver_all()
    assert counting.numbers() == [1]
    return counting


def next_answer(counting: Counting, numbers: range) -> tuple[list[list[int | None]], list[list[int]], int]:
    """After a week: the cells, what was opened of each, and the cost, the same for both members."""
    counting.grow(numbers)
    counting.escrow.clock.step(days=7)
    found = [
        (
            [[cell.companies if isinstance(cell, ShownCell) else None for cell in row] for row in answer.cells],
            [list(row) for row in answer.opened],
            answer.cost,
        )
        for answer in (counting.answers(who)[-1] for who in (counting.setting.ana, counting.setting.bo))
    ]
    assert found[0] == found[1]
    return found[0]


def test_the_rest_is_what_the_rule_sees(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    counting = opened_room(escrow, ana, bo, ("customers", "customers"), ("prospects", "prospects"))
    # Ten of the new companies match: 2 more of customers and customers, 3 and 2 beside, 3 of prospects and prospects.
    cells, opened, _ = next_answer(counting, range(30, 42))
    assert opened == [[3, 0], [0, 7]]
    assert cells == [[2, 10], [5, 3]]


def test_what_is_left_of_a_cell_below_the_floor_is_withheld(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    counting = opened_room(escrow, ana, bo, *ALL)
    cells, opened, cost = next_answer(counting, range(50, 54))
    assert opened == [[3, 7], [3, 7]]
    assert cells == [[None, None], [None, None]]
    # All cells are agreed: there is nothing beside them.
    assert cost == 1


@pytest.mark.parametrize("cells", [ALL[:1], ALL[:2], ALL[:3]])
def test_openings_beside_a_counted_cell_cost_twice_once(
    escrow: Escrow, ana: Partner, bo: Partner, cells: tuple[tuple[str, str], ...]
) -> None:
    counting = opened_room(escrow, ana, bo, *cells)
    before = counting.gauge(ana, ana).left
    assert next_answer(counting, range(50, 54))[2] == 2
    assert counting.gauge(ana, ana).left == before - 2
    assert next_answer(counting, range(54, 58))[2] == 1
    assert counting.gauge(ana, ana).left == before - 3
