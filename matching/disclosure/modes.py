"""The counting modes that terms may choose: how much noise, which threshold, how often, and how many answers a year.

The noise of one answer hides one account to within a factor of e^(1/scale) (`matching.disclosure.meaning.epsilon`);
what a year of answers tells is the sum. So the yearly numbers are part of a mode as much as its noise is. An owner has
a number of its own over all its partners, because partners may put together what they were told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from matching.refusal import Refusal

YEAR_SECONDS: Final = 365 * 86_400
"""The window in which answers are counted. It moves with the clock: there is no first of January."""

CORRECTION_SECONDS: Final = 30 * 86_400
"""How long after a pair's first answer a wrong list may be put right by one answer more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How counts are shown: `scale` of the noise (0: none), `threshold` and `step` in companies.

    An ordered pair of partners gets an answer every `interval_seconds` at most, and `yearly` units of answers in any
    365 days; an owner gives `owner_yearly` over all its partners. Of two modes the one of higher `strictness` tells
    less.
    """

    name: str
    scale: int
    threshold: int
    step: int
    interval_seconds: int
    yearly: int
    owner_yearly: int
    strictness: int


EXACT: Final = Mode(
    name="exact",
    scale=0,
    threshold=0,
    step=1,
    interval_seconds=7 * 86_400,
    yearly=52,
    owner_yearly=208,
    strictness=0,
)
STANDARD: Final = Mode(
    name="standard",
    scale=6,
    threshold=20,
    step=5,
    interval_seconds=YEAR_SECONDS // 12,
    yearly=12,
    owner_yearly=14,
    strictness=1,
)
CONFIDENTIAL: Final = Mode(
    name="confidential",
    scale=16,
    threshold=50,
    step=10,
    interval_seconds=YEAR_SECONDS // 12,
    yearly=12,
    owner_yearly=14,
    strictness=2,
)
MODES: Final[Mapping[str, Mode]] = MappingProxyType({mode.name: mode for mode in (EXACT, STANDARD, CONFIDENTIAL)})


def mode_named(name: str) -> Mode:
    """The mode of this name.

    Raises:
        Refusal: `mode_unknown` if there is none.
    """
    if name not in MODES:
        raise Refusal("mode_unknown", "not a counting mode: exact, standard or confidential")
    return MODES[name]


def strictest(*names: str) -> str:
    """The name of the mode that tells least.

    Raises:
        Refusal: `mode_unknown` if a name is no mode's, or if none is given: no mode is no rule.
    """
    if not names:
        raise Refusal("mode_unknown", "no counting mode is named")
    return max((mode_named(name) for name in names), key=lambda mode: mode.strictness).name
