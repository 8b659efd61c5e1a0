"""What a shown number and a year of answers mean, in sentences that a person can check.

Everything is computed from the distribution of the noise itself (`matching.disclosure.laplace`), between fractions
that enclose it. Where a statement must err it errs to the safe side: intervals are too wide, bounds on what somebody
can know too high.
"""

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from itertools import count
from typing import Final

from matching.disclosure.exponential import enclosed
from matching.disclosure.laplace import likelihood
from matching.disclosure.modes import Mode, mode_named
from matching.disclosure.rule import rounded
from matching.refusal import Refusal

SURE: Final = Fraction(95, 100)
"""How often an interval holds the true number."""


@cache
def spread(mode: Mode) -> int:
    """Half the width of the interval around a shown number: noise and rounding stay within it 95 times of 100.

    Over all draws of the noise, those behind withheld cells included, and a true number that is anywhere in a step of
    the rounding.
    """
    if mode.scale == 0:
        return 0
    return next(half for half in count() if _within(half, mode) >= SURE)


def interval(shown: int, mode: Mode) -> tuple[int, int]:
    """(lowest, highest) number of companies that a shown number stands for, 95 times of 100; the lowest at least 0."""
    half = spread(mode)
    return max(0, shown - half), shown + half


def epsilon(spent: Mapping[str, int]) -> Fraction:
    """The privacy loss (pure differential privacy, for one entry) of as many answers of each mode as are named.

    Exact answers add nothing: no epsilon bounds them. What they tell is said in `bits`.

    Raises:
        Refusal: `mode_unknown` if a name is no mode's, `bad_measure` if a number of answers is negative.
    """
    if any(answers < 0 for answers in spent.values()):
        raise Refusal("bad_measure", "a number of answers is not negative")
    noisy = [(mode_named(name), answers) for name, answers in spent.items() if name != "exact"]
    return sum((Fraction(answers, mode.scale) for mode, answers in noisy), Fraction(0))


def best_guess(prior: Fraction, epsilon: Fraction) -> Fraction:
    """How sure anybody can be at most that one company is on a list, who was sure to `prior` before the answers.

    Whoever it is, whatever else is known: p e^eps / (1 - p + p e^eps), with e^eps bounded from above.

    Raises:
        Refusal: `bad_measure` if the prior is not between 0 and 1, or epsilon is negative.
    """
    if not 0 <= prior <= 1 or epsilon < 0:
        raise Refusal("bad_measure", "a prior is between 0 and 1, and an epsilon not negative")
    _, factor = enclosed(epsilon)
    return Fraction(prior * factor, 1 - prior + prior * factor)


def percent(share: Fraction) -> str:
    """A share of 1 in whole percents, rounded up, such as "49 %".

    Raises:
        Refusal: `bad_measure` if it is not between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise Refusal("bad_measure", "a share is between 0 and 1")
    return f"{-(-100 * share.numerator // share.denominator)} %"


def bits(largest: int) -> int:
    """The most that one exact cell can tell, in bits, if its number can be anything from 0 to `largest`.

    Raises:
        Refusal: `bad_measure` if `largest` is negative.
    """
    if largest < 0:
        raise Refusal("bad_measure", "the largest number of a cell is not negative")
    return largest.bit_length()


def _within(half: int, mode: Mode) -> Fraction:
    """The least probability that a shown number is at most `half` away from the true one."""
    total = Fraction(0)
    for noise in range(-half - mode.step, half + mode.step + 1):
        places = sum(abs(rounded(place + noise, mode.step) - place) <= half for place in range(mode.step))
        total += Fraction(places, mode.step) * likelihood(noise, mode.scale)[0]
    return total
