"""Elimination: what was opened is known by name, so everybody else's part in the counts is clearer.

One of the attacker's segments is agreed with the victim: of all targets in it both the members and the others become
known. The attack is about the targets that were never in it.
"""

import numpy as np
import pytest

from matching.disclosure.modes import EXACT, MODES, Mode
from tests.attacks.asks import MEMBERS, SEGMENTS, TARGETS, Ask, Release, precision, some_members, spread
from tests.attacks.catalogue import LIMITS, PAIR_YEAR, SUCCESS
from tests.attacks.ceiling import ceiling
from tests.attacks.estimators import PRIOR, beliefs
from tests.attacks.model import shown
from tests.attacks.plans import at_the_edge

AGREED = 40
YEARS = 40


def precision_on_the_rest(mode: Mode, answers: int, rng: np.random.Generator) -> float:
    """The opened companies are taken out of the counts, as the rule does (`Rest`); the others' base rate follows."""
    members = some_members(rng)
    opened = np.arange(TARGETS) < AGREED
    left = np.flatnonzero(~opened)
    releases = []
    for _ in range(answers):
        dealt = spread(rng.permutation(left), at_the_edge(mode), segments=SEGMENTS - 1)
        ask = Ask(groups=(np.zeros(0, np.int64), *dealt.groups), known=(1, *dealt.known))
        releases.append(Release(ask, shown(mode, ask.counts(members), rng)))
    # The attacker has seen how many members were opened, so it knows how many are left.
    rate = max(int(members[left].sum()), 1) / len(left)
    shift = np.log(rate / (1 - rate)) - PRIOR
    return precision(beliefs(mode, releases)[left] + shift, members[left], rng)


@pytest.mark.parametrize("mode", LIMITS)
def test_openings_say_nothing_about_those_who_were_not_opened(mode: str) -> None:
    found = [precision_on_the_rest(MODES[mode], PAIR_YEAR, np.random.default_rng(at)) for at in range(YEARS)]
    error = np.std(found, ddof=1) / np.sqrt(YEARS)
    assert np.mean(found) <= LIMITS[mode] + 2 * error
    assert np.mean(found) <= ceiling(MODES[mode].scale, PAIR_YEAR) + 3 * error


def test_with_exact_counts_they_are_named_all_the_same() -> None:
    found = [precision_on_the_rest(EXACT, 8, np.random.default_rng(at)) for at in range(4)]
    # A tenth of those left may be more than there are members among them.
    assert np.mean(found) >= SUCCESS * min(1.0, MEMBERS * (TARGETS - AGREED) / TARGETS / 16)
