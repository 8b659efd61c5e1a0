"""The usable rows of a table: clean cells under their targets; rows that cannot be used refused by number."""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cleanroom.agent.reading.cleaning import MAX_CELL, cleaned, folded, too_long
from cleanroom.agent.reading.mapping import IDENTIFIERS, Mapping
from cleanroom.agent.reading.refusals import Refused
from cleanroom.agent.reading.segments import SegmentFrom
from cleanroom.agent.reading.table import Table
from cleanroom.domain.errors import InputRefused
from matching.packing import packed

Cells = dict[str, "pd.Series[str]"]
_KEYS: Final = ("name", "website", "email", *IDENTIFIERS, "identifier")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Clean cells per target (and "segment", where a column gives it), and what was refused so far.

    Each column has shape (len(rows),); `rows` are 1-based rows of the source.
    """

    cells: Cells
    rows: npt.NDArray[np.int64]
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()

    def only(self, kept: npt.NDArray[np.bool_]) -> "Rows":
        """The rows where `kept` is true."""
        if kept.all():
            return self
        cells = {name: column[kept].reset_index(drop=True) for name, column in self.cells.items()}
        return replace(self, cells=cells, rows=self.rows[kept])

    def without(self, bad: npt.NDArray[np.bool_], column: str, rule: str) -> "Rows":
        """The other rows, the bad ones refused."""
        if not bad.any():
            return self
        refused = Refused(rows=self.rows[bad], column=column, rule=rule, left_out=True)
        return replace(self.only(~bad), refused=(*self.refused, refused))


def mapped_columns(table: Table, mapping: Mapping, segment_from: SegmentFrom | None) -> Cells:
    """The raw cells of each mapped target, and of "segment" where a column gives it; those that the table has.

    Raises InputRefused when several columns have a header that is asked for.
    """
    raw = {target: table.column(header) for target, header in mapping.columns.items() if header in table.headers}
    if segment_from is None:
        return raw
    wanted = folded(segment_from.column)
    found = [number for number, header in enumerate(table.headers) if folded(header) == wanted]
    if len(found) > 1:
        raise InputRefused(f"segment: {len(found)} columns have the given header")
    return {**raw, "segment": table.frame[found[0]]} if found else raw


def clean_rows(table: Table, raw: Cells) -> Rows:
    """The columns clean; rows with a cell over MAX_CELL refused, rows that say nothing in these columns left out."""
    rows = Rows(cells=raw, rows=table.rows, notes=table.notes)
    for target in raw:
        rule = f"longer than {MAX_CELL:,} characters"
        rows = rows.without(too_long(rows.cells[target]), target, rule)
    rows = replace(rows, cells={target: cleaned(column) for target, column in rows.cells.items()})
    filled = np.zeros(len(rows.rows), dtype=np.bool_)
    for column in rows.cells.values():
        filled |= (column != "").to_numpy()
    if blank := int((~filled).sum()):
        note = f"left out: {blank} rows without anything in the mapped columns"
        rows = replace(rows, notes=(*rows.notes, note))
    return rows.only(filled)


def with_keys(rows: Rows) -> Rows:
    """The rows that hold anything an account can be matched by; the others refused."""
    usable = np.zeros(len(rows.rows), dtype=np.bool_)
    for target in _KEYS:
        if target in rows.cells:
            usable |= (rows.cells[target] != "").to_numpy()
    return rows.without(~usable, "name", "neither name, website nor identifier")


def with_ids(rows: Rows) -> Rows:
    """The rows with an own, not repeated id: of repeated ones the first stays, the others are refused."""
    if "account_id" not in rows.cells:
        return rows
    rows = rows.without((rows.cells["account_id"] == "").to_numpy(), "account_id", "empty")
    repeated = rows.cells["account_id"].duplicated().to_numpy()
    return rows.without(repeated, "account_id", "repeated; the first row with it stays")


def content_ids(cells: Cells, country: "pd.Series[str]") -> list[str]:
    """An id for each row of a list without ids: stable as long as name, website and country stay.

    SHA-256 over the length-prefixed three, 128 bits in hex; equal rows are numbered in their order.
    """
    empty = [""] * len(country)
    names = cells["name"].tolist() if "name" in cells else empty
    sites = cells["website"].tolist() if "website" in cells else empty
    seen: dict[str, int] = {}
    ids: list[str] = []
    for name, site, code in zip(names, sites, country.tolist(), strict=True):
        digest = sha256(packed(name.encode(), site.encode(), code.encode())).hexdigest()[:32]
        number = seen.get(digest, 0)
        seen[digest] = number + 1
        ids.append(f"{digest}-{number}" if number else digest)
    return ids
