"""Growth and churn at, below and above each limit."""

from datetime import UTC, datetime, timedelta

import pytest

from cleanroom.agent.growth import broken
from cleanroom.agent.guess_records import Size
from cleanroom.agent.guess_rules import rounded_up
from cleanroom.messages.documents import instant
from cleanroom.messages.rooms import ListLimits

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LIMITS = ListLimits(distinct_percent=120, growth_entries=500, growth_percent=10, churn_percent=25)


def size(days: float, entries: int, *, come: int = 0, gone: int = 0, accepted: bool = False) -> Size:
    at = instant(NOW - timedelta(days=days))
    return Size(at=at, entries=entries, come=come, gone=gone, accepted=accepted)


def rule(sizes: list[Size], now: Size) -> str | None:
    found = broken(sizes, now, LIMITS, NOW)
    return found.rule if found else None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(100, 600, None), (100, 601, "growth"), (10_000, 11_000, None), (10_000, 11_001, "growth"), (10_000, 10, None)],
)
def test_growth_is_bounded_by_the_larger_of_entries_and_percent(before: int, after: int, expected: str | None) -> None:
    assert rule([size(8, before)], size(0, after)) == expected


def test_the_first_list_ever_has_nothing_to_grow_from() -> None:
    assert rule([], size(0, 1_000_000)) is None


def test_growth_is_measured_against_the_list_of_seven_days_ago() -> None:
    sizes = [size(20, 100), size(7, 600), size(3, 1_100)]
    assert rule(sizes, size(0, 1_100)) is None
    assert rule(sizes, size(0, 1_101)) == "growth"
    younger = [size(20, 100), size(6.9, 600), size(3, 1_100)]
    assert rule(younger, size(0, 601)) == "growth"


@pytest.mark.parametrize(("more", "expected"), [(0, None), (1, "churn")])
def test_churn_adds_up_over_thirty_days_and_no_longer(more: int, expected: str | None) -> None:
    sizes = [size(40, 1_000), size(31, 1_000, come=900, gone=900), size(29, 1_000, come=100, gone=100)]
    assert rule(sizes, size(0, 1_000, come=150 + more, gone=150 + more)) == expected


def test_what_only_comes_or_only_goes_is_not_replaced() -> None:
    sizes = [size(40, 1_000), size(20, 700, gone=300), size(19, 700)]
    assert rule(sizes, size(0, 1_000, come=100)) is None
    assert rule(sizes, size(0, 1_000, come=300)) == "churn"


def test_both_begin_anew_from_what_a_person_accepted() -> None:
    sizes = [size(20, 1_000), size(2, 5_000, come=4_000, gone=900, accepted=True)]
    assert rule(sizes, size(0, 5_500, come=500, gone=1)) is None
    assert rule(sizes, size(0, 5_501, come=501)) == "growth"


@pytest.mark.parametrize(("number", "up"), [(1, 1), (2, 2), (3, 5), (6, 10), (1_400, 2_000), (50_001, 100_000)])
def test_a_figure_to_type_is_a_round_one(number: int, up: int) -> None:
    assert rounded_up(number) == up
