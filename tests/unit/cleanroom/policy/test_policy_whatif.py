"""What-if: numbers from released counts, and nothing from withheld ones."""

import pytest
from policy_builders import GROUND, NOW, OURS, exists, grant, ours, policy, sides, theirs

from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form, Nomination
from cleanroom.policy.model import PolicyRefused
from cleanroom.policy.whatif import UNKNOWN, what_if

COUNTS = {(0, 0): 120, (0, 1): None, (1, 0): 7, (1, 1): 0}


def test_opening_a_room_counts_its_records_and_says_what_is_unknown() -> None:
    old, new = sides(policy(OURS), theirs()), sides(ours(grant("g", "amount")), theirs())
    result = what_if(old, new, COUNTS, at=NOW)
    assert result.opened == ((0, 0), (0, 1), (1, 0), (1, 1))
    assert result.closed == ()
    assert result.opened_records().words() == f"127 and 1 cells ({UNKNOWN})"
    assert (result.more("amount").records, result.more("amount").unknown_cells) == (127, 1)
    assert result.less("amount").words() == "0"
    assert {(each.cell, each.records) for each in result.changes if each.field == ACCOUNT} == set(COUNTS.items())


def test_a_change_counts_only_where_it_applies() -> None:
    old = sides(ours(grant("g", "amount")), theirs())
    new = sides(ours(grant("g", "amount", segments=[("customers", "customers")])), theirs())
    result = what_if(old, new, COUNTS, at=NOW)
    assert (result.less("amount").records, result.less("amount").unknown_cells) == (7, 1)
    assert all((each.before, each.after) == (Form.FULL, Form.HIDDEN) for each in result.changes)
    assert {each.field for each in result.changes} == {"amount"}


def test_taking_existence_back_closes_cells() -> None:
    new = sides(policy(OURS, exists(segments=[("customers", "customers")])), theirs())
    result = what_if(sides(ours(), theirs()), new, COUNTS, at=NOW)
    assert result.closed == ((0, 1), (1, 0), (1, 1))
    assert result.closed_records().records == 7


def test_what_differs_only_for_nominated_accounts_counts_neither_way() -> None:
    new = sides(ours(grant("g", "amount", nominations=[Nomination.MINE])), theirs())
    result = what_if(sides(ours(), theirs()), new, {(0, 0): 120}, at=NOW)
    (change,) = result.changes
    assert (change.nominated_differ, change.before, change.after) == (True, Form.HIDDEN, Form.HIDDEN)
    assert result.more("amount").records == result.less("amount").records == 0


def test_cells_that_nobody_asks_about_are_not_answered() -> None:
    result = what_if(sides(None, None), sides(ours(), theirs()), {(1, 0): 7}, at=NOW)
    assert {each.cell for each in result.changes} == {(1, 0)} == set(result.opened)


def test_no_change_means_nothing() -> None:
    where = sides(ours(grant("g", "amount")), theirs())
    result = what_if(where, where, COUNTS, at=NOW)
    assert (result.changes, result.opened, result.closed) == ((), (), ())


def test_cells_of_another_room_are_refused() -> None:
    where = sides(ours(), theirs())
    for cell in ((0, len(GROUND.segments)), (-1, 0)):
        with pytest.raises(PolicyRefused):
            what_if(where, where, {cell: 5}, at=NOW)
