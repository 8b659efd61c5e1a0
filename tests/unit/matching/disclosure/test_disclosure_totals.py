"""The interval around a sum of shown numbers holds the truth 95 times of 100: against the convolved distribution."""

from math import exp

import numpy as np
import pytest

from matching.disclosure.meaning import spread
from matching.disclosure.modes import CONFIDENTIAL, EXACT, STANDARD, Mode
from matching.disclosure.rule import rounded
from matching.disclosure.totals import spread_of_sum
from matching.refusal import Refusal

REACH = 2_048
"""So far from 0 one number's error is followed; beyond it lies less than 1e-30."""


def error_of_one(mode: Mode) -> np.ndarray:
    """The probability of each error from -REACH to REACH, with the true number anywhere in a step of the rounding."""
    found, ratio = np.zeros(2 * REACH + 1), exp(-1 / mode.scale)
    for noise in range(-REACH + mode.step, REACH - mode.step + 1):
        for place in range(mode.step):
            found[rounded(place + noise, mode.step) - place + REACH] += ratio ** abs(noise)
    return found / found.sum()


@pytest.mark.parametrize("mode", [STANDARD, CONFIDENTIAL], ids=lambda mode: mode.name)
def test_a_sums_interval_holds_the_truth(mode: Mode) -> None:
    one = error_of_one(mode)
    spectrum = np.fft.rfft(one, 1 << 17)
    for numbers in (1, 2, 3, 4, 6, 9, 16, 25):
        summed = np.fft.irfft(spectrum**numbers, 1 << 17)
        centre, half = numbers * REACH, spread_of_sum(mode, numbers)
        inside = summed[centre - half : centre + half + 1].sum()
        assert inside >= 0.95, numbers
        # Not wider than it has to be by more than a seventh of the noise.
        narrow = half - half // 7 - 1
        assert summed[centre - narrow : centre + narrow + 1].sum() < 0.955, numbers


def test_one_number_has_its_own_width_and_none_has_none() -> None:
    assert spread_of_sum(STANDARD, 1) == spread(STANDARD)
    assert spread_of_sum(STANDARD, 0) == 0
    assert spread_of_sum(EXACT, 9) == 0
    assert spread_of_sum(STANDARD, 2) == 26  # 18 times 1.41421, rounded up
    assert spread_of_sum(STANDARD, 4) == 36  # exactly twice as wide


def test_less_than_no_number_is_refused() -> None:
    with pytest.raises(Refusal, match="no fewer than no numbers"):
        spread_of_sum(STANDARD, -1)
