"""Every attack by name: what it asks, how it guesses, and how many answers it gets out of a year."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from matching.disclosure.modes import STANDARD
from tests.attacks.estimators import beliefs, least_squares
from tests.attacks.model import Guess
from tests.attacks.plans import (
    Plan,
    entries_split,
    halving,
    padded_high,
    planned,
    random_designs,
    single_targets,
    single_targets_at_the_edge,
    the_same_few,
    unchanged,
)

PAIR_YEAR: Final = 13
"""Twelve answers and one correction: all that one ordered pair gives in its first year."""
OWNER_YEAR: Final = STANDARD.owner_yearly
"""All that one owner gives in a year, to all its partners together."""
LIMITS: Final[Mapping[str, float]] = MappingProxyType({"standard": 0.22, "confidential": 0.14})
"""The highest precision on the likeliest tenth of the targets that a mode may leave to an attacker; 0.10 is blind."""
SUCCESS: Final = 0.8
"""What the same attack must reach where nothing is capped, so that a test of it is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One way to turn a year's answers into guesses. `decides`: it succeeds in an uncapped exact room."""

    plan: Plan
    guess: Guess = beliefs
    answers: int = PAIR_YEAR
    decides: bool = True

    @property
    def is_strongest(self) -> bool:
        """Whether this is the attack whose figures are taken from the longer run."""
        return self.plan is random_designs and self.guess is beliefs


ATTACKS: Final[Mapping[str, Attack]] = MappingProxyType(
    {
        "differencing, one target at a time": Attack(plan=single_targets),
        "threshold oracle, k - 1 known and one target": Attack(plan=single_targets_at_the_edge),
        "threshold oracle, the same sixteen targets": Attack(plan=the_same_few, decides=False),
        "padding far above the threshold": Attack(plan=padded_high),
        "adaptive halving": Attack(plan=halving),
        "random designs, Bayes": Attack(plan=random_designs),
        "random designs, least squares": Attack(plan=random_designs, guess=least_squares),
        "dynamic programming": Attack(plan=planned),
        "the same list all year": Attack(plan=unchanged, decides=False),
        "two partners together": Attack(plan=random_designs, answers=OWNER_YEAR),
    }
)
"""Attacks by an evaluator that keeps to the protocol; what counts as one company moves a count by one."""

FORGED: Final[Mapping[str, Attack]] = MappingProxyType(
    {f"evaluator splits entries of {keys} keys": Attack(plan=entries_split(keys)) for keys in (2, 4)}
)
"""Attacks by an evaluator that does not: one company moves several counts, and no limit is promised."""
