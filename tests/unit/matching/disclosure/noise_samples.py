"""Samples of noise in bins, and whether they fit a distribution or each other: Pearson's chi-square."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from scipy.stats import chi2

SURE = 1e-6
"""A fair sampler is suspected once in so many seeds; seeds here are fixed, so a test passes always or never."""


def seeded(seed: int) -> Callable[[int], int]:
    """A `below` that can be repeated. Whole 64-bit words with rejection, so that it is exactly uniform."""
    draws = np.random.default_rng(seed)
    words = iter(())

    def below(n: int) -> int:
        nonlocal words
        limit = 2**64 - 2**64 % n
        while True:
            word = next(words, None)
            if word is None:
                words = iter(draws.integers(2**64, size=4096, dtype=np.uint64, endpoint=False).tolist())
            elif word < limit:
                return int(word % n)

    return below


def binned(values: Iterable[int], edge: int) -> "Counter[int]":
    """How often each value came; what is beyond the edge on either side is in the bin of the edge."""
    return Counter(max(-edge, min(edge, value)) for value in values)


def fits(found: Mapping[int, int], chances: Mapping[int, float]) -> float:
    """The probability of a distance as large as this one, if the sample comes from these chances."""
    total = sum(found.values())
    assert set(found) <= set(chances)
    assert min(chances.values()) * total > 20
    distance = sum((found.get(value, 0) - total * chance) ** 2 / (total * chance) for value, chance in chances.items())
    return float(chi2.sf(distance, len(chances) - 1))


def alike(one: Mapping[int, int], two: Mapping[int, int]) -> float:
    """The same for two samples: if both come from one distribution, whatever it is."""
    totals = sum(one.values()), sum(two.values())
    distance, bins = 0.0, sorted(set(one) | set(two))
    for value in bins:
        together = one.get(value, 0) + two.get(value, 0)
        assert together > 40
        for sample, total in zip((one, two), totals, strict=True):
            expected = together * total / sum(totals)
            distance += (sample.get(value, 0) - expected) ** 2 / expected
    return float(chi2.sf(distance, len(bins) - 1))
