from decimal import Decimal, localcontext
from fractions import Fraction
from math import exp, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from noise_samples import seeded

from matching.disclosure.laplace import draw
from matching.disclosure.meaning import best_guess, bits, epsilon, interval, percent, spread
from matching.disclosure.modes import CONFIDENTIAL, EXACT, MODES, STANDARD, Mode
from matching.disclosure.rule import Rest, Shown, disclose
from matching.refusal import Refusal


def coverage(mode: Mode, half: int) -> float:
    """By brute force: how often rounding a noisy number leaves it within `half` of the true one."""
    r = exp(-1 / mode.scale)
    found = 0.0
    for place in range(mode.step):
        true = 10**4 + place
        for noise in range(-60 * mode.scale, 60 * mode.scale + 1):
            multiples = range(noisy := true + noise, noisy + mode.step), range(noisy - mode.step + 1, noisy + 1)
            up, down = (next(x for x in around if x % mode.step == 0) for around in multiples)
            near = up if up - noisy <= noisy - down else down
            found += (abs(near - true) <= half) * (1 - r) / (1 + r) * r ** abs(noise)
    return found / mode.step


@pytest.mark.parametrize(("mode", "half"), [(STANDARD, 18), (CONFIDENTIAL, 48)], ids=lambda value: str(value)[:8])
def test_the_spread_is_the_smallest_that_holds_95_of_100(mode: Mode, half: int) -> None:
    assert spread(mode) == half
    assert coverage(mode, half - 1) < 0.95 <= coverage(mode, half)


def test_exact_numbers_have_no_spread() -> None:
    assert spread(EXACT) == 0
    assert interval(85, EXACT) == (85, 85)


def test_intervals_do_not_go_below_zero() -> None:
    assert interval(85, STANDARD) == (67, 103)
    assert interval(50, CONFIDENTIAL) == (2, 98)
    assert interval(20, STANDARD) == (2, 38)
    assert interval(10, STANDARD) == (0, 28)


@pytest.mark.parametrize("mode", [STANDARD, CONFIDENTIAL], ids=lambda mode: mode.name)
def test_intervals_hold_the_number_through_the_rule_itself(mode: Mode) -> None:
    """The rule, the sampler and the interval together, on numbers far above the threshold."""
    below, answers, held = seeded(95), 20_000, 0
    for turn in range(answers):
        number = 300 + turn % mode.step
        size = np.array([number])
        whole = Rest(cells=np.array([[number]]), first_sizes=size, second_sizes=size)
        ((cell,),) = disclose(whole, mode=mode, floor=1, draws=[[draw(mode.scale, below)]])
        assert isinstance(cell, Shown)
        low, high = interval(cell.companies, mode)
        held += low <= number <= high
    assert held / answers == pytest.approx(coverage(mode, spread(mode)), abs=5 * (0.05 * 0.95 / answers) ** 0.5)


def test_epsilons_add_up_and_exact_answers_have_none() -> None:
    assert epsilon({}) == 0
    assert epsilon({"exact": 52}) == 0
    assert epsilon({"standard": 12}) == 2
    assert epsilon({"standard": 13, "confidential": 4, "exact": 7}) == Fraction(13, 6) + Fraction(1, 4)


@pytest.mark.parametrize(("spent", "code"), [({"standard": -1}, "bad_measure"), ({"strange": 1}, "mode_unknown")])
def test_epsilons_of_what_is_no_answer_are_refused(spent: dict[str, int], code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        epsilon(spent)
    assert refusal.value.code == code


@given(st.fractions(0, 1, max_denominator=1000), st.fractions(0, 20, max_denominator=48))
def test_the_best_guess_is_bayes_bound_from_above(prior: Fraction, loss: Fraction) -> None:
    found = best_guess(prior, loss)
    with localcontext() as context:
        context.prec = 60
        factor = (Decimal(loss.numerator) / loss.denominator).exp()
        share = Decimal(prior.numerator) / prior.denominator
        exact = share * factor / (1 - share + share * factor)
        above = Decimal(found.numerator) / found.denominator - exact
    assert Decimal("-1e-55") < above < Decimal("1e-30")
    assert prior <= found <= 1


def test_best_guesses_that_documents_quote() -> None:
    tenth = Fraction(1, 10)
    assert percent(best_guess(tenth, Fraction(0))) == "10 %"
    assert percent(best_guess(tenth, epsilon({"standard": 1}))) == "12 %"
    assert percent(best_guess(tenth, epsilon({"standard": 13}))) == "50 %"
    assert percent(best_guess(tenth, epsilon({"confidential": 13}))) == "21 %"
    assert best_guess(Fraction(0), Fraction(20)) == 0
    assert best_guess(Fraction(1), Fraction(20)) == 1


@pytest.mark.parametrize(
    ("prior", "loss"),
    [(Fraction(-1, 9), Fraction(1)), (Fraction(10, 9), Fraction(1)), (Fraction(1, 2), Fraction(-1, 6))],
)
def test_guesses_from_what_is_no_probability_are_refused(prior: Fraction, loss: Fraction) -> None:
    with pytest.raises(Refusal) as refusal:
        best_guess(prior, loss)
    assert refusal.value.code == "bad_measure"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (Fraction(0), "0 %"),
        (Fraction(1, 10**9), "1 %"),
        (Fraction(49, 100), "49 %"),
        (Fraction(4901, 10**4), "50 %"),
        (Fraction(99, 100) + Fraction(1, 10**30), "100 %"),
        (Fraction(1), "100 %"),
    ],
)
def test_percents_are_rounded_up(share: Fraction, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize("share", [Fraction(-1, 100), Fraction(101, 100)])
def test_what_is_no_share_has_no_percents(share: Fraction) -> None:
    with pytest.raises(Refusal) as refusal:
        percent(share)
    assert refusal.value.code == "bad_measure"


@given(st.integers(0, 10**7))
def test_bits_are_enough_for_every_number_up_to_the_largest(largest: int) -> None:
    assert bits(largest) - 1 < log2(largest + 1) <= bits(largest) or largest == bits(largest) == 0


def test_a_negative_number_has_no_bits() -> None:
    with pytest.raises(Refusal) as refusal:
        bits(-1)
    assert refusal.value.code == "bad_measure"


def test_every_mode_has_a_meaning() -> None:
    assert {name: spread(mode) for name, mode in MODES.items()} == {"exact": 0, "standard": 18, "confidential": 48}
