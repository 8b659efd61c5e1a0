"""Dynamic programmes that plan a year of questions, in the style of AnonPSI and DyPathBlazer.

Both attack protocols that tell the exact size of an intersection: they split a set of known size and known count
so that the expected number of *decided* elements is largest for the questions that are left. `split` is that. With
noise nothing is ever decided; what can be planned is how many of the targets to keep asking about (`sizes`).
"""

from functools import cache
from math import comb

import numpy as np

from matching.disclosure.modes import Mode
from tests.attacks.asks import MEMBERS, SEGMENTS, TARGETS, Floats, spread
from tests.attacks.estimators import likelihoods

SIZES = (200, 144, 96, 64, 32)
YEARS = 60


@cache
def decided(size: int, members: int, questions: int) -> float:
    """How many of `size` elements, `members` of them in the list, are decided at best by so many questions."""
    if members in {0, size}:
        return float(size)
    if questions == 0:
        return 0.0
    return max(_expected(size, members, questions, part) for part in range(1, size // 2 + 1))


@cache
def split(size: int, members: int, questions: int) -> int:
    """How many elements the next question should be about."""
    return max(range(1, size // 2 + 1), key=lambda part: _expected(size, members, max(questions, 1), part))


@cache
def sizes(mode: Mode, answers: int) -> tuple[int, ...]:
    """How many of the likeliest targets each answer of a year should be about.

    The best way to have asked about `size` last is kept for each size and number of answers; how good a way is, is
    tried on a crowd of Gaussian walks with the information that one count of a group of that size carries.
    """
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((answers, YEARS, TARGETS))
    start = np.zeros((YEARS, TARGETS))
    best: dict[int, tuple[float, tuple[int, ...], Floats]] = {SIZES[0]: (0.0, (), start)}
    for turn in range(answers):
        following: dict[int, tuple[float, tuple[int, ...], Floats]] = {}
        for last, (_, way, scores) in best.items():
            for size in (size for size in SIZES if size <= last):
                moved = _walked(scores, size, information(mode, size), noise[turn])
                found = (_top(moved), (*way, size), moved)
                if size not in following or found[0] > following[size][0]:
                    following[size] = found
        best = following
    return max(best.values(), key=lambda found: found[0])[1]


@cache
def information(mode: Mode, size: int) -> float:
    """How much one count of a group of this size tells about each of its targets (Jeffreys divergence)."""
    group, rate = -(-size // SEGMENTS), MEMBERS / TARGETS
    ask = spread(range(group), max(mode.threshold - 1, 1), segments=1)
    values = [None, *range(0, mode.threshold + 20 * max(mode.scale, 1) + group, mode.step)]
    others = np.array([comb(group - 1, n) * rate**n * (1 - rate) ** (group - 1 - n) for n in range(group)])
    shown = np.array([likelihoods(mode, (value,), ask, group)[0] for value in values])
    yes, no = shown[:, 1:] @ others, shown[:, :-1] @ others
    return float(((yes - no) * np.log(yes / no)).sum())


def _expected(size: int, members: int, questions: int, part: int) -> float:
    total = 0.0
    for found in range(max(0, part - (size - members)), min(part, members) + 1):
        chance = comb(members, found) * comb(size - members, part - found) / comb(size, part)
        left, right = (part, found), (size - part, members - found)
        total += chance * max(
            decided(*left, first) + decided(*right, questions - 1 - first) for first in range(questions)
        )
    return total


def _walked(scores: Floats, size: int, told: float, noise: Floats) -> Floats:
    """Scores after one more answer about the `size` best; the first `MEMBERS` of the crowd are the members."""
    kept = np.argsort(np.argsort(-scores, axis=1), axis=1) < size
    drift = np.where(np.arange(TARGETS) < MEMBERS, told / 2, -told / 2)
    return scores + np.where(kept, drift + np.sqrt(told) * noise, 0.0)


def _top(scores: Floats) -> float:
    order = np.argsort(-scores, axis=1)[:, : TARGETS // 10]
    return float((order < MEMBERS).mean())
