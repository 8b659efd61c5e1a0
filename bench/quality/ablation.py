"""What each kind of key and each rule brings: the same slices without it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import pandas as pd

from bench.quality.ours import ours, ours_by
from bench.quality.slices import Slice
from cleanroom.agent.tables import load_tables
from matching.keys import IDENTIFIER_KINDS, KINDS
from matching.normalise.tables import Tables

Linker = Callable[[Slice], pd.DataFrame]
"""Slice -> left, right, tier."""

_HERE: Final = tuple(kind for kind in KINDS if kind not in IDENTIFIER_KINDS)
_TABLES: Final[dict[str, Any]] = {
    "shared_hosts": {},
    "equivalent": {},
    "legal_forms": frozenset(),
    "countries": frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Ours with something changed: its name, what is changed, and how to run it."""

    name: str
    change: str
    run: Linker


def variants() -> list[Variant]:
    """The whole first; then one change each. Kinds that no slice has on both sides change nothing, and are left out."""
    now = load_tables().current
    without = [
        Variant(
            name=f"without {kind}",
            change=f"no keys of kind `{kind}`",
            run=partial(ours_by, kinds=tuple(other for other in KINDS if other != kind)),
        )
        for kind in _HERE
    ]
    alone = [
        Variant(name=f"{kind} alone", change=f"keys of kind `{kind}` and no other", run=partial(ours_by, kinds=(kind,)))
        for kind in _HERE
    ]
    emptied = [
        Variant(
            name=f"no {table.replace('_', ' ')}",
            change=f"the table of {table.replace('_', ' ')} is empty",
            run=partial(ours_by, tables=Tables(current=replace(now, **{table: empty}))),
        )
        for table, empty in _TABLES.items()
    ]
    shapes = [
        Variant(
            name=f"population {minimum}",
            change=f"as committed with a minimum population of {minimum}",
            run=partial(ours_by, minimum=minimum),
        )
        for minimum in (10, 25, 100)
    ]
    return [Variant(name="all", change="as in the tables above", run=ours), *without, *alone, *emptied, *shapes]
