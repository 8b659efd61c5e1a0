"""One year of each kind on the real escrow with real agents: that it is the year which the redraws assume.

A single year's twenty guesses say little: the figures are those of `test_attack_precision`.
"""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from matching.disclosure.modes import CONFIDENTIAL, EXACT, STANDARD, YEAR_SECONDS
from tests.attacks.asks import SEGMENTS, precision, some_members, spread
from tests.attacks.catalogue import PAIR_YEAR, SUCCESS
from tests.attacks.estimators import beliefs
from tests.attacks.plans import random_designs
from tests.attacks.real import (
    Ground,
    capped_year,
    new_ground,
    release_of,
    require_nothing_more,
    uncapped,
    uncapped_year,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def ground(tmp_path: Path):  # noqa: ANN201 - a fixture
    with new_ground(tmp_path, some_members(np.random.default_rng(7))) as made:
        yield made


def test_in_an_uncapped_room_a_few_answers_on_one_day_name_the_members(ground: Ground) -> None:
    rng = np.random.default_rng(8)
    releases = uncapped_year(ground, EXACT, random_designs, 6, rng)
    assert precision(beliefs(EXACT, releases), ground.members, rng) >= SUCCESS


def test_in_an_uncapped_room_a_floor_is_an_oracle(ground: Ground) -> None:
    """Floor - 1 known matches and one target: shown at all means member."""
    floor, room = 4, ground.room(**uncapped(floor=4))
    ask = spread(np.random.default_rng(9).permutation(200)[:SEGMENTS], floor - 1)
    ground.put_victim(room, floor - 1)
    ground.put_attacker(room, ask)
    ground.settle(room)
    (report,) = ground.answers(room)
    told = [number is not None for number in release_of(ask, report).seen]
    assert told == [bool(ground.members[group[0]]) for group in ask.groups]


@pytest.mark.soak
def test_a_year_in_standard_has_thirteen_answers_and_tells_little(ground: Ground) -> None:
    """Half of the guesses right would be the luck of one in a million years."""
    rng, start = np.random.default_rng(10), ground.world.clock()
    releases = capped_year(ground, STANDARD, random_designs, PAIR_YEAR, rng)
    require_nothing_more(ground, start + timedelta(seconds=YEAR_SECONDS))
    assert precision(beliefs(STANDARD, releases), ground.members, rng) < 0.5


def test_three_months_in_confidential(ground: Ground) -> None:
    rng = np.random.default_rng(12)
    releases = capped_year(ground, CONFIDENTIAL, random_designs, 4, rng)
    assert precision(beliefs(CONFIDENTIAL, releases), ground.members, rng) < 0.5
