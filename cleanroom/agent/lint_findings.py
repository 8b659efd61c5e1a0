"""The places that were found, as a table to work through: what stands there now, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cleanroom.agent.lint_listed import Bools, Found, Ints, Listed
from cleanroom.agent.lint_rules import RULES
from cleanroom.agent.reading.cleaning import cleaned, folded
from cleanroom.agent.reading.mapping import IDENTIFIERS, Mapping
from cleanroom.agent.reading.segments import SegmentFrom
from cleanroom.agent.reading.table import Table

COLUMNS: Final = ("row", "account_id", "name", "rule", "column", "current", "suggestion", "master_account_id")
"""`row`: int64, 1-based in the source; all others `str`, "" where there is nothing to say."""

_BRANCH: Final = ", or leave it: it is in another country"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """Where the list came from: what stands in a cell is shown from here, because unreadable cells go no further."""

    table: Table
    mapping: Mapping
    segment_from: SegmentFrom | None

    def cells(self, column: str, rows: Ints) -> "pd.Series[str]":
        """What a column holds in these rows, clean; "" in rows that are not there and for a column that is not."""
        header = self._header(column)
        if header is None:
            return pd.Series([""] * len(rows), dtype="str")
        position = pd.Index(self.table.rows).get_indexer(pd.Index(rows))
        found = self.table.column(header).take(np.maximum(position, 0)).reset_index(drop=True)
        return cleaned(found.where(position >= 0, ""))

    def _header(self, column: str) -> str | None:
        if column == "segment" and self.segment_from is not None:
            wanted = folded(self.segment_from.column)
            return next((header for header in self.table.headers if folded(header) == wanted), None)
        known = self.mapping.columns
        return known.get(column) or (known.get("identifier") if column in IDENTIFIERS else None)


def findings(listed: Listed, found: Iterable[Found], source: Source) -> pd.DataFrame:
    """All places, in the order of `found`, with the columns `COLUMNS`."""
    frames = [_frame(listed, item, source) for item in found]
    if not frames:
        return pd.DataFrame({name: pd.Series([], dtype="int64" if name == "row" else "str") for name in COLUMNS})
    return pd.concat(frames, ignore_index=True)


def _frame(listed: Listed, item: Found, source: Source) -> pd.DataFrame:
    count = len(item.rows)
    masters, do = pd.Series([""] * count, dtype="str"), pd.Series([RULES[item.rule].do] * count, dtype="str")
    if item.masters is not None:
        masters = source.cells("account_id", listed.rows[item.masters])
        do = "merge it into " + masters.where(masters != "", _row_words(listed.rows[item.masters]))
        do += pd.Series(np.where(_elsewhere(listed, item.accounts, item.masters), _BRANCH, ""), dtype="str")
    if item.why is not None:
        do = item.why.reset_index(drop=True) + "; " + do
    return pd.DataFrame(
        {
            "row": item.rows,
            "account_id": source.cells("account_id", item.rows),
            "name": source.cells("name", item.rows),
            "rule": pd.Series([item.rule] * count, dtype="str"),
            "column": pd.Series([item.column] * count, dtype="str"),
            "current": _current(listed, item, source),
            "suggestion": do.astype("str"),
            "master_account_id": masters,
        }
    )


def _current(listed: Listed, item: Found, source: Source) -> "pd.Series[str]":
    """What stands in the cell. Of a contact's address only the domain: this table may be handed on."""
    if item.column != "email":
        return source.cells(item.column, item.rows)
    known = item.accounts >= 0
    domains = listed.accounts["email"].take(np.where(known, item.accounts, 0)).reset_index(drop=True)
    return domains.where(known, "")


def _elsewhere(listed: Listed, accounts: Ints, masters: Ints) -> Bools:
    """Whether an account is known to be in another country than its master."""
    country = listed.accounts["country"].to_numpy(dtype=object)
    own, other = country[accounts], country[masters]
    return np.asarray((own != other) & (own != "") & (other != ""), dtype=np.bool_)


def _row_words(rows: Ints) -> "pd.Series[str]":
    return "row " + pd.Series(rows).astype("str")
