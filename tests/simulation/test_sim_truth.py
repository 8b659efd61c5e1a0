"""The report is the maximum matching of the two plaintext lists, whatever is in them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lists_of_accounts import SEGMENTS, account_lists, companies, lei
from oracle import check_reports, committed, transposed, wanted
from world import World, accounts

from cleanroom.agent import commit
from cleanroom.agent.epochs import publish_key
from cleanroom.agent.overlap import overlap
from cleanroom.agent.rooms import open_room

Rows = list[dict[str, str]]
QUICK = settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
ANCHOR = {"website": "anchor-of-the-tests.com", "segment": "customers"}


def check_two_lists(world: World, first: Rows, second: Rows, segments: tuple[str, ...]) -> None:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex, segments=segments)
    # Each list has an account that the other one cannot have, so that none is empty.
    mine = accounts([*first, {"account_id": "own\x1fa", "website": "only-acme.com", "segment": segments[0]}])
    theirs = accounts([*second, {"account_id": "own\x1fg", "website": "only-globex.com", "segment": segments[-1]}])
    world.put_list(acme, room, mine)
    world.put_list(globex, room, theirs)
    world.settle(globex, acme, room=room)
    assert committed(acme, room) == wanted(acme, mine, segments)
    assert committed(globex, room) == wanted(globex, theirs, segments)
    check_reports(acme, globex, room)


@QUICK
@given(
    first=account_lists(), second=account_lists(), segments=st.permutations(SEGMENTS).map(tuple) | st.just(SEGMENTS[:1])
)
def test_the_report_is_the_maximum_matching_of_the_lists(
    world: World, first: Rows, second: Rows, segments: tuple[str, ...]
) -> None:
    check_two_lists(world, first, second, segments)


@pytest.mark.soak
@settings(parent=QUICK, max_examples=40)
@given(
    first=account_lists(40), second=account_lists(40), segments=st.permutations(SEGMENTS).map(lambda s: tuple(s[:2]))
)
def test_the_report_is_the_maximum_matching_of_the_lists_at_length(
    world: World, first: Rows, second: Rows, segments: tuple[str, ...]
) -> None:
    check_two_lists(world, first, second, segments)


def test_a_differing_identifier_vetoes_and_an_equal_one_decides(world: World) -> None:
    """The oracle's rules themselves, on a list small enough to count by hand."""
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex)
    mine = [
        {"website": "a.com", "lei": lei(1)},  # the same company as theirs, by LEI, at another domain
        {"website": "b.com", "lei": lei(2)},  # the same domain, but another legal entity
        {"website": "c.com"},  # the same domain, no identifier on this side
        {"website": "d.com"},
    ]
    theirs = [
        {"website": "z.com", "lei": lei(1)},
        {"website": "b.com", "lei": lei(3)},
        {"website": "c.com", "lei": lei(0)},
        {"website": "e.com"},
    ]
    for agent, rows in ((acme, mine), (globex, theirs)):
        named = [{"account_id": f"x\x1f{i}", "segment": "prospects", **row} for i, row in enumerate(rows)]
        world.put_list(agent, room, accounts(named))
    world.settle(acme, globex, room=room)
    assert check_reports(acme, globex, room)[2][2] == 2


def test_rows_are_my_segments_and_columns_theirs(world: World) -> None:
    """An overlap that is not symmetric: four of Acme's customers are prospects of Globex."""
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex)
    world.put_list(acme, room, accounts(companies(0, 6) + companies(20, 23, prefix="p", segment="prospects")))
    world.put_list(globex, room, accounts(companies(2, 9, segment="prospects") + companies(22, 25, prefix="c")))
    world.settle(acme, globex, room=room)
    assert check_reports(acme, globex, room) == ((None, None, 4), (None, None, None), (1, None, None))
    assert overlap(globex, room).cells == ((None, None, 1), (None, None, None), (4, None, None))


def test_an_overlap_of_everything_is_withheld_and_so_is_none(world: World) -> None:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex)
    world.put_list(acme, room, accounts(companies(0, 4)))
    world.put_list(globex, room, accounts(companies(0, 4) + companies(10, 14, prefix="y", segment="prospects")))
    world.settle(acme, globex, room=room)
    assert overlap(acme, room).cells == ((None,) * 3,) * 3


def test_floor_withholds_what_is_below_it_on_both_sides_alike(world: World) -> None:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex, floor=5)
    for agent, start in ((acme, 0), (globex, 10)):
        shared = companies(0, 5, prefix="s") + companies(30, 34, prefix="t", segment="prospects")
        own = companies(100 + start, 106 + start, prefix="o") + companies(
            200 + start, 206 + start, prefix="p", segment="prospects"
        )
        world.put_list(agent, room, accounts(shared + own))
    world.settle(acme, globex, room=room)
    cells = check_reports(acme, globex, room)
    assert cells[0][0] == 5
    assert cells[2][2] is None
    assert overlap(globex, room).cells == transposed(cells)


def test_a_key_of_more_than_fifty_accounts_is_left_out_and_reported(world: World) -> None:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex)

    def rows(holders: int) -> Rows:
        return [
            {
                "account_id": f"x\x1f{i}",
                "website": "holding.com",
                "lei": "",
                "duns": f"15-048-3{i:03d}",
                "segment": "customers",
            }
            for i in range(holders)
        ]

    mine = accounts(rows(51))
    world.put_list(acme, room, mine)
    world.put_list(globex, room, accounts(rows(1) + companies(20, 24, prefix="y")))
    publish_key(acme, open_room(acme, room))
    report = commit.commit(acme, open_room(acme, room))
    assert report.dropped_keys["too_many_accounts"] == 1
    assert report.entries == 51
    assert report.keys["domain"] == 0
    world.settle(acme, globex, room=room)
    # Only the D-U-N-S number meets; the domain of six accounts is no key of Acme's list.
    assert check_reports(acme, globex, room)[0][0] == 1
