"""From how many hits on a partner freezes: the least that chance gives no oftener than once in 100,000 times."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleanroom.agent.decoy_hits import FALSE_ALARM, freezes_at, tail


def binomial_tail(n: int, p: Fraction, hits: int) -> Fraction:
    return sum((comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(hits, n + 1)), Fraction(0))


@given(st.integers(0, 40), st.integers(2, 5_000), st.integers(0, 6))
def test_decoys_of_one_chance_are_binomial(n: int, one_in: int, hits: int) -> None:
    assert tail([one_in] * n, hits) == binomial_tail(n, Fraction(1, one_in), hits)


@given(st.lists(st.integers(2, 3_000), max_size=6), st.integers(0, 7))
def test_decoys_of_several_chances_are_every_way_to_hit_so_many(chances: list[int], hits: int) -> None:
    total = Fraction(0)
    for pattern in range(2 ** len(chances)):
        if pattern.bit_count() >= hits:
            way = Fraction(1)
            for place, one_in in enumerate(chances):
                way *= Fraction(1, one_in) if pattern >> place & 1 else Fraction(one_in - 1, one_in)
            total += way
    assert tail(chances, hits) == total


@given(st.lists(st.integers(2, 100_000), max_size=30))
def test_it_is_the_least_number_of_hits_that_is_seldom_enough(chances: list[int]) -> None:
    least = freezes_at(chances)
    assert tail(chances, least) <= FALSE_ALARM
    assert least == 1 or tail(chances, least - 1) > FALSE_ALARM


@pytest.mark.parametrize(("n", "least"), [(0, 1), (1, 2), (2, 2), (5, 2), (6, 3), (40, 3), (41, 4), (200, 5)])
def test_with_the_chance_of_one_in_a_thousand(n: int, least: int) -> None:
    assert freezes_at([1_000] * n) == least


def test_one_decoy_that_nobody_has_by_chance_is_enough() -> None:
    assert freezes_at([100_000]) == 1
    assert freezes_at([99_999]) == 2
