"""Matches on the screen: so many as asked for, and how many more there are."""

import io

import pytest
from rich.console import Console

from cleanroom.agent.matches import Listed, MatchState, MyAccount
from cleanroom.agent.verified import VerifiedMatch
from cleanroom.cli.matches_view import MOST_ROWS, matches_screen
from cleanroom.domain.vocabulary import Tier


def match(number: int) -> Listed:
    """A likely match that waits; its account is named by the number."""
    verified = VerifiedMatch(
        epoch=0,
        round=1,
        mine=number.to_bytes(16),
        theirs=number.to_bytes(16),
        my_segment=0,
        their_segment=0,
        kinds=frozenset({0}),
        differ=frozenset(),
        their_kinds=frozenset({0}),
        tier=Tier.LIKELY,
        keys=frozenset({(0, "key")}),
    )
    account = MyAccount(id=f"list\x1f{number}", name=f"Company {number:03}", website="", country="", tier=Tier.LIKELY)
    return Listed(
        id=f"{number:064x}",
        match=verified,
        segment="customers",
        their_segment="prospects",
        tier=Tier.LIKELY,
        evidence=("name",),
        differ=(),
        why="one name of one word",
        keys=(("name", "key"),),
        accounts=(account,),
        state=MatchState.WAITING,
        decision=None,
    )


def screen(count: int, limit: int) -> str:
    out = io.StringIO()
    for part in matches_screen([match(number) for number in range(count)], "abcdef01", limit=limit):
        Console(file=out, width=200).print(part)
    return out.getvalue()


@pytest.mark.parametrize(("count", "limit"), [(5, 3), (MOST_ROWS + 1, MOST_ROWS)])
def test_the_first_are_shown_and_the_others_counted(count: int, limit: int) -> None:
    shown = screen(count, limit)
    assert f"{count:,} matches: {count:,} waiting for review" in shown
    assert shown.count("Company ") == limit
    assert f"Company {limit - 1:03}" in shown
    assert f"{count - limit:,} more: --limit N" in shown


def test_nothing_is_left_out_of_a_list_of_just_so_many() -> None:
    shown = screen(3, 3)
    assert shown.count("Company ") == 3
    assert " more: " not in shown
