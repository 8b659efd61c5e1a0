"""The attacker's arithmetic: it knows the rule exactly, and gets out of answers what is in them."""

import numpy as np
import pytest

from matching.disclosure.modes import CONFIDENTIAL, EXACT, MODES, STANDARD, Mode
from tests.attacks.asks import MEMBERS, TARGETS, Ask, precision, spread
from tests.attacks.catalogue import OWNER_YEAR
from tests.attacks.ceiling import ceiling
from tests.attacks.estimators import beliefs, likelihoods
from tests.attacks.model import played, shown
from tests.attacks.plans import ANSWERS, at_the_edge, random_designs
from tests.attacks.programming import decided, sizes, split


def values(mode: Mode) -> list[int | None]:
    return [None, *range(0, mode.threshold + 40 * max(mode.scale, 1), mode.step)]


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("weight", [1, 2])
def test_the_chances_of_all_values_add_up_to_one(mode: Mode, weight: int) -> None:
    ask = spread(range(12), at_the_edge(mode), weight=weight, segments=1)
    chances = np.array([likelihoods(mode, (value,), ask, 12)[0] for value in values(mode)])
    assert np.allclose(chances.sum(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize("mode", [STANDARD, CONFIDENTIAL], ids=lambda mode: mode.name)
def test_the_attacker_expects_what_the_product_shows(mode: Mode) -> None:
    """Frequencies of values of the product's own functions, within five standard deviations each."""
    rng, known, tries = np.random.default_rng(5), mode.threshold + 3, 3_000
    seen = [value for _ in range(tries // 16) for value in shown(mode, [known] * 16, rng)]
    ask = Ask(groups=(np.zeros(0, np.int64),), known=(known,))
    for value in values(mode):
        chance = likelihoods(mode, (value,), ask, 0)[0, 0]
        spread_of = (len(seen) * chance * (1 - chance)) ** 0.5
        assert abs(seen.count(value) - len(seen) * chance) <= 5 * spread_of + 1


def test_precision_is_that_of_the_likeliest_tenth_and_ties_are_broken_by_lot() -> None:
    rng = np.random.default_rng(1)
    members = np.arange(TARGETS) < MEMBERS
    assert precision(-np.arange(TARGETS, dtype=float), members, rng) == 1.0
    assert precision(np.arange(TARGETS, dtype=float), members, rng) == 0.0
    blind = [precision(np.zeros(TARGETS), members, rng) for _ in range(400)]
    assert np.mean(blind) == pytest.approx(0.1, abs=0.012)


def test_exact_answers_decide_everybody() -> None:
    rng = np.random.default_rng(2)
    assert played(EXACT, random_designs, beliefs, 8, rng) == 1.0


def test_with_the_wrong_scale_in_mind_the_attacker_learns_less() -> None:
    """The estimator uses what it is told of the mode: the opposite of the numbers ranks members last."""
    years = range(40)
    right = [played(STANDARD, random_designs, beliefs, 13, np.random.default_rng(at)) for at in years]
    against = [
        played(STANDARD, random_designs, lambda mode, seen: -beliefs(mode, seen), 13, np.random.default_rng(at))
        for at in years
    ]
    assert np.mean(right) > 0.15
    assert np.mean(against) < 0.06


def test_the_ceiling_is_blind_guessing_without_answers_and_rises_with_them() -> None:
    found = [ceiling(STANDARD.scale, answers) for answers in (0, 1, ANSWERS, OWNER_YEAR)]
    assert found[0] == pytest.approx(0.1, abs=0.002)
    assert found == sorted(found)
    assert ceiling(CONFIDENTIAL.scale, ANSWERS) < ceiling(STANDARD.scale, ANSWERS)


def test_programmes_plan_what_can_be_checked_by_hand() -> None:
    # One of two is found by one question about either; of four with one member, halves are best.
    assert (decided(2, 1, 1), split(2, 1, 1)) == (2.0, 1)
    assert (decided(4, 1, 2), split(4, 1, 2)) == (4.0, 2)
    assert decided(4, 0, 0) == 4.0
    assert decided(13, 2, 12) == pytest.approx(13.0)
    # Others in a segment are little against the noise: it never pays to leave targets out.
    assert sizes(STANDARD, ANSWERS)[0] == TARGETS
