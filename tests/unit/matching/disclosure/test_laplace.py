from collections.abc import Callable, Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from heapq import heappop, heappush
from math import exp

import pytest
from noise_samples import SURE, alike, binned, fits, seeded

from matching.disclosure.exponential import enclosed, floored, raised
from matching.disclosure.laplace import draw, likelihood
from matching.refusal import Refusal

DRAWS = 200_000
EDGES = {1: 8, 6: 38, 16: 84}
"""The last values of which more than twenty draws are expected."""


def chances(scale: int, edge: int) -> dict[int, float]:
    """The distribution with both tails in the bins of the edge, by the textbook's formula."""
    r = exp(-1 / scale)
    found = {x: (1 - r) / (1 + r) * r ** abs(x) for x in range(-edge + 1, edge)}
    return found | dict.fromkeys((-edge, edge), r**edge / (1 + r))


@pytest.mark.parametrize("scale", EDGES)
def test_draws_are_distributed_as_they_must_be(scale: int) -> None:
    below = seeded(scale)
    found = binned((draw(scale, below) for _ in range(DRAWS)), EDGES[scale])
    assert fits(found, chances(scale, EDGES[scale])) > SURE


def zero_too_rare(scale: int, below: Callable[[int], int]) -> int:
    """A sign that rejects zero once too often."""
    size = abs(draw(scale, below))
    while size == 0 and below(2):
        size = abs(draw(scale, below))
    return size if below(2) else -size


def another_scale(scale: int, below: Callable[[int], int]) -> int:
    return draw(scale + 1, below)


def shifted(scale: int, below: Callable[[int], int]) -> int:
    """One too many in one case of five."""
    return draw(scale, below) + (below(5) == 0)


def rounded_float(scale: int, below: Callable[[int], int]) -> int:
    """A continuous Laplace variable, rounded: the wrong weight at 0."""
    uniform = (below(2**53) + 0.5) / 2**53
    size = 0
    while uniform < exp(-(size + 0.5) / scale):
        size += 1
    return size if below(2) else -size


@pytest.mark.parametrize(
    ("wrong", "scale"),
    [
        (zero_too_rare, 1),
        (zero_too_rare, 6),
        (another_scale, 1),
        (another_scale, 16),
        (shifted, 1),
        (shifted, 6),
        (rounded_float, 1),
    ],
)
def test_the_test_sees_a_wrong_sampler(wrong: Callable[[int, Callable[[int], int]], int], scale: int) -> None:
    below = seeded(7)
    found = binned((wrong(scale, below) for _ in range(DRAWS)), EDGES[scale])
    assert fits(found, chances(scale, EDGES[scale])) < SURE
    right = binned((draw(scale, below) for _ in range(DRAWS)), EDGES[scale])
    assert alike(found, right) < SURE


def test_scale_0_is_no_noise_and_asks_for_no_randomness() -> None:
    def none(_: int) -> int:
        raise AssertionError

    assert draw(0, none) == 0


def test_a_negative_scale_is_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        draw(-1, seeded(1))
    assert refusal.value.code == "bad_scale"


def test_the_same_randomness_is_the_same_noise() -> None:
    """Golden: what a seed gives now it gives in every release, so recorded answers can be checked again."""
    below = seeded(2026)
    assert [draw(6, below) for _ in range(12)] == GOLDEN


GOLDEN = [2, -2, -7, -2, 3, -2, 3, -3, -1, -5, -5, 6]


class _MoreWanted(Exception):
    pass


def every_way(scale: int, nodes: int) -> tuple[dict[int, Fraction], Fraction]:
    """The exact probability of each value over the likeliest ways that randomness can fall, and of all other ways."""
    found: dict[int, Fraction] = {}
    open_ways: list[tuple[Fraction, tuple[int, ...]]] = [(Fraction(-1), ())]
    for _ in range(nodes):
        chance, answers = heappop(open_ways)
        left, asked = iter(answers), 0

        def below(n: int, left: Iterator[int] = left) -> int:
            nonlocal asked
            asked = n
            answer = next(left, None)
            if answer is None:
                raise _MoreWanted
            return answer

        try:
            value = draw(scale, below)
        except _MoreWanted:
            for answer in range(asked):
                heappush(open_ways, (chance * Fraction(1, asked), (*answers, answer)))
        else:
            found[value] = found.get(value, Fraction(0)) - chance
    return found, -sum((chance for chance, _ in open_ways), Fraction(0))


@pytest.mark.parametrize(("scale", "rest"), [(1, 0.03), (2, 0.13)])
def test_every_way_that_randomness_can_fall_adds_up_to_the_distribution(scale: int, rest: float) -> None:
    """No sample: probabilities as fractions, so this sees what no number of draws could."""
    found, unknown = every_way(scale, 20_000)
    assert unknown < rest
    for value, chance in found.items():
        low, high = likelihood(value, scale)
        assert chance <= high
        assert low <= chance + unknown
    assert {0, 1, -1, 2, -2} <= set(found)
    assert found[1] == found[-1]


# ---- bounds


def decimal_exp(power: Fraction) -> Fraction:
    """To 90 digits, by another method than ours."""
    with localcontext() as context:
        context.prec = 100
        return Fraction((Decimal(power.numerator) / Decimal(power.denominator)).exp())


@pytest.mark.parametrize(
    "power", [Fraction(n, d) for n, d in [(0, 1), (1, 6), (-1, 16), (13, 6), (1, 1), (-100, 6), (50, 1), (1, 10**9)]]
)
def test_powers_of_e_lie_between_their_bounds(power: Fraction) -> None:
    low, high = enclosed(power)
    assert low <= decimal_exp(power) * (1 + Fraction(1, 10**90))
    assert high >= decimal_exp(power) * (1 - Fraction(1, 10**90))
    assert 0 <= high - low < low * Fraction(1, 2**128)


def test_many_powers_lie_strictly_between_their_bounds() -> None:
    """The bounds are a step or two of 2^-192 apart."""
    for n in range(1, 200):
        low, high = enclosed(Fraction(n, 199))
        assert low < decimal_exp(Fraction(n, 199)) < high


def test_coarser_fractions_keep_their_side() -> None:
    for value in (Fraction(1, 3), Fraction(-1, 3), Fraction(5), Fraction(22, 7)):
        assert floored(value) <= value <= raised(value)
        assert raised(value) - floored(value) <= Fraction(1, 2**192)


@pytest.mark.parametrize("scale", [1, 6])
def test_likelihoods_are_those_of_the_distribution_and_make_one(scale: int) -> None:
    bounds = {value: likelihood(value, scale) for value in range(-50 * scale, 50 * scale + 1)}
    r = exp(-1 / scale)
    for value, (low, high) in bounds.items():
        assert 0 <= high - low < Fraction(1, 2**128)
        assert float(low) == pytest.approx((1 - r) / (1 + r) * r ** abs(value), rel=1e-9, abs=1e-30)
    assert sum(low for low, _ in bounds.values()) < 1 < sum(high for _, high in bounds.values()) + Fraction(1, 10**20)


def test_no_noise_has_no_likelihood() -> None:
    with pytest.raises(Refusal) as refusal:
        likelihood(0, 0)
    assert refusal.value.code == "bad_scale"
