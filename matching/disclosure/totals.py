"""How far a sum of shown numbers, or the difference of two, may be from the truth.

Each number carries noise and rounding of its own (`matching.disclosure.meaning.spread`), drawn independently, so that
they partly cancel: variances add up, not widths. The half width of a sum of n is taken as sqrt(n) times that of one,
rounded up. That errs to the safe side: one number has heavier tails than a sum has, whose true half width comes
closer to 1.96 standard deviations the more numbers there are, while sqrt(n) times that of one stays at 2.1 of them.
"""

from math import isqrt

from matching.disclosure.meaning import spread
from matching.disclosure.modes import Mode
from matching.refusal import Refusal


def spread_of_sum(mode: Mode, numbers: int) -> int:
    """Half the width of the 95 % interval around a sum or difference of so many numbers of one answer, or of several.

    Raises:
        Refusal: `bad_measure` if there are fewer than none.
    """
    if numbers < 0:
        raise Refusal("bad_measure", "a sum has no fewer than no numbers")
    square = numbers * spread(mode) * spread(mode)
    root = isqrt(square)
    return root if root * root == square else root + 1
