"""Powers of e between two fractions: what statements about noise are computed from, without a rounding error."""

from fractions import Fraction
from typing import Final

_BITS: Final = 192
"""Bits after the point of a bound."""


def enclosed(power: Fraction) -> tuple[Fraction, Fraction]:
    """Two fractions, the first at most and the second at least e^power, less than 2^-128 of their size apart.

    They are summed term by term, about twice as many as the power is large: made for powers of some hundreds.
    """
    if power < 0:
        low, high = enclosed(-power)
        return Fraction(1, high), Fraction(1, low)
    term = total = Fraction(1)
    count = 1
    # From the place where each term is at most half of the one before, all that follow are at most the last one taken.
    while count < 2 * power or term * (1 << (_BITS + 1)) > 1:
        term *= Fraction(power, count)
        total += term
        count += 1
    return floored(total), raised(total + term)


def floored(value: Fraction) -> Fraction:
    """The largest multiple of 2^-192 that is not above: fractions do not get longer with every step."""
    return Fraction((value.numerator << _BITS) // value.denominator, 1 << _BITS)


def raised(value: Fraction) -> Fraction:
    """The smallest multiple of 2^-192 that is not below."""
    return -floored(-value)
