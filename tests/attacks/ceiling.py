"""What no attack through these answers can exceed, whatever it asks and however it guesses.

If one company moves an answer's numbers by at most one in all, an answer with noise of this scale tells less about a
target than one lie-detector with odds e^(1/scale): randomised response. n answers, however they are adapted to each
other, tell less than n of them (Kairouz, Oh and Viswanath, "The Composition Theorem for Differential Privacy", 2015).
So the precision of an attacker who gets exactly that for each target is a ceiling for all. (To the letter for targets
that are members independently of each other; that the attacker knows the sum of 200 moves it by less than is shown.)
"""

from math import comb, exp

import numpy as np

from tests.attacks.asks import MEMBERS, TARGETS

YEARS = 40_000


def ceiling(scale: int, answers: int) -> float:
    """The best mean precision on the likeliest tenth (40,000 simulated years; standard error below 0.0005)."""
    rng = np.random.default_rng([scale, answers])
    truthful = exp(1 / scale) / (1 + exp(1 / scale))
    # How many targets of each kind have a score: multinomials, so that no target need be drawn alone.
    chance = np.array([comb(answers, n) * truthful**n * (1 - truthful) ** (answers - n) for n in range(answers + 1)])
    members = rng.multinomial(MEMBERS, chance / chance.sum(), size=YEARS)[:, ::-1]
    others = rng.multinomial(TARGETS - MEMBERS, chance[::-1] / chance.sum(), size=YEARS)[:, ::-1]
    both = members + others
    before = np.cumsum(both, axis=1) - both
    taken = np.clip(TARGETS // 10 - before, 0, both)
    hits = np.where(both > 0, taken * members / np.maximum(both, 1), 0.0).sum(axis=1)
    return float(hits.mean() / (TARGETS // 10))
