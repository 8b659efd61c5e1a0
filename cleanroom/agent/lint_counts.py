"""All places in a list that a rule names, and how many they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cleanroom.agent.lint_cells import cell_findings, host_of
from cleanroom.agent.lint_entries import entry_findings
from cleanroom.agent.lint_listed import STRONG, Found, Listed
from cleanroom.agent.lint_rules import RULES
from matching.keys import KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a list is worth, in numbers. Suppressed accounts are in `suppressed` alone.

    `strong`: accounts that an identifier or a domain finds, `name_only`: only names, `keyless`: nothing; a key that is
    lost inside the list finds nobody. `rules`: rule -> accounts that it names (of `row_left_out`: rows), most harmful
    first, none of them 0. `hosts`: (shared host, what it is, accounts), by accounts.
    """

    accounts: int
    suppressed: int
    strong: int
    name_only: int
    keyless: int
    rules: Mapping[str, int]
    hosts: tuple[tuple[str, str, int], ...]


def found_in(listed: Listed, *, by_segment: bool) -> tuple[Found, ...]:
    """The places in a list that a rule names, most harmful rule first. `by_segment`: its segments are in a column."""
    found = [item for part in (cell_findings(listed, by_segment=by_segment), entry_findings(listed)) for item in part]
    sizes = {rule: _size(item for item in found if item.rule == rule) for rule in RULES}
    harm = {rule: -RULES[rule].weight * size for rule, size in sizes.items()}
    return tuple(sorted((item for item in found if len(item.rows)), key=lambda item: harm[item.rule]))


def counted(listed: Listed, found: Iterable[Found]) -> Counts:
    """The numbers of a list and of what was found in it."""
    found = tuple(found)
    live = listed.live
    strong, some = live & listed.found_by(STRONG), live & listed.found_by(frozenset(KINDS))
    rules = {rule: _size(item for item in found if item.rule == rule) for rule in dict.fromkeys(i.rule for i in found)}
    shared = [item.why for item in found if item.rule == "shared_host" and item.why is not None]
    hosts = pd.concat(shared).value_counts() if shared else pd.Series([], dtype="int64")
    return Counts(
        accounts=int(live.sum()),
        suppressed=int((~live).sum()),
        strong=int(strong.sum()),
        name_only=int((some & ~strong).sum()),
        keyless=int((live & ~some).sum()),
        rules=rules,
        hosts=tuple((*host_of(str(why)), int(number)) for why, number in hosts.items()),
    )


def _size(found: Iterable[Found]) -> int:
    """The accounts that are named; rows that were left out count as one each."""
    places = [np.where(item.accounts < 0, -item.rows, item.accounts + 1) for item in found]
    return len(np.unique(np.concatenate(places))) if places else 0
