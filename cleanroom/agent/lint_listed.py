"""A list as `cleanroom lint` looks at it: accounts, the keys that were made of them, and the entries these give."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cleanroom.agent.reading.accounts import ReadResult
from matching.entries import Entries, merge
from matching.keys import IDENTIFIER_KINDS, Keys
from matching.normalise.tables import Edition

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

STRONG = IDENTIFIER_KINDS | {"domain"}
"""Kinds that find a company whatever it is called."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Places that one rule names, in the order in which to look at them.

    `rows`: int64, 1-based in the source. `accounts`: int64 positions, -1 for a row that was
    left out. `why`: one text for each, "" for none. `masters`: positions of the accounts to merge into.
    """

    rule: str
    column: str
    rows: Ints
    accounts: Ints
    why: "pd.Series[str] | None" = None
    masters: Ints | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Listed:
    """A list and what the matching makes of it.

    `accounts`, `rows`: as in `reading.accounts.ReadResult`.
    `keys`: `account`, `kind` (index in `kinds`), `key`. `refused_keys`: `account`, `column`, `rule`. `refused_cells`:
    `row`, `column`, `rule`, `left_out`. `entries`: of all accounts, whatever their segment.
    """

    accounts: pd.DataFrame
    rows: Ints
    keys: pd.DataFrame
    kinds: tuple[str, ...]
    refused_keys: pd.DataFrame
    refused_cells: pd.DataFrame
    entries: Entries
    edition: Edition

    @property
    def live(self) -> Bools:
        """The accounts that are not suppressed."""
        return ~self.accounts["suppressed"].to_numpy(dtype=bool)

    def with_key(self, kinds: frozenset[str]) -> Bools:
        """The accounts that a key of these kinds was made of, whatever became of it."""
        found = np.zeros(len(self.accounts), dtype=np.bool_)
        found[self.keys["account"].to_numpy()[self._of(kinds, self.keys)]] = True
        return found

    def found_by(self, kinds: frozenset[str]) -> Bools:
        """The accounts whose entry has a key of these kinds."""
        rows, entry = self.entries.rows, self.entries.entry_of
        found = np.zeros(len(self.entries.anchor) + 1, dtype=np.bool_)  # the last is for accounts in no entry
        found[rows["entry"].to_numpy()[self._of(kinds, rows)]] = True
        return found[entry]

    def _of(self, kinds: frozenset[str], keys: pd.DataFrame) -> Bools:
        wanted = [number for number, kind in enumerate(self.kinds) if kind in kinds]
        return np.isin(keys["kind"].to_numpy(), wanted)

    def at(self, rule: str, column: str, accounts: Ints | Bools) -> Found:
        """The rule in a column of these accounts: their positions in the order to look at them, or a mask."""
        positions = np.flatnonzero(accounts) if accounts.dtype == np.bool_ else accounts.astype(np.int64)
        return Found(rule=rule, column=column, rows=self.rows[positions], accounts=positions)


def listed_of(result: ReadResult, keys: Keys, kinds: Sequence[str], edition: Edition) -> Listed:
    """What was read, with its keys (`kind` as index in `kinds`), all of it counted in one segment."""
    accounts = result.accounts
    return Listed(
        accounts=accounts,
        rows=result.rows,
        keys=keys.frame,
        kinds=tuple(kinds),
        refused_keys=keys.refused,
        refused_cells=result.refused,
        entries=merge(keys.frame, np.zeros(len(accounts), dtype=np.uint8), accounts["account_id"], kinds),
        edition=edition,
    )
