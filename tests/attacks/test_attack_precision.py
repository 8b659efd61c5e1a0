"""What each attack reaches in a year, with the noise drawn many times by the product's own functions.

The long version with narrow intervals is `make attacks`.
"""

import pytest

from matching.disclosure.modes import EXACT, MODES
from tests.attacks.catalogue import ATTACKS, FORGED, LIMITS, SUCCESS
from tests.attacks.ceiling import ceiling
from tests.attacks.model import measured

REDRAWS = 24
DECIDING = [name for name, attack in ATTACKS.items() if attack.decides]


@pytest.mark.parametrize("mode", LIMITS)
@pytest.mark.parametrize("name", ATTACKS)
def test_a_years_answers_tell_no_more_than_the_limit(name: str, mode: str) -> None:
    attack = ATTACKS[name]
    found = measured(MODES[mode], attack.plan, attack.guess, answers=attack.answers, redraws=REDRAWS)
    assert found.mean <= LIMITS[mode] + 2 * found.error
    assert found.mean <= ceiling(MODES[mode].scale, attack.answers) + 3 * found.error


@pytest.mark.parametrize("name", DECIDING)
def test_the_same_attack_succeeds_where_nothing_is_capped(name: str) -> None:
    attack = ATTACKS[name]
    assert measured(EXACT, attack.plan, attack.guess, answers=attack.answers, redraws=3).mean >= SUCCESS


def test_without_a_cap_on_answers_noise_alone_is_averaged_away() -> None:
    """Eight years' worth of answers in one: why there is a budget."""
    attack = ATTACKS["random designs, Bayes"]
    found = measured(MODES["standard"], attack.plan, attack.guess, answers=100, redraws=6)
    assert found.mean > 2 * LIMITS["standard"]


@pytest.mark.parametrize("mode", LIMITS)
def test_a_company_that_counts_several_times_is_past_the_limit(mode: str) -> None:
    """What the influence of one company on a count must never become (`test_attack_forgeries`)."""
    attack = FORGED["evaluator splits entries of 4 keys"]
    found = measured(MODES[mode], attack.plan, attack.guess, answers=attack.answers, redraws=REDRAWS)
    assert found.mean - 2 * found.error > LIMITS[mode]
