"""Parquet into a Table: text as it is, numbers and dates as plain text."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cleanroom.agent.reading.footers import without_footers
from cleanroom.agent.reading.table import Table, cell_text, clean_headers, text_frame
from cleanroom.domain.errors import InputRefused


def read_parquet(data: bytes) -> Table:
    """The table in `data`; row 1 is the first record.

    Raises InputRefused for a damaged or truncated file, and for columns that hold neither text, number, truth value
    nor date.
    """
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError, ValueError):
        raise InputRefused("the Parquet file is damaged or truncated") from None
    if not table.num_columns:
        raise InputRefused("the Parquet file has no columns")
    columns = [_text(column, number + 1) for number, column in enumerate(table.columns)]
    rows = np.arange(1, table.num_rows + 1, dtype=np.int64)
    raw = Table(headers=clean_headers(table.column_names), frame=text_frame(columns), rows=rows)
    return without_footers(raw)


def _text(column: pa.ChunkedArray, number: int) -> "pa.ChunkedArray | pa.Array":
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    try:
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind):
            return column.cast(pa.large_string())
        return pa.array([cell_text(value) for value in column.to_pylist()], pa.large_string())
    except (TypeError, ValueError, pa.ArrowException):
        rule = "neither text, number, truth value nor date"
        raise InputRefused(f"column {number}: {rule}") from None
