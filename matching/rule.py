"""P5, the rule: which kinds of key agree and which differ -> how sure a match is.

Two entries *agree* in a kind if they share a key of it; they *differ* if both have keys of it and share none. Where one
of them has no key of a kind, nothing is known. `CASES` are read from the top; the first that fits a pair decides.

`certain` may be released without asking; `likely` counts where the terms say so, and is released only after a person
has confirmed it. What is less is no match: it is not counted and nobody sees it. The table is measured:
`make bench-quality`, bench/quality.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

VERSION: Final = "rule/1"

NONE: Final = 0
LIKELY: Final = 1
CERTAIN: Final = 2

IDENTIFIERS: Final = frozenset({"lei", "duns", "vat", "register", "cik", "isin"})
"""Kinds that name one company: one that agrees is enough, whatever else differs."""

EXCLUSIVE: Final = frozenset({"lei", "duns", "vat", "register", "cik"})
"""Kinds of which a legal entity has one number: two entries that differ in one are two (a company has many ISINs)."""

Masks = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A row of the table: it fits a pair of which all that it names is true.

    `agree`: all of these agree. `one_agrees`, `one_differs`: at least one of these does. `differ`: all of these differ.
    `undisputed`: none of these differs.
    """

    tier: int
    why: str
    agree: frozenset[str] = frozenset()
    one_agrees: frozenset[str] = frozenset()
    differ: frozenset[str] = frozenset()
    one_differs: frozenset[str] = frozenset()
    undisputed: frozenset[str] = frozenset()

    def fits(self, agree: frozenset[str], differ: frozenset[str]) -> bool:
        """Whether a pair that agrees and differs in these kinds is meant."""
        return (
            self.agree <= agree
            and self.differ <= differ
            and not self.undisputed & differ
            and (not self.one_agrees or bool(self.one_agrees & agree))
            and (not self.one_differs or bool(self.one_differs & differ))
        )


def _kinds(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NAMED: Final = _kinds("name name_outline")

CASES: Final = (
    Case(tier=CERTAIN, why="one number in a register of companies or securities", one_agrees=IDENTIFIERS),
    Case(tier=NONE, why="two numbers in one register: two legal entities", one_differs=EXCLUSIVE),
    Case(
        tier=CERTAIN,
        why="one ticker, and a name or website",
        agree=_kinds("ticker"),
        one_agrees=_NAMED | _kinds("domain site_name"),
    ),
    Case(tier=LIKELY, why="one ticker alone, which may have been given out again", agree=_kinds("ticker")),
    Case(tier=CERTAIN, why="one website, and the name at least in outline", agree=_kinds("domain"), one_agrees=_NAMED),
    Case(
        tier=CERTAIN, why="one website, which no other account of either list claims", agree=_kinds("domain site_name")
    ),
    Case(
        tier=CERTAIN,
        why="one website, and no name to compare",
        agree=_kinds("domain"),
        undisputed=_kinds("name"),
    ),
    Case(tier=LIKELY, why="one website, other names", agree=_kinds("domain")),
    Case(
        tier=CERTAIN,
        why="one name in one country, no other website",
        agree=_kinds("name name_country"),
        undisputed=_kinds("domain"),
    ),
    Case(
        tier=CERTAIN,
        why="one name in one country, which is rare or in both websites",
        agree=_kinds("name name_country"),
        one_agrees=_kinds("site_name name_outline"),
    ),
    Case(tier=LIKELY, why="one name in one country, of the company or of its website", agree=_kinds("name_country")),
    Case(tier=NONE, why="one name in two countries", agree=_kinds("name"), differ=_kinds("name_country")),
    Case(
        tier=CERTAIN,
        why="one name of several words, or that nobody else begins with",
        agree=_kinds("name name_outline"),
    ),
    Case(
        tier=CERTAIN,
        why="one name, and it is in both websites",
        agree=_kinds("name site_name"),
        differ=_kinds("domain"),
    ),
    Case(tier=LIKELY, why="one name of one word", agree=_kinds("name")),
    Case(
        tier=NONE,
        why="websites of one name in two countries, other names",
        agree=_kinds("site_name"),
        differ=_kinds("name_country"),
    ),
    Case(tier=CERTAIN, why="websites of one name, and the name in outline", agree=_kinds("site_name name_outline")),
    Case(tier=LIKELY, why="websites of one name, or a name that is the other's website", agree=_kinds("site_name")),
    Case(
        tier=LIKELY,
        why="one name in outline, no other website",
        agree=_kinds("name_outline"),
        undisputed=_kinds("domain"),
    ),
)
"""The first case that fits decides; a pair that none fits is no match."""


def tiers(agree: Masks, both: Masks, kinds: Sequence[str]) -> npt.NDArray[np.uint8]:
    """The tier of each pair: (n,) uint8.

    `agree`, `both`: (n,) uint32 bit masks of the kinds in which a pair shares a key, and of which both have keys; bit i
    is `kinds[i]`.
    """
    patterns, which = np.unique(both.astype(np.uint64) << np.uint64(32) | agree, return_inverse=True)
    found = [tier(*_parted(pattern, kinds)) for pattern in patterns.tolist()]
    return np.array(found, np.uint8)[which] if found else np.zeros(0, np.uint8)


def tier(agree: frozenset[str], differ: frozenset[str]) -> int:
    """The tier of one pair that agrees and differs in these kinds."""
    case = deciding(agree, differ)
    return case.tier if case else NONE


def deciding(agree: frozenset[str], differ: frozenset[str]) -> Case | None:
    """The case that decides a pair, or None if none fits."""
    return next((case for case in CASES if case.fits(agree, differ)), None)


def _parted(pattern: int, kinds: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    agree, both = pattern & 0xFFFFFFFF, pattern >> 32
    names = [
        frozenset(kind for index, kind in enumerate(kinds) if mask >> index & 1) for mask in (agree, both & ~agree)
    ]
    return names[0], names[1]
