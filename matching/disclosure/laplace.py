"""Noise: the discrete Laplace distribution, drawn exactly, with integers only.

P(x) is proportional to exp(-|x| / scale) for every integer x. The method is Canonne, Kamath and Steinke, "The Discrete
Gaussian for Differential Privacy" (2020): Algorithm 2 for the distribution, Algorithm 1 for a coin that shows 1 with
probability exp(-gamma). Nothing is rounded and nothing is cut off, so the privacy that the distribution promises is
kept to the last bit; a sampler with floating point numbers does not keep it (Mironov 2012).

How long a draw takes depends on the draw, never on a count: no count is here.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from matching.disclosure.exponential import enclosed, floored, raised
from matching.refusal import Refusal

Below = Callable[[int], int]
"""`below(n)` is uniform on 0 to n - 1 and independent of every other call. The escrow passes `secrets.randbelow`."""


def draw(scale: int, below: Below) -> int:
    """One number of the discrete Laplace distribution of this scale; 0 for scale 0, without asking for randomness.

    Raises:
        Refusal: `bad_scale` if the scale is negative.
    """
    if scale < 0:
        raise Refusal("bad_scale", "the scale of the noise is not negative")
    if scale == 0:
        return 0
    while True:
        rest = below(scale)
        if not _coin(rest, scale, below):
            continue
        size = rest + scale * _ones(below)
        negative = below(2) == 1
        # Zero has one sign only: without this it would come up twice as often as it must.
        if not (negative and size == 0):
            return -size if negative else size


@lru_cache(maxsize=1024)
def likelihood(value: int, scale: int) -> tuple[Fraction, Fraction]:
    """Bounds, from below and from above, on the probability that a draw is `value`, less than 2^-128 apart.

    Raises:
        Refusal: `bad_scale` if the scale is below 1.
    """
    if scale < 1:
        raise Refusal("bad_scale", "a distribution of noise has a scale of at least 1")
    low, high = enclosed(Fraction(-1, scale))
    tail_low, tail_high = enclosed(Fraction(-abs(value), scale))
    # With r = exp(-1 / scale): P(x) = (1 - r) / (1 + r) * r^|x|. It falls as the first r grows.
    return floored(Fraction(1 - high, 1 + high) * tail_low), raised(Fraction(1 - low, 1 + low) * tail_high)


def _ones(below: Below) -> int:
    """How many coins of probability exp(-1) show 1 before the first one that does not."""
    count = 0
    while _coin(1, 1, below):
        count += 1
    return count


def _coin(numerator: int, denominator: int, below: Below) -> bool:
    """True with probability exp(-numerator / denominator), which is between 0 and 1 (Algorithm 1)."""
    turn = 1
    while below(denominator * turn) < numerator:
        turn += 1
    return turn % 2 == 1
