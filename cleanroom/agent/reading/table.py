"""What every source (CSV, XLSX, Parquet, SQL) becomes: text cells under headers, with the row numbers of the source.

A cell is text, whatever it looks like; nothing is evaluated. Row numbers are those a person sees: in a
spreadsheet and a CSV the header's row is counted, in Parquet and SQL the first record is row 1.
"""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from cleanroom.domain.errors import InputRefused

MAX_COLUMNS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """A raw list.

    `frame` has a RangeIndex, columns 0..n-1 (n = len(headers)), all of dtype `str`, missing = "".
    `rows` is int64, shape (len(frame),): the 1-based row in the source. Headers may repeat or be empty.
    """

    headers: tuple[str, ...]
    frame: pd.DataFrame
    rows: npt.NDArray[np.int64]
    notes: tuple[str, ...] = ()

    def column(self, header: str) -> "pd.Series[str]":
        """The cells under `header`. Raises InputRefused when no column, or more than one, has it."""
        found = [position for position, known in enumerate(self.headers) if known == header]
        if not found:
            raise InputRefused("a column of the mapping is not in this table")
        if len(found) > 1:
            numbers = ", ".join(str(position + 1) for position in found)
            raise InputRefused(f"columns {numbers}: the same header, so neither can be mapped")
        return self.frame[found[0]]


def text_column(values: "pa.Array | pa.ChunkedArray") -> "pd.Series[str]":
    """Arrow strings as a pandas column of dtype `str`, nulls as "", without a detour over Python objects."""
    filled = values.cast(pa.large_string()).fill_null("")
    return pd.Series(pd.array(filled, dtype="str"))


def text_frame(columns: Sequence["pa.Array | pa.ChunkedArray"]) -> pd.DataFrame:
    """The columns side by side, named 0..n-1, RangeIndex."""
    return pd.DataFrame({number: text_column(values) for number, values in enumerate(columns)})


def clean_headers(cells: Iterable[str]) -> tuple[str, ...]:
    """Headers without outer blanks and byte-order marks. Raises InputRefused when none is left, or for too many."""
    headers = tuple(" ".join(cell.replace("\ufeff", "").split()) for cell in cells)
    if not any(headers):
        raise InputRefused("header: no column has a name")
    if len(headers) > MAX_COLUMNS:
        raise InputRefused(f"header: more than {MAX_COLUMNS} columns")
    return headers


def cell_text(value: object) -> str:  # noqa: PLR0911 - one return for each type
    """A typed cell (from XLSX, Parquet or SQL) as text; "" for none and not-a-number.

    Raises TypeError for binary or nested values. A float with exactly three decimals gets a fourth: as text,
    "1.234" could be a grouped 1234.
    """
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float_text(value)
        case Decimal():
            return "" if value.is_nan() else _unambiguous(format(value, "f"))
        case dt.datetime():
            midnight = value.time() == dt.time()
            return value.date().isoformat() if midnight else value.isoformat(sep=" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            raise TypeError("neither text, number, truth value nor date")


def _float_text(value: float) -> str:
    if not math.isfinite(value):
        return ""
    if value.is_integer():
        return str(int(value))
    return _unambiguous(format(Decimal(repr(value)), "f"))


def _unambiguous(text: str) -> str:
    whole, mark, decimals = text.partition(".")
    return f"{whole}.{decimals}0" if mark and len(decimals) == 3 else text  # noqa: PLR2004 - a group of digits
